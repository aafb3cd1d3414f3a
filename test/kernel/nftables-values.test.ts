import { describe, expect, test } from 'vitest';
import { CT, type Packet } from '../../src/net/packet.ts';
import { evaluateHook } from '../../src/nftables/evaluate.ts';
import { addr } from '../nftables/plans.ts';
import { inetTable, parsed } from '../nftables/values.ts';
import { canUseNamespaces, makeNamespace } from '../support/namespace.ts';
import { requireOrSkip } from '../support/require.ts';

/** Conditions on things that a packet may not have; each is asked of one datagram over loopback, counted by the kernel. */
const CONDITIONS = [
  'iifname != "eth0"',
  'iifname "eth0"',
  'iif != "lo"',
  'oifname != "eth0"',
  'oif != "lo"',
  'meta skuid 0',
  'meta skuid != 1000',
  'ct state new',
  'ct state != new',
  'ct state invalid',
  'ct state untracked',
  'ct direction original',
  'ct direction != reply',
  'ct mark != 0x00000001',
  'tcp dport != 22',
  'udp dport != 22',
  'ip6 saddr != fd00::1',
  'ip saddr != 10.0.0.1',
  'icmp type != echo-request',
  'meta nfproto != ipv6',
  'meta mark & 0x00ff0000 != 0x00080000',
  'th dport 9999',
];

/** Nothing else may travel in the namespace, so somebody listens: an error message would be counted too. */
const SEND = `
  const { createSocket } = require('node:dgram');
  const receiver = createSocket('udp4').on('message', () => receiver.close());
  receiver.bind(9999, '127.0.0.1', () => {
    const sender = createSocket('udp4');
    sender.send('x', 9999, '127.0.0.1', () => sender.close());
  });`;

const DATAGRAM = {
  family: 4,
  proto: 17,
  src: addr('127.0.0.1'),
  dst: addr('127.0.0.1'),
  sport: 40000,
  dport: 9999,
} as const;
const AT: Readonly<Record<'input' | 'output', Partial<Packet>>> = {
  // The sender's socket comes along over loopback only up to the output hook.
  input: { iif: 'lo' },
  output: { oif: 'lo', uid: 0 },
};

describe.each(['input', 'output'] as const)('at %s', (hook) => {
  test.each([
    ['tracked', CT.originalNew, 'prerouting'],
    ['untracked', CT.untracked, 'notrack'],
  ] as const)('what the kernel matches of a datagram that is %s', (_what, ct, tracking) => {
    requireOrSkip(canUseNamespaces(), 'needs root, nft and network namespaces');
    const namespace = makeNamespace('values');
    try {
      const counters = CONDITIONS.map((_, i) => `\tcounter c${i} {\n\t}\n\n`).join('');
      const rules = CONDITIONS.map((c, i) => `${c} counter name "c${i}"`);
      const skip =
        'table inet raw {\n\tchain o {\n\t\ttype filter hook output priority -300; policy accept;\n\t\tnotrack\n\t}\n\n\tchain p {\n\t\ttype filter hook prerouting priority -300; policy accept;\n\t\tnotrack\n\t}\n}\n';
      const text = inetTable(rules, counters, 'accept', hook) + (tracking === 'notrack' ? skip : '');
      namespace.exec(['ip', 'link', 'set', 'lo', 'up']);
      namespace.exec(['nft', '-f', '-'], text);
      namespace.exec([process.execPath, '-e', SEND]);
      const listed = namespace.exec(['nft', 'list', 'counters']);
      const counts = [...listed.matchAll(/counter c([0-9]+) \{\s+packets ([0-9]+) /g)].map((m) => [
        Number(m[1]),
        Number(m[2]),
      ]);
      const kernel = CONDITIONS.map((c, i) => [c, (counts.find(([n]) => n === i)?.[1] ?? 0) > 0]);
      const packet: Packet = { ...DATAGRAM, ct, ...AT[hook] };
      const evaluated = CONDITIONS.map((c) => {
        const { may, must } = evaluateHook(parsed(inetTable([`${c} accept`], '', 'drop', hook)), hook);
        return [c, may.contains(packet) === must.contains(packet) ? must.contains(packet) : 'unknown'];
      });
      const decided = evaluated.filter(([, answer]) => answer !== 'unknown');
      expect(decided).toEqual(kernel.filter(([c]) => decided.some(([d]) => d === c)));
      expect(decided.length).toBeGreaterThan(CONDITIONS.length - 3);
    } finally {
      namespace.remove();
    }
  });
});
