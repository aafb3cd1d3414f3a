import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { namesOf, proved, type World, withRules } from '../../support/evidence.ts';
import { node, plain } from '../../support/ruleset-edits.ts';

describe('the netfilter rules of tailscaled itself', () => {
  const own = readFileSync(new URL('../fixtures/tailscaled-nft.txt', import.meta.url), 'utf8');
  const stateful = readFileSync(new URL('../fixtures/tailscaled-nft-stateful.txt', import.meta.url), 'utf8');
  const beside = (world: World, host: string, text: string) => withRules(world.evidence, host, /^/, text);

  it.each([
    ['beside the tables of an orchestrator', node, 'orch-1', own],
    ['beside those of a model on the tailnet', node, 'ollama-1', own],
    ['beside those of a subnet router', plain, 'rtr-1', own],
    ['with stateful filtering', plain, 'rtr-1', stateful],
  ] as const)('change no claim %s', (_name, world, host, text) => {
    const claims = proved(world, beside(world, host, text));
    expect([...namesOf(claims, 'violated'), ...namesOf(claims, 'unknown')]).toEqual([]);
  });

  it('do not hide that our table is gone', () => {
    const evidence = withRules(plain.evidence, 'rtr-1', /^[\s\S]*$/, own);
    expect(namesOf(proved(plain, evidence), 'violated')).toContain('ingress rtr-1');
  });

  it.each([
    ['another mark', '| 0x00040000', '| 0x00080000'],
    ['a masquerade of other packets', 'meta mark & 0x00ff0000 == 0x00040000 counter masquerade', 'counter masquerade'],
    [
      'a destination in the same chain',
      'counter jump ts-postrouting',
      'counter jump ts-postrouting\n\t\tip saddr 10.0.0.0/8 snat to 100.64.0.20',
    ],
    ['a mark that is saved whole', 'ct mark set meta mark & 0x00ff0000', 'ct mark set meta mark'],
    ['a mark that is restored for new packets too', 'ct state established,related ct mark', 'ct mark'],
    ['another hook', 'hook postrouting priority srcnat', 'hook prerouting priority dstnat'],
    ['another priority', 'type filter hook output priority mangle', 'type filter hook output priority 350'],
  ])('are a finding again with %s', (_name, from, to) => {
    const evidence = beside(plain, 'rtr-1', own.replace(from, to));
    expect(own).toContain(from);
    expect(namesOf(proved(plain, evidence), 'unknown')).toEqual(
      expect.arrayContaining(['ingress rtr-1', 'egress rtr-1']),
    );
  });
});
