import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatAddress } from '../../src/net/address.ts';
import { CT, type Packet } from '../../src/net/packet.ts';
import { PacketSet } from '../../src/net/packet-set.ts';
import { evaluatePacket } from '../../src/nftables/concrete/hook.ts';
import { readPacket } from '../../src/nftables/concrete/packet.ts';
import type { Decider } from '../../src/nftables/decide.ts';
import { evaluateHook } from '../../src/nftables/evaluate.ts';
import { partitionHook } from '../../src/nftables/partition.ts';
import type { Hook } from '../../src/nftables/ruleset.ts';
import { arbKnownMatch, arbPacket, arbRuleset, arbUnknownMatch } from './arbitraries.ts';
import { showPacket } from './interpreter.ts';
import { parsed } from './values.ts';

const STATES: Readonly<Record<string, readonly [state: string, direction?: string]>> = {
  [String(CT.originalNew)]: ['new', 'original'],
  [String(CT.originalEstablished)]: ['established', 'original'],
  [String(CT.replyEstablished)]: ['established', 'reply'],
  [String(CT.relatedOriginal)]: ['related', 'original'],
  [String(CT.relatedReply)]: ['related', 'reply'],
  [String(CT.invalid)]: ['invalid'],
  [String(CT.untracked)]: ['untracked'],
};

/** The packet of the packet model as one for the concrete evaluator; what the model lacks may be anything. */
function concrete(p: Packet, hook: Hook) {
  const [ctState, ctDirection] = STATES[String(p.ct)] ?? [];
  const withPorts = [6, 17, 33, 132, 136].includes(p.proto);
  const withIcmp = p.proto === 1 || p.proto === 58;
  const read = readPacket({
    hook,
    src: formatAddress(p.src),
    dst: formatAddress(p.dst),
    proto: p.proto,
    ...(withPorts ? { sport: p.sport ?? 0, dport: p.dport ?? 0 } : {}),
    ...(withIcmp ? { icmpType: p.icmpType ?? 0, icmpCode: p.icmpCode ?? 0 } : {}),
    ...(p.proto === 6 ? { tcpFlags: '?' } : {}),
    ctState,
    ...(ctDirection === undefined ? {} : { ctDirection, ctMark: '?' }),
    ...(p.iif === undefined ? {} : { iif: p.iif }),
    ...(p.oif === undefined ? {} : { oif: p.oif }),
    ...(p.uid === undefined ? {} : { skuid: p.uid }),
    mark: p.mark ?? 0,
    cgroup: '?',
  });
  if (!('packet' in read)) throw new Error(read.problems.join());
  return read.packet;
}

function placeOf(by: Decider): string {
  return by.kind === 'no-chain' ? '' : `${by.table} ${by.chain} ${by.kind === 'rule' ? by.text : 'policy'}`;
}

describe('all packets of a hook, divided', () => {
  test.each([
    ['decided', arbKnownMatch],
    ['partly undecided', fc.oneof({ weight: 3, arbitrary: arbKnownMatch }, { weight: 1, arbitrary: arbUnknownMatch })],
  ] as const)('%s: three parts that are everything, as the evaluator of single packets has it', (_what, match) => {
    let sure = 0;
    fc.assert(
      fc.property(
        arbRuleset('output', match),
        fc.array(arbPacket, { minLength: 12, maxLength: 12 }),
        (ruleset, sample) => {
          const { accepted, dropped, unknown } = partitionHook(ruleset, 'output');
          const parts = [...accepted, ...dropped, ...unknown];
          expect(PacketSet.unionAll(parts.map((p) => p.packets)) === PacketSet.all).toBe(true);
          for (const [i, part] of parts.entries()) {
            for (const other of parts.slice(i + 1)) expect(part.packets.overlaps(other.packets)).toBe(false);
          }
          const { may, must } = evaluateHook(ruleset, 'output');
          expect(PacketSet.unionAll(accepted.map((p) => p.packets)).isSubsetOf(may)).toBe(true);
          expect(must.isSubsetOf(PacketSet.unionAll(accepted.map((p) => p.packets)))).toBe(true);
          for (const p of sample) {
            // Output has no incoming interface, and an outgoing one always.
            const { iif: _, ...out } = { oif: 'eth0', ...p };
            const said = evaluatePacket(ruleset, concrete(out, 'output'));
            const part = { accept: accepted, drop: dropped, unknown }[said.verdict];
            expect(
              part.some(({ packets }) => packets.contains(out)),
              `${said.verdict} ${showPacket(out)}`,
            ).toBe(true);
            if (said.verdict !== 'unknown') sure++;
          }
        },
      ),
      { numRuns: 60 },
    );
    expect(sure).toBeGreaterThan(200);
  });

  test('each part names what decides it', () => {
    const ruleset = parsed(
      'table inet cordon {\n\tchain b {\n\t\ttype filter hook input priority 300; policy drop;\n' +
        '\t\ttcp dport 22 accept\n\t\tlimit rate 5/minute tcp dport 23 accept\n\t\tmeta mark set 0x00000007\n' +
        '\t\tmeta mark 0x00000007 udp dport 53 accept\n\t\tmeta mark != 0x00000007 accept\n\t}\n}\n',
    );
    const { accepted, dropped, unknown } = partitionHook(ruleset, 'input');
    expect(accepted.map((p) => placeOf(p.by))).toEqual([
      'inet cordon b tcp dport 22 accept',
      'inet cordon b meta mark 0x00000007 udp dport 53 accept',
    ]);
    expect(dropped.map((p) => placeOf(p.by))).toEqual(['inet cordon b policy']);
    expect(unknown.map((p) => p.place?.why)).toEqual(['a rate limit']);
  });

  test('what one chain does to marks the next one sees', () => {
    const chain = (name: string, priority: number, rule: string) =>
      `\tchain ${name} {\n\t\ttype filter hook input priority ${priority}; policy accept;\n\t\t${rule}\n\t}\n`;
    const ruleset = parsed(
      `table inet cordon {\n${chain('a', 1, 'tcp dport 5 meta mark set 0x00000007')}\n${chain('b', 2, 'meta mark 0x00000007 drop')}}\n`,
    );
    const { dropped } = partitionHook(ruleset, 'input');
    const all = PacketSet.unionAll(dropped.map((p) => p.packets));
    const packet = (dport: number, mark: number): Packet => ({
      family: 4,
      proto: 6,
      src: { family: 4, value: 1n },
      dst: { family: 4, value: 2n },
      sport: 1,
      dport,
      ct: CT.originalNew,
      iif: 'eth0',
      mark,
    });
    expect([packet(5, 0), packet(6, 0), packet(6, 7)].map((p) => all.contains(p))).toEqual([true, false, true]);
  });
});
