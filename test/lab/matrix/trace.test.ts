import { expect, test } from 'vitest';
import { planNetwork } from '../../../src/lab/matrix/network.ts';
import { type Trace, tracePacket } from '../../../src/lab/matrix/trace.ts';
import { formatAddress } from '../../../src/net/address.ts';
import { address, homelab } from '../topology.ts';

const network = planNetwork(homelab('trace'));

function host(name: string) {
  const found = network.layout.hosts.find((h) => h.name === name);
  if (found === undefined) throw new Error(name);
  return found;
}

/** `HOST HOOK IIF>OIF SRC>DST` for each station. */
function words(trace: Trace | undefined): readonly string[] | undefined {
  return trace?.stations.map(
    (s) => `${s.host} ${s.hook} ${s.iif ?? ''}>${s.oif ?? ''} ${formatAddress(s.src)}>${formatAddress(s.dst)}`,
  );
}

const packet = (src: string, dst: string, device?: string) => ({
  src: address(src),
  dst: address(dst),
  ...(device === undefined ? {} : { device }),
});

test('over the tunnel into a segment, the router hides the source, and undoes it for the answer', () => {
  const there = tracePacket(network, host('exec-1'), packet('100.64.0.30', '10.77.1.10', 'tailscale0'));
  expect(words(there)).toEqual([
    'exec-1 output >tailscale0 100.64.0.30>10.77.1.10',
    'exec-1 postrouting >tailscale0 100.64.0.30>10.77.1.10',
    'orch-1 forward tailscale0>eth1 100.64.0.30>10.77.1.10',
    'orch-1 postrouting tailscale0>eth1 10.77.1.1>10.77.1.10',
    'ollama-1 input eth0> 10.77.1.1>10.77.1.10',
  ]);
  expect(there?.receiver).toBe('ollama-1');
  expect(there && formatAddress(there.seenAs)).toBe('10.77.1.1');
  const back = tracePacket(network, host('ollama-1'), packet('10.77.1.10', '10.77.1.1'), there);
  expect(words(back)).toEqual([
    'ollama-1 output >eth0 10.77.1.10>10.77.1.1',
    'ollama-1 postrouting >eth0 10.77.1.10>10.77.1.1',
    'orch-1 forward eth1>tailscale0 10.77.1.10>100.64.0.30',
    'orch-1 postrouting eth1>tailscale0 10.77.1.10>100.64.0.30',
    'exec-1 input tailscale0> 10.77.1.10>100.64.0.30',
  ]);
});

test('over the LAN into a segment nothing is hidden', () => {
  const there = tracePacket(network, host('exec-1'), packet('10.99.0.11', '10.77.1.10', 'eth0'));
  expect(there?.hidden).toBeUndefined();
  expect(there?.stations.map((s) => `${s.host} ${s.hook}`)).toEqual([
    'exec-1 output',
    'exec-1 postrouting',
    'orch-1 forward',
    'orch-1 postrouting',
    'ollama-1 input',
  ]);
});

test('a tailnet address is reached over the device that the socket is bound to', () => {
  const over = (device: string) =>
    tracePacket(network, host('exec-1'), packet('10.99.0.11', '100.64.0.40', device))?.stations.at(-1)?.iif;
  expect([over('tailscale0'), over('eth0'), over('eth7')]).toEqual(['tailscale0', 'eth0', undefined]);
});

test('a host that is no router forwards nothing, and an address of nobody leads nowhere', () => {
  expect(tracePacket(network, host('exec-1'), packet('100.64.0.30', '100.64.0.99', 'tailscale0'))).toBeUndefined();
  const inner = {
    ...network,
    layout: { ...network.layout, hosts: network.layout.hosts.map((h) => ({ ...h, forwards: false })) },
  };
  const owners = new Map(
    [...network.owners].map(([a, h]) => [a, inner.layout.hosts.find((x) => x.name === h.name) ?? h]),
  );
  const from = inner.layout.hosts.find((h) => h.name === 'exec-1') ?? host('exec-1');
  expect(tracePacket({ ...inner, owners }, from, packet('100.64.0.30', '10.77.1.10', 'tailscale0'))).toBeUndefined();
});
