import { describe, expect, it } from 'vitest';
import { claimOf, namesOf, proved } from '../../support/evidence.ts';
import { type Edit, edit, homelab, plain } from '../../support/ruleset-edits.ts';

/** Edits after which a declared flow does not work; nothing gets in or out more. */
const broken: readonly (Edit & { readonly flow: string })[] = [
  {
    name: 'the opening rule of one family is gone at the responder',
    world: homelab,
    host: 'gw-1',
    from: /\t\tiifname "tailscale0" ip6 saddr [^\n]*\n/,
    to: '',
    flow: 'flow executor-gateway',
  },
  {
    name: 'the answer is not let out',
    world: homelab,
    host: 'gw-1',
    from: /\t\toifname "tailscale0" ip daddr?[^\n]*reply"\n|\t\toifname "tailscale0" ip saddr [^\n]*reply"\n/,
    to: '',
    flow: 'flow executor-gateway',
  },
  {
    name: 'the opening rule is gone at the initiator',
    world: homelab,
    host: 'exec-1',
    from: /\t\toifname "tailscale0" ip saddr [^\n]*\n/,
    to: '',
    flow: 'flow executor-gateway',
  },
  {
    name: 'only one source port works',
    world: homelab,
    host: 'gw-1',
    from: /tcp dport 443 ct direction original/,
    to: 'tcp sport 50000 tcp dport 443 ct direction original',
    flow: 'flow executor-gateway',
  },
  {
    name: 'a connection opens and its next packet is dropped',
    world: homelab,
    host: 'gw-1',
    from: 'tcp dport 443 ct direction original ct state established,new',
    to: 'tcp dport 443 ct direction original ct state new',
    flow: 'flow executor-gateway',
  },
  {
    name: 'a foreign table drops it',
    world: homelab,
    host: 'gw-1',
    from: /^/,
    to: 'table inet other {\n\tchain in {\n\t\ttype filter hook input priority filter; policy accept;\n\t\ttcp dport 443 drop\n\t}\n}\n',
    flow: 'flow executor-gateway',
  },
  {
    name: 'the router does not forward it',
    world: plain,
    host: 'rtr-1',
    from: /(chain forward_allow \{\n)[^}]*/,
    to: 'chain forward_allow {\n\t',
    flow: 'flow orchestrator-model',
  },
  {
    name: "the model's own link drops the answer",
    world: homelab,
    host: 'ollama-1',
    from: '\t\tip saddr 10.77.1.10 ip daddr 10.77.1.1 tcp sport 11434 accept comment "flow:orchestrator-model/reply"\n\t\tip6',
    to: '\t\tip6',
    flow: 'flow orchestrator-model',
  },
];

describe('a ruleset that stops a declared flow', () => {
  it.each(broken.map((b) => [b.name, b] as const))('%s', (_name, b) => {
    const claims = proved(b.world, edit(b));
    expect(namesOf(claims, 'violated')).toEqual([b.flow]);
    expect(namesOf(claims, 'unknown')).toEqual([]);
    const { witness, blame } = claimOf(claims, b.flow);
    expect(blame[0]).toMatchObject({ source: `host/${b.host}/nft.txt`, line: expect.any(Number) });
    expect(witness?.layer).toMatch(/which does not let it through$/);
  });
});
