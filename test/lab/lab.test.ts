import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Lab, type ProbePair, startLab } from '../../src/lab/lab.ts';
import { addressesOf } from '../../src/lab/layout.ts';
import { isBlocked, type ProbeResult } from '../../src/lab/probe.ts';
import { formatAddress } from '../../src/net/address.ts';
import { requireOrSkip } from '../support/require.ts';
import { execIn, HOOK_MS, LAB_MISSING } from './machine.ts';
import { address, homelab, uniqueName } from './topology.ts';

const run = uniqueName();
const MODEL = `${run}-model`;
const ROUTER = `${run}-orch`;
const V4 = { address: address('10.77.1.10'), port: 11434 };
const V6 = { address: address('fd77:1::a'), port: 11434 };

/** Drops everything at one hook, in a table of the given family. */
const drop = (hook: string, family = 'inet') =>
  `table ${family} closed { chain ${hook}s { type filter hook ${hook} priority 300; policy drop; }; }\n`;

let lab: Lab;
beforeAll(async () => {
  if (LAB_MISSING !== undefined) return;
  lab = await startLab(homelab(run), { prefix: run });
  await lab.serveModel('ollama-1', { server: 'stand-in' });
  await lab.serveServices();
  await lab.addNeighbour('cell');
  await lab.addNeighbour();
}, HOOK_MS);
afterAll(async () => {
  await lab?.stop();
}, HOOK_MS);

/** Runs `work` with rules loaded in a namespace, and with all rules gone afterwards. */
async function withRules<T>(namespace: string, rules: string, work: () => Promise<T>): Promise<T> {
  execIn(namespace, ['nft', '-f', '-'], rules);
  try {
    return await work();
  } finally {
    execIn(namespace, ['nft', 'flush', 'ruleset']);
  }
}

/** Everybody to every address of everybody else, on the port that answers there and on one that does not. */
function everyPair(): readonly ProbePair[] {
  const ports = { 'ollama-1': 11434, 'gw-1': 443 } as Readonly<Record<string, number>>;
  return lab.layout.hosts.flatMap((from) =>
    lab.layout.hosts
      .filter((to) => to.name !== from.name)
      .flatMap((to) =>
        addressesOf(to).map((a) => ({ from: from.name, to: { address: a, port: ports[to.name] ?? 22 } })),
      )
      // A link-local address is known on its own link only.
      .filter((pair) => !formatAddress(pair.to.address).startsWith('fe80:') || sharesLink(pair.from, pair.to.address)),
  );
}

function sharesLink(from: string, linkLocal: { value: bigint }): boolean {
  const networks = lab.host(from).links.map((l) => l.network);
  return lab.layout.hosts.some((h) =>
    h.links.some((l) => l.linkLocal.value === linkLocal.value && networks.includes(l.network)),
  );
}

const text = (r: ProbeResult) =>
  `${r.from} to ${formatAddress(r.to.address)} port ${r.to.port}: ${r.outcome} ${r.proof}`;

describe('a lab', () => {
  it('lets everybody reach everybody while there are no rules', { timeout: 60_000 }, async () => {
    requireOrSkip(LAB_MISSING === undefined, LAB_MISSING ?? '');
    const results = await lab.probeMatrix(everyPair());
    expect(results.length).toBeGreaterThan(80);
    expect(
      results.filter((r) => !r.delivered || (r.outcome !== 'answered' && r.outcome !== 'refused')).map(text),
    ).toEqual([]);
    const served = results.filter((r) => r.to.port !== 22 && !formatAddress(r.to.address).startsWith('fe80:'));
    expect(served.filter((r) => r.outcome !== 'answered').map(text)).toEqual([]);
    expect(results.filter((r) => r.to.port === 22 && r.proof !== 'reset').map(text)).toEqual([]);
    expect(new Set(results.map((r) => r.receiver))).toEqual(new Set(lab.layout.hosts.map((h) => h.name)));
    expect(new Set(results.map((r) => r.id)).size).toBe(results.length);
  });

  it('lets nobody reach a model that drops everything, and the model nobody', { timeout: 60_000 }, async () => {
    requireOrSkip(LAB_MISSING === undefined, LAB_MISSING ?? '');
    const pairs = everyPair();
    const results = await withRules(MODEL, drop('input') + drop('output'), () => lab.probeMatrix(pairs));
    const ofModel = results.filter((r) => r.receiver === 'ollama-1' || r.from === 'ollama-1');
    expect(ofModel.length).toBeGreaterThan(20);
    expect(ofModel.filter((r) => !isBlocked(r)).map(text)).toEqual([]);
    expect(results.filter((r) => !ofModel.includes(r) && !r.delivered).map(text)).toEqual([]);
    const after = await lab.probeMatrix([
      { from: 'exec-1', to: V4 },
      { from: 'exec-1', to: V6 },
    ]);
    expect(after.map((r) => r.outcome)).toEqual(['answered', 'answered']);
  });

  it('reads the id that a probe carries, in HTTP and in plain TCP', async () => {
    requireOrSkip(LAB_MISSING === undefined, LAB_MISSING ?? '');
    const http = await lab.probe('orch-1', V4, { http: { path: '/api/version' } });
    expect(http).toMatchObject({
      from: 'orch-1',
      receiver: 'ollama-1',
      outcome: 'answered',
      proof: 'id',
      delivered: true,
    });
    expect(http.response?.status).toBe(200);
    expect(http.response?.body).toContain('stand-in');
    const body = JSON.stringify({ model: 'm', messages: [] });
    const chat = await lab.probe('orch-1', V6, { http: { method: 'POST', path: '/api/chat', body } });
    expect(JSON.parse(chat.response?.body ?? '')).toMatchObject({
      done: true,
      message: { role: 'assistant', content: expect.stringMatching(/ollama-1.*stand-in.*not a model/) },
    });
    expect((await lab.probe('orch-1', V4, { http: { path: '/api/pull' } })).response?.status).toBe(404);
    const line = await lab.probe('exec-1', { address: address('100.64.0.40'), port: 443 });
    expect(line).toMatchObject({ receiver: 'gw-1', outcome: 'answered', proof: 'id' });
    expect(lab.modelServer).toMatchObject({ kind: 'stand-in', host: 'ollama-1', port: 11434, program: undefined });
  });

  it('tells one family from the other', async () => {
    requireOrSkip(LAB_MISSING === undefined, LAB_MISSING ?? '');
    const pairs = [
      { from: 'orch-1', to: V4 },
      { from: 'orch-1', to: V6 },
    ];
    const onlyV4Closed = await withRules(MODEL, drop('input', 'ip'), () => lab.probeMatrix(pairs));
    expect(onlyV4Closed.map((r) => [r.outcome, isBlocked(r)])).toEqual([
      ['timeout', true],
      ['answered', false],
    ]);
    const onlyV6Closed = await withRules(MODEL, drop('input', 'ip6'), () => lab.probeMatrix(pairs));
    expect(onlyV6Closed.map((r) => [r.outcome, isBlocked(r)])).toEqual([
      ['answered', false],
      ['timeout', true],
    ]);
  });

  it('tells one port from the next', async () => {
    requireOrSkip(LAB_MISSING === undefined, LAB_MISSING ?? '');
    const rules = `table inet closed { chain c { type filter hook input priority 300; policy drop; tcp dport 11434 accept; }; }`;
    const ports = [11433, 11434, 11435];
    const results = await withRules(MODEL, rules, () =>
      lab.probeMatrix(ports.map((port) => ({ from: 'neighbour-1', to: { ...V4, port } }))),
    );
    expect(results.map((r) => [r.outcome, isBlocked(r)])).toEqual([
      ['timeout', true],
      ['answered', false],
      ['timeout', true],
    ]);
  });

  it('sees what arrives although no answer comes back', async () => {
    requireOrSkip(LAB_MISSING === undefined, LAB_MISSING ?? '');
    const [open, closed] = await withRules(MODEL, drop('output'), () =>
      lab.probeMatrix([
        { from: 'exec-1', to: V4 },
        { from: 'exec-1', to: { ...V6, port: 22 } },
      ]),
    );
    expect(open).toMatchObject({ outcome: 'timeout', delivered: true, proof: 'connection' });
    expect(closed).toMatchObject({ outcome: 'timeout', delivered: true, proof: 'reset' });
    expect([open, closed].map((r) => r && isBlocked(r))).toEqual([false, false]);
  });

  it('sees it behind a router that hides the sender', async () => {
    requireOrSkip(LAB_MISSING === undefined, LAB_MISSING ?? '');
    const masquerade =
      'table inet n { chain c { type nat hook postrouting priority 100; oifname "eth1" masquerade; }; }';
    await withRules(ROUTER, masquerade, async () => {
      expect(await lab.probe('exec-1', V4, { http: {} })).toMatchObject({ outcome: 'answered', proof: 'id' });
      const silent = await withRules(MODEL, drop('output'), () => lab.probe('exec-1', V4));
      expect(silent).toMatchObject({ outcome: 'timeout', proof: 'connection' });
    });
  });

  it('does not take a reset made by a rule for delivery', async () => {
    requireOrSkip(LAB_MISSING === undefined, LAB_MISSING ?? '');
    const reject =
      'table inet r { chain c { type filter hook input priority 300; tcp dport 11434 reject with tcp reset; }; }';
    const result = await withRules(MODEL, reject, () => lab.probe('exec-1', V4));
    expect(result).toMatchObject({ outcome: 'refused', error: 'ECONNREFUSED', delivered: false });
    expect(isBlocked(result)).toBe(true);
  });

  it('does not take the reset for another probe for the arrival of one at an open port', async () => {
    requireOrSkip(LAB_MISSING === undefined, LAB_MISSING ?? '');
    const rules = 'table inet f { chain c { type filter hook input priority 300; ip saddr 10.99.0.0/24 drop; }; }';
    const [blocked, closed] = await withRules(MODEL, rules, () =>
      Promise.all([lab.probe('exec-1', V4), lab.probe('neighbour-1', { ...V4, port: 22 })]),
    );
    expect(closed).toMatchObject({ outcome: 'refused', proof: 'reset' });
    expect(blocked).toMatchObject({ outcome: 'timeout', delivered: false });
  });

  it('lets only the firewall of the router keep others out', async () => {
    requireOrSkip(LAB_MISSING === undefined, LAB_MISSING ?? '');
    const froms = ['orch-1', 'exec-1', 'gw-1', 'neighbour-2', 'neighbour-1'];
    const results = await withRules(ROUTER, drop('forward'), () =>
      lab.probeMatrix(froms.flatMap((from) => [V4, V6].map((to) => ({ from, to })))),
    );
    expect(results.map((r) => [r.from, r.outcome])).toEqual(
      froms.flatMap((from) => {
        const outcome = from === 'orch-1' || from === 'neighbour-1' ? 'answered' : 'timeout';
        return [
          [from, outcome],
          [from, outcome],
        ];
      }),
    );
  });

  it('knows a way that does not exist from one that is closed, in about the time it is given', async () => {
    requireOrSkip(LAB_MISSING === undefined, LAB_MISSING ?? '');
    const nowhere = await lab.probe('exec-1', { address: address('203.0.113.1'), port: 80 });
    expect(nowhere).toMatchObject({
      outcome: 'unreachable',
      error: 'ENETUNREACH',
      delivered: false,
      receiver: undefined,
    });
    const closed = await withRules(MODEL, drop('input'), () => lab.probe('exec-1', V4, { timeoutMs: 300 }));
    expect(closed.elapsedMs).toBeGreaterThan(290);
    expect(closed.elapsedMs).toBeLessThan(1_500);
  });

  it('has nothing in the hub that could judge, forward or be spoken to', () => {
    requireOrSkip(LAB_MISSING === undefined, LAB_MISSING ?? '');
    const hub = lab.layout.hub;
    const links = JSON.parse(execIn(hub, ['ip', '-j', 'address', 'show'])) as {
      ifname: string;
      addr_info: { local?: string }[];
    }[];
    const addresses = links.filter((l) => l.ifname !== 'lo').flatMap((l) => l.addr_info.flatMap((a) => a.local ?? []));
    expect(addresses).toEqual([]);
    expect(links.length).toBe(1 + 2 + 7);
    expect(execIn(hub, ['cat', '/proc/sys/net/ipv4/ip_forward']).trim()).toBe('0');
    expect(
      execIn(hub, ['sh', '-c', 'cat /proc/sys/net/bridge/bridge-nf-call-* 2>/dev/null || true']).replace(/\s/g, ''),
    ).toMatch(/^0*$/);
  });

  it('gives the links the names and addresses of the topology', () => {
    requireOrSkip(LAB_MISSING === undefined, LAB_MISSING ?? '');
    for (const host of lab.layout.hosts) {
      const listed = JSON.parse(execIn(host.namespace, ['ip', '-j', 'address', 'show'])) as {
        ifname: string;
        addr_info: { local: string }[];
      }[];
      const have = listed
        .filter((l) => l.ifname !== 'lo')
        .flatMap((l) => l.addr_info.map((a) => `${l.ifname} ${a.local}`));
      const want = [
        ...host.links.flatMap((l) =>
          [...l.addresses.map((a) => a.address), l.linkLocal].map((a) => `${l.name} ${formatAddress(a)}`),
        ),
        ...(host.tailnet?.addresses ?? []).map((a) => `tailscale0 ${formatAddress(a)}`),
      ];
      expect(have.sort()).toEqual(want.sort());
      const forwarding = ['ipv4/ip_forward', 'ipv6/conf/all/forwarding'].map((path) => `/proc/sys/net/${path}`);
      const flag = host.name === 'orch-1' ? '1' : '0';
      expect(execIn(host.namespace, ['cat', ...forwarding]).split('\n')).toEqual([flag, flag, '']);
    }
  });
});
