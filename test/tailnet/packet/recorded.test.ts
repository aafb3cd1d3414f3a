import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decideCase, parsePacketCase } from '../../../src/cli/policy/packet-case.ts';

interface Recorded {
  readonly cases: readonly {
    readonly id: string;
    readonly packets: readonly { readonly dir: string; readonly verdict: string; readonly reason?: string }[];
  }[];
}

const file = new URL('../fixtures/packet-verdicts.json', import.meta.url);
const { cases } = JSON.parse(readFileSync(file, 'utf8')) as Recorded;

/** Our reason without the rule that it names. */
const word = (reason: string) => reason.replace(/^(rules\[\d+\]|no rule needed): /, '');

describe('the recorded verdicts of tailscale.com v1.102.5', () => {
  it.each(cases.map((c) => [c.id, c] as const))('%s', (_, c) => {
    const parsed = parsePacketCase(c);
    if (!('id' in parsed)) throw new Error(parsed.join('\n'));
    const ours = decideCase(parsed);
    const theirs = c.packets.map(({ verdict }, index) => ({ index, verdict }));
    expect(ours.map(({ index, verdict }) => ({ index, verdict }))).toEqual(theirs);
    for (const [i, { dir, reason }] of c.packets.entries()) {
      // On the way out it names a counter, and addresses that may not be logged get no reason.
      if (dir === 'in' && reason !== undefined) expect(word(ours[i]?.reason ?? '')).toBe(reason);
    }
  });

  it('hold some of every kind, or they say little', () => {
    const packets = cases.flatMap((c) => c.packets);
    expect(packets).toHaveLength(400);
    const reasons = new Set(packets.map((p) => p.reason?.replace(/\d+/, 'N')));
    expect([...reasons].filter((r) => r !== undefined).sort()).toEqual([
      'cached',
      'destination not allowed',
      'fragment',
      'icmp ok',
      'icmp response ok',
      'link-local-unicast',
      'link_local_unicast',
      'multicast',
      'no rules matched',
      'ok',
      'ok out',
      'other-portless ok',
      'tcp non-syn',
      'tcp ok',
      'too_short',
      'tsmp ok',
      'unknown proto',
      'unknown-protocol-N',
      'unknown_protocol',
    ]);
  });
});
