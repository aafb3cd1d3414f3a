import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { replacement } from '../../src/apply/host-firewall-tables.ts';
import type { Shot } from '../../src/lab/sandbox.ts';
import { formatAddress } from '../../src/net/address.ts';
import { requireOrSkip } from '../support/require.ts';
import { EscapeLab } from './escape-lab.ts';

/*
 * The measured ways past a host firewall, each without cordon's ruleset and with it. The id is that of the catalogue of
 * causes. A model host on the tailnet, its orchestrator, and a stranger that is on the LAN and on the tailnet.
 */
const TOPOLOGY = `
version: 1
tailnet: {id: TescapesCNTRL, operators: [ops@example.com]}
roles: {model: {tag: "tag:model"}, orchestrator: {tag: "tag:orchestrator"}}
hosts:
  model:
    role: model
    placement: tailnet
    device: nModelCNTRL
    addresses: [100.64.0.10, "fd7a:115c:a1e0::a", 10.99.1.10, "fd99::1:10"]
    access: {kind: render-only}
  orch:
    role: orchestrator
    device: nOrchCNTRL
    addresses: [100.64.0.20, "fd7a:115c:a1e0::14", 10.99.1.20, "fd99::1:20"]
    access: {kind: render-only}
services: {ollama: {on: model, tcp: [11434]}}
flows: [{id: orchestrator-model, from: orchestrator, to: ollama}]
`;
const MODEL = { tailnet4: '100.64.0.10', tailnet6: 'fd7a:115c:a1e0::a', lan4: '10.99.1.10', lan6: 'fd99::1:10' };
/** What any host needs for IPv6 at all. */
const ND = 'icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept';

let lab: EscapeLab;
let missing: string | undefined;
let stranger = { lan4: '', lan6: '', linkLocal: '' };

beforeAll(async () => {
  const opened = await EscapeLab.open(TOPOLOGY);
  if (typeof opened === 'string') {
    missing = opened;
    return;
  }
  lab = opened;
  stranger = lanOf('stranger');
});
beforeEach(() => requireOrSkip(missing === undefined, missing ?? ''));
afterAll(() => lab?.close());

const from = (namespace: string, family: 4 | 6, dst: string, dport: number, more: Partial<Shot> = {}): Shot => ({
  namespace,
  proto: 'tcp',
  family,
  dst,
  dport,
  receiver: namespace === 'model' ? 'stranger' : 'model',
  ...more,
});

/** From the LAN, whatever route there is over the tunnel. */
const overLan = (family: 4 | 6, dst: string, dport = 11434, more: Partial<Shot> = {}) =>
  from('stranger', family, dst, dport, { device: 'eth0', src: family === 4 ? stranger.lan4 : stranger.lan6, ...more });
/** The model opens something itself. */
const outward = (family: 4 | 6, dport: number, more: Partial<Shot> = {}) =>
  from('model', family, family === 4 ? stranger.lan4 : stranger.lan6, dport, more);
const DECLARED: readonly Shot[] = [from('orch', 4, MODEL.tailnet4, 11434), from('orch', 6, MODEL.tailnet6, 11434)];

/** The escape is there without cordon, and gone with it; what is declared goes on working. */
async function closes(escapes: readonly Shot[], naive: string, others = '', works = DECLARED): Promise<void> {
  await lab.naive('model', naive);
  for (const shot of escapes) expect(await lab.arrivesSoon(shot), `${words(shot)} without cordon`).toBe(true);
  await lab.cordon('model', others);
  for (const shot of escapes) expect(await lab.arrives(shot), `${words(shot)} with cordon`).toBe(false);
  for (const shot of works) expect(await lab.works(shot), words(shot)).toBe(true);
}

function words(s: Shot): string {
  return `${s.namespace} -> ${s.dst} ${s.proto} ${s.dport}`;
}

function lanOf(name: string): typeof stranger {
  const link = lab.host(name).links[0];
  const text = (family: 4 | 6) => link?.addresses.find((a) => a.address.family === family)?.address;
  const [lan4, lan6, linkLocal] = [text(4), text(6), link?.linkLocal].map((a) => (a ? formatAddress(a) : ''));
  return { lan4: lan4 ?? '', lan6: lan6 ?? '', linkLocal: linkLocal ?? '' };
}

describe.each([4, 6] as const)('a neighbour reaches the model, IPv%s', (family) => {
  const lan = family === 4 ? MODEL.lan4 : MODEL.lan6;
  const tailnet = family === 4 ? MODEL.tailnet4 : MODEL.tailnet6;
  const ip = family === 4 ? 'ip' : 'ip6';

  test('HOST-01: at its tailnet address over the LAN, where only that address is open', async () => {
    // Strict reverse path filtering does not help: the neighbour's own address is where it belongs.
    await lab.sandbox.settings('model', [['ipv4/conf/all/rp_filter', '1']]);
    const naive = `table inet naive { chain input { type filter hook input priority 0; policy drop;
      ${ip} daddr ${tailnet} tcp dport 11434 accept; ${ND}; ct state established accept; }; }`;
    await lab.naive('model', naive);
    expect(await lab.arrives(overLan(family, lan))).toBe(false);
    await closes([overLan(family, tailnet)], naive);
    await lab.sandbox.settings('model', [['ipv4/conf/all/rp_filter', '0']]);
  });

  test('HOST-02: at its LAN address, where the service listens on all', () => closes([overLan(family, lan)], ''));

  test('HOST-03: at a port that a rule behind the accept of the tailnet daemon was to close', () => {
    const daemon = `table ${ip} filter {
      chain ts-input { iifname "tailscale0" accept; }
      chain INPUT { type filter hook input priority 0; jump ts-input; iifname "tailscale0" tcp dport 22 drop; }; }`;
    return closes([from('stranger', family, tailnet, 22, { device: 'tailscale0' })], daemon, daemon);
  });

  test('HOST-23: behind an earlier accept of the same chain, and in a chain without a hook', () => {
    const rules = `table inet site {
      chain input { type filter hook input priority 0; iifname "eth0" accept; tcp dport 11434 drop; }
      chain closed { tcp dport { 22, 11434 } drop; }; }`;
    // Beside cordon only the accept: the drop would close the declared flow as well, since a drop anywhere is final.
    const others = 'table inet site { chain input { type filter hook input priority 0; iifname "eth0" accept; }; }';
    return closes([overLan(family, lan), overLan(family, lan, 22)], rules, others);
  });

  test('HOST-12: after a file with a mistake in it was loaded', async () => {
    const mistake = 'table inet cordon { chain input { type filter hook input priority 300; policy drop; nonsense }; }';
    // As init scripts do it: everything away, then the file.
    await lab.naive('model', 'table inet old { chain input { type filter hook input priority 0; policy drop; }; }');
    const argv = [
      ['nft', 'flush', 'ruleset'],
      ['nft', '-f', '-'],
    ];
    const codes = [];
    for (const a of argv) codes.push(...(await lab.sandbox.run([{ namespace: 'model', argv: a, stdin: mistake }])));
    expect(codes.map((r) => r.code === 0)).toEqual([true, false]);
    expect(await lab.arrivesSoon(overLan(family, lan))).toBe(true);
    // As cordon does it: one transaction, which fails as a whole and leaves what there was.
    await lab.cordon('model');
    const [refused] = await lab.sandbox.run([
      { namespace: 'model', argv: ['nft', '-f', '-'], stdin: replacement(mistake) },
    ]);
    expect(refused?.code).not.toBe(0);
    expect(await lab.arrives(overLan(family, lan))).toBe(false);
    for (const shot of DECLARED) expect(await lab.works(shot)).toBe(true);
  });

  test('HOST-17: with its packets untracked, where a test for something else was to drop them', () => {
    const untracked = `table inet site { chain raw { type filter hook prerouting priority raw; tcp dport 11434 notrack; }; }`;
    const naive = `${untracked}
      table inet naive { chain input { type filter hook input priority 0; ct state != established ct mark != 7 drop; }; }`;
    // No flow is tracked then, so that the declared one is closed as well.
    return closes([overLan(family, lan)], naive, untracked, []);
  });
});

describe.each([4, 6] as const)('the model opens something itself, IPv%s', (family) => {
  const lan = () => (family === 4 ? stranger.lan4 : stranger.lan6);

  test('HOST-07: from the port that it serves, which a rule without state lets out', () => {
    const naive = `table inet naive { chain output { type filter hook output priority 0; policy drop;
      th sport { 11434, 11500 } accept; ${ND}; }; }`;
    const src = family === 4 ? MODEL.lan4 : MODEL.lan6;
    return closes(
      [outward(family, 443, { src, sport: 11500 }), outward(family, 9999, { src, sport: 11500, proto: 'udp' })],
      naive,
    );
  });

  test('HOST-10: with the mark of the tailnet daemon on its own socket', async () => {
    requireOrSkip(lab.sandbox.isPrivileged, 'needs root: a user namespace knows one user only');
    const naive = `table inet naive { chain output { type filter hook output priority 0; policy drop;
      meta mark & 0x00ff0000 == 0x00080000 accept; ct state established accept; ${ND}; }; }`;
    await lab.naive('model', naive);
    expect(await lab.arrives(outward(family, 443, { uid: 1000 }))).toBe(false);
    const mark = 0x80000;
    const src = family === 4 ? MODEL.lan4 : MODEL.lan6;
    await closes(
      [
        outward(family, 443, { mark, uid: 1000 }),
        outward(family, 443, { mark, uid: 0 }),
        outward(family, 9999, { mark, uid: 1000, proto: 'udp', src, sport: 41641 }),
        outward(family, 9999, { mark, uid: 0, proto: 'udp', src, sport: 41641 }),
      ],
      naive,
    );
  });

  test('HOST-22: to where the host itself may go', () =>
    closes(
      [outward(family, 443)],
      `table inet naive { chain output { type filter hook output priority 0; policy drop; tcp dport 443 accept; ${ND}; }; }`,
    ));

  test('HOST-11: through the resolver of its host, which is another user', async () => {
    requireOrSkip(lab.sandbox.isPrivileged, 'needs root: a user namespace knows one user only');
    const naive =
      'table inet naive { chain output { type filter hook output priority 0; meta skuid 1000 oif != "lo" drop; }; }';
    await lab.naive('model', naive);
    expect(await lab.arrives(outward(family, 53, { uid: 1000, proto: 'udp' }))).toBe(false);
    expect(await resolves('without')).toBe(true);
    await lab.cordon('model');
    expect(await resolves('with')).toBe(false);
    for (const shot of DECLARED) expect(await lab.works(shot)).toBe(true);
  });

  /** A stub on loopback that belongs to root, and a lookup by uid 1000; whether it got to the server outside. */
  async function resolves(word: string): Promise<boolean> {
    const lookup = `lookup-${word}-${family}`;
    const stdin = STUB.replaceAll('SERVER', lan()).replace('LOOKUP', lookup);
    const argv = ['python3', '-I', '-'];
    const [asked] = await lab.sandbox.mustRun([{ namespace: 'model', argv, stdin }]);
    expect(asked).toContain('asked by 1000');
    return lab.sandbox.hasSeen(lookup);
  }
});

/** What a stub resolver does (systemd-resolved, dnsmasq): it asks outside for whoever asks it. */
const STUB = `
import ctypes, os, socket
stub = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
stub.bind(('127.0.0.53', 5353))
outside = socket.socket(socket.AF_INET6 if ':' in 'SERVER' else socket.AF_INET, socket.SOCK_DGRAM)
ctypes.CDLL(None).setfsuid(1000)
model = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
print('asked by', os.fstat(model.fileno()).st_uid)
stub.settimeout(1)
try:
    model.sendto(b'LOOKUP', ('127.0.0.53', 5353))
    question = stub.recv(512)
    outside.sendto(question, ('SERVER', 53))
except OSError as refused:
    print('refused:', refused)
`;

describe('IPv6 is forgotten', () => {
  test('HOST-06: a table for IPv4 leaves everything open over IPv6, both ways', async () => {
    const naive = `table ip naive {
      chain input { type filter hook input priority 0; policy drop; ct state established accept; }
      chain output { type filter hook output priority 0; policy drop; ct state established accept; }; }`;
    await lab.naive('model', naive);
    expect(await lab.arrives(overLan(4, MODEL.lan4))).toBe(false);
    expect(await lab.arrives(outward(4, 443))).toBe(false);
    await closes([overLan(6, MODEL.lan6), outward(6, 443)], naive);
  });

  test('HOST-19: a rule for addresses leaves the link-local one open', async () => {
    const naive = `table inet naive { chain input { type filter hook input priority 0;
      ip daddr ${MODEL.lan4} tcp dport 11434 drop; ip6 daddr ${MODEL.lan6} tcp dport 11434 drop; }; }`;
    await lab.naive('model', naive);
    expect(await lab.arrives(overLan(6, MODEL.lan6))).toBe(false);
    await closes([overLan(6, lanOf('model').linkLocal, 11434, { src: stranger.linkLocal })], naive);
  });
});

describe('HOST-08: connections outlive what allowed them', () => {
  const tracked = 'table inet site { chain input { type filter hook input priority 0; ct state new accept; }; }';
  const naive = `table inet naive {
    chain input { type filter hook input priority 0; policy drop; ct state established,related accept; ${ND}; }
    chain output { type filter hook output priority 0; policy drop; ct state established,related accept; ${ND}; }; }`;

  test.each([4, 6] as const)(
    'over IPv%s; with cordon the next packet is the last that is sent in vain',
    async (family) => {
      await lab.naive('model', tracked);
      const inward = await flow(overLan(family, family === 4 ? MODEL.lan4 : MODEL.lan6));
      const own = await flow(outward(family, 443));
      const declared = await flow(DECLARED[family === 4 ? 0 : 1] as Shot);
      const say = (number: number, word: string) => lab.sandbox.talk(number, `${word}-${number}-v${family}\n`);
      for (const f of [inward, own, declared])
        expect(await say(f, 'before')).toEqual({ arrived: true, answered: true });
      await lab.naive('model', naive);
      // New ones are refused, and yet:
      expect(await lab.arrives(overLan(family, family === 4 ? MODEL.lan4 : MODEL.lan6))).toBe(false);
      for (const f of [inward, own]) expect(await say(f, 'revoked')).toEqual({ arrived: true, answered: true });
      await lab.cordon('model');
      for (const f of [inward, own]) expect(await say(f, 'cut')).toEqual({ arrived: false, answered: false });
      // The permitted one never noticed.
      expect(await say(declared, 'after')).toEqual({ arrived: true, answered: true });
    },
  );

  async function flow(shot: Shot): Promise<number> {
    const number = await lab.sandbox.openFlow(shot);
    if (number === undefined) throw new Error(`no connection: ${words(shot)}`);
    return number;
  }
});
