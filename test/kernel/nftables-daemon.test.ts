import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { CT } from '../../src/net/packet.ts';
import { decidingRule } from '../../src/nftables/decide.ts';
import { printLoadable } from '../../src/nftables/print.ts';
import { renderHost } from '../../src/nftables/render/host.ts';
import { addr, PLANS } from '../nftables/plans.ts';
import { canUseNamespaces } from '../support/namespace.ts';
import { requireOrSkip } from '../support/require.ts';
import type { Probe } from './agent.ts';
import { connectHosts, LabHost } from './lab.ts';

/** A cgroup of the test's own in the place of the daemon's slice. */
const SLICE = `cordon-test-daemon-${process.pid}.slice`;

/** The machine's cgroup2 tree, mounted where nobody else looks; undefined where that is not allowed. */
function mountTree(): string | undefined {
  const tree = mkdtempSync(join(tmpdir(), 'cordon-cgroup-'));
  try {
    execFileSync('mount', ['-t', 'cgroup2', 'none', tree], { stdio: 'pipe' });
    return tree;
  } catch {
    rmdirSync(tree);
    return undefined;
  }
}

const tree = canUseNamespaces() ? mountTree() : undefined;
const open: LabHost[] = [];

afterAll(async () => {
  for (const host of open) await host.close();
  if (tree === undefined) return;
  execFileSync('sh', ['-c', `rmdir ${tree}/${SLICE}/daemon.service ${tree}/${SLICE} 2>/dev/null; umount ${tree}`]);
  rmdirSync(tree);
});

const OWN = '10.9.0.1';
const PEER = '10.9.0.2';
const tunnel = (sport = 41641, dport = 41641): Probe => ({ proto: 'udp', from: OWN, sport, to: PEER, dport });

/** Two machines on a wire, the first with the rules of a model host on the tailnet; `isDaemon` puts it into the slice. */
async function pair(isDaemon: boolean): Promise<[LabHost, LabHost]> {
  const [own, peer] = [new LabHost('daemon'), new LabHost('peer')];
  open.push(own, peer);
  connectHosts(own, 'eth0', peer, 'eth0', 'wire');
  own.configure('eth0', [`${OWN}/24`]);
  peer.configure('eth0', [`${PEER}/24`]);
  await peer.listen([PEER], [41641, 41642, 443, 53]);
  execFileSync('mkdir', ['-p', `${tree}/${SLICE}/daemon.service`]);
  if (isDaemon) writeFileSync(`${tree}/${SLICE}/daemon.service/cgroup.procs`, String(own.agentPid));
  const plan = PLANS['model-tailnet'];
  if (plan === undefined) throw new Error('no plan');
  const text = printLoadable(renderHost(plan)).replaceAll('"cordon.slice"', `"${SLICE}"`);
  own.namespace.exec(['sh', '-c', 'mount -t cgroup2 none /sys/fs/cgroup && nft -f -'], text);
  return [own, peer];
}

/** Stands in for SO_MARK, which Node cannot set: packets of these ports leave marked, in front of our chains. */
function mark(host: LabHost, ports: string): void {
  host.load(
    `table inet marks {\n chain o {\n type route hook output priority mangle; policy accept;\n th sport ${ports} meta mark set 0x80000\n th dport ${ports} meta mark set 0x80000\n }\n}\n`,
  );
}

describe('the tailnet daemon on its NIC', () => {
  test('user 0 in the slice with the mark gets out and is answered; nobody without the mark, nobody else', async () => {
    requireOrSkip(tree !== undefined, 'needs root, nft, network namespaces and a cgroup2 tree');
    const [own, peer] = await pair(true);
    expect(await own.probe(tunnel(), 'unmarked')).toBe(false);
    mark(own, '{ 41641, 443, 41642 }');
    expect(await own.probe(tunnel(), 'marked')).toBe(true);
    expect(await own.probe(tunnel(41642, 41641), 'from another port')).toBe(false);
    expect(await own.probe({ ...tunnel(40_001, 443), proto: 'tcp' }, 'control')).toBe(true);
    expect(await own.probe(tunnel(40_002, 53), 'a resolver nobody declared')).toBe(false);
    expect([...(await peer.seen())].sort()).toEqual(['control', 'marked']);
  });

  test('the same packets from outside of the slice stay inside', async () => {
    requireOrSkip(tree !== undefined, 'needs root, nft, network namespaces and a cgroup2 tree');
    const [own, peer] = await pair(false);
    mark(own, '{ 41641, 443 }');
    expect(await own.probe(tunnel(), 'outsider')).toBe(false);
    expect(await own.probe({ ...tunnel(40_003, 443), proto: 'tcp' }, 'outsider')).toBe(false);
    expect((await peer.seen()).size).toBe(0);
  });

  test('a peer that speaks first is heard only where the daemon has spoken to it', async () => {
    requireOrSkip(tree !== undefined, 'needs root, nft, network namespaces and a cgroup2 tree');
    const [own, peer] = await pair(true);
    mark(own, '41641');
    await own.listen([OWN], [41641]);
    const back: Probe = { proto: 'udp', from: PEER, sport: 41650, to: OWN, dport: 41641 };
    expect(await peer.probe(back, 'unasked')).toBe(false);
    expect((await own.seen()).size).toBe(0);
  });

  test('the evaluator says of these packets: it depends, and of all others: no', () => {
    const plan = PLANS['model-tailnet'];
    if (plan === undefined) throw new Error('no plan');
    const ruleset = renderHost(plan);
    const packet = { family: 4, proto: 17, src: addr(OWN), dst: addr(PEER), ct: CT.originalNew, oif: 'eth0' } as const;
    const verdict = (rest: object) => decidingRule(ruleset, 'output', { ...packet, ...rest }).verdict;
    expect(verdict({ sport: 41641, dport: 41641, uid: 0, mark: 0x80000 })).toBe('unknown');
    expect(verdict({ sport: 41641, dport: 41641, uid: 0 })).toBe('drop');
    expect(verdict({ sport: 41641, dport: 41641, uid: 1000, mark: 0x80000 })).toBe('drop');
    expect(verdict({ sport: 41642, dport: 41641, uid: 0, mark: 0x80000 })).toBe('drop');
    expect(verdict({ sport: 40_002, dport: 53, uid: 0, mark: 0x80000 })).toBe('drop');
  });
});
