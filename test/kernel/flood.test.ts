import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { replacement } from '../../src/apply/host-firewall-tables.ts';
import { requireOrSkip } from '../support/require.ts';
import { declare, EscapeLab, rulesetIn } from './escape-lab.ts';

/*
 * Tables are replaced again and again while datagrams that no rule ever lets through come and go, in both families. What
 * counts is what the receiving kernels saw behind their input hooks. With CORDON_LONG=1 it goes on for over a million.
 */
const IS_LONG = process.env['CORDON_LONG'] === '1';
const REPLACEMENTS = IS_LONG ? 400 : 25;
const PACKETS = IS_LONG ? 1_000_000 : 2_000;

const topology = (flows: string) => `
version: 1
tailnet: {id: TfloodCNTRL, operators: [ops@example.com]}
roles: {model: {tag: "tag:model"}, orchestrator: {tag: "tag:orchestrator"}}
hosts:
  model:
    role: model
    placement: tailnet
    device: nModelCNTRL
    addresses: [100.64.0.10, "fd7a:115c:a1e0::a"]
    access: {kind: render-only}
  orch:
    role: orchestrator
    device: nOrchCNTRL
    addresses: [100.64.0.20, "fd7a:115c:a1e0::14"]
    access: {kind: render-only}
services: {ollama: {on: model, tcp: [11434]}, web: {on: model, tcp: [8080]}}
flows: [${flows}]
`;
const OLLAMA = '{id: orchestrator-model, from: orchestrator, to: ollama}';
const WEB = '{id: orchestrator-web, from: orchestrator, to: web}';

let lab: EscapeLab;
let missing: string | undefined;

beforeAll(async () => {
  const opened = await EscapeLab.open(topology(`${OLLAMA}, ${WEB}`));
  if (typeof opened === 'string') missing = opened;
  else lab = opened;
});
beforeEach(() => requireOrSkip(missing === undefined, missing ?? ''));
afterAll(() => lab?.close());

/** Datagrams by turns over IPv4 and IPv6 through the tunnel, until the replacing is over; says how many were tried. */
const FLOOD = `
import os, socket, sys
v4 = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); v4.connect((sys.argv[1], 9998))
v6 = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); v6.connect((sys.argv[2], 9998))
count = 0
while not os.path.exists('/run/replaced'):
    for s in (v4, v6) * 50:
        count += 1
        try:
            s.send(b'flood')
        except OSError:
            pass
print(count)
`;

/** Loads what it reads, again and again: \`$1\` times, and on until \`$2\` seconds are over. */
const REPLACE = `
cat > /run/tables.nft; end=$(($(date +%s) + $2)); done=0
while [ $done -lt $1 ] || [ $(date +%s) -lt $end ]; do
  COMMAND || { touch /run/replaced; exit 1; }
  done=$((done + 1))
done
touch /run/replaced; echo $done
`;

interface Flood {
  readonly replacements: number;
  readonly tried: number;
  /** Seen by the model's kernel, and by its peer's, behind their input hooks. */
  readonly leakedIn: number;
  readonly leakedOut: number;
}

/** @param seconds how long at least */
async function flood(tables: string, command = 'nft -f /run/tables.nft', seconds = 0): Promise<Flood> {
  await lab.sandbox.mustRun([{ namespace: 'model', argv: ['nft', '-f', '-'], stdin: `flush ruleset\n${tables}` }]);
  await lab.sandbox.mustRun([{ namespace: 'model', argv: ['rm', '-f', '/run/replaced'] }]);
  const before = await Promise.all([datagrams('model'), datagrams('orch')]);
  const python = ['python3', '-I', '-S', '-c', FLOOD];
  const replace = ['sh', '-c', REPLACE.replace('COMMAND', command), 'sh', String(REPLACEMENTS), String(seconds)];
  const jobs = [
    { namespace: 'model', argv: replace, stdin: tables },
    { namespace: 'orch', argv: [...python, '100.64.0.10', 'fd7a:115c:a1e0::a'] },
    { namespace: 'model', argv: [...python, '100.64.0.20', 'fd7a:115c:a1e0::14'] },
  ];
  const [done, inward, outward] = await lab.sandbox.mustRun(jobs, 180_000);
  const after = await Promise.all([datagrams('model'), datagrams('orch')]);
  return {
    replacements: Number(done),
    tried: Number(inward) + Number(outward),
    leakedIn: after[0] - before[0],
    leakedOut: after[1] - before[1],
  };
}

/**
 * Datagrams that came as far as UDP, where nobody listens: what lies unread in a socket would not be counted
 * (proc_net_snmp, Udp and Udp6; net/ipv4/udp.c counts InDatagrams when they are read).
 */
async function datagrams(namespace: string): Promise<number> {
  const argv = ['cat', '/proc/net/snmp', '/proc/net/snmp6'];
  const [text = ''] = await lab.sandbox.mustRun([{ namespace, argv }]);
  const [names = '', values = ''] = text.split('\n').filter((line) => line.startsWith('Udp:'));
  const v4 = names.split(' ').reduce((sum, n, i) => sum + (n === 'NoPorts' ? Number(values.split(' ')[i]) : 0), 0);
  const v6 = [...text.matchAll(/^Udp6NoPorts\s+(\d+)$/gm)];
  return v6.reduce((sum, m) => sum + Number(m[1]), v4);
}

/** The tables without their last rules, which say what the policies say too. */
function policyOnly(tables: string): string {
  const text = tables.replace(/^\t\tcounter name "(in|out|post|fwd)_denied" drop\n/gm, '');
  expect(tables.length - text.length).toBeGreaterThan(100);
  return text;
}

describe('under a flood', () => {
  test('without rules all of it arrives', async () => {
    const result = await flood('', 'sleep 0.005');
    expect(result.leakedIn + result.leakedOut).toBeGreaterThan(0.9 * result.tried);
  });

  test('nothing leaks, in or out, over many replacements', { timeout: 400_000 }, async () => {
    const seconds = IS_LONG ? 12 : 0;
    const result = await flood(replacement(lab.ruleset('model')), undefined, seconds);
    process.stderr.write(`flood: ${JSON.stringify(result)}\n`);
    expect(result.replacements).toBeGreaterThanOrEqual(REPLACEMENTS);
    expect(result.tried).toBeGreaterThanOrEqual(PACKETS);
    expect(result).toMatchObject({ leakedIn: 0, leakedOut: 0 });
  });

  test('the same tables with the policies alone leak: the flood would see it', { timeout: 400_000 }, async () => {
    let leaked = 0;
    for (let round = 0; leaked === 0 && round < 8; round++) {
      const result = await flood(replacement(policyOnly(lab.ruleset('model'))));
      leaked = result.leakedIn + result.leakedOut;
      if (IS_LONG) process.stderr.write(`flood, policies alone: ${JSON.stringify(result)}\n`);
    }
    expect(leaked).toBeGreaterThan(0);
  });

  const long = IS_LONG ? ['deleting and loading in two transactions'] : [];
  test.each(long)('%s leaks in masses', { timeout: 400_000 }, async () => {
    const result = await flood(
      replacement(lab.ruleset('model')),
      'nft delete table inet cordon && nft -f /run/tables.nft',
    );
    process.stderr.write(`flood, two transactions: ${JSON.stringify(result)}\n`);
    expect(result.leakedIn).toBeGreaterThan(100);
    expect(result.leakedOut).toBeGreaterThan(100);
  });
});

test.each([4, 6] as const)(
  'a flow that is revoked dies with the next packet, and its neighbour goes on, IPv%s',
  async (family) => {
    const { evidence } = declare(topology(OLLAMA));
    const load = (text: string) =>
      lab.sandbox.mustRun([{ namespace: 'model', argv: ['nft', '-f', '-'], stdin: replacement(text) }]);
    await load(lab.ruleset('model'));
    const dst = family === 4 ? '100.64.0.10' : 'fd7a:115c:a1e0::a';
    const flows = [];
    for (const dport of [8080, 11434]) {
      flows.push(await lab.sandbox.openFlow({ namespace: 'orch', proto: 'tcp', family, dst, dport }));
    }
    const [revoked = -1, kept = -1] = flows;
    const say = (flow: number, word: string) => lab.sandbox.talk(flow, `${word}-${flow}-${family}\n`);
    for (const flow of [revoked, kept]) expect(await say(flow, 'before')).toEqual({ arrived: true, answered: true });
    await load(rulesetIn(evidence, 'model'));
    expect(await say(revoked, 'after')).toEqual({ arrived: false, answered: false });
    expect(await say(kept, 'after')).toEqual({ arrived: true, answered: true });
  },
);
