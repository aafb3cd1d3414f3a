import { describe, expect, it } from 'vitest';
import type { Evidence } from '../../../src/state/evidence.ts';
import { claimOf, namesOf, proved, withPolicy } from '../../support/evidence.ts';
import { homelab, node } from '../../support/ruleset-edits.ts';

/** The policy with one section more. */
function withSection(evidence: Evidence, name: string, entries: readonly object[]): Evidence {
  return withPolicy(evidence, '"grants": [', `"${name}": ${JSON.stringify(entries)},\n"grants": [`);
}

interface SshCase {
  readonly name: string;
  readonly rule: object;
  readonly violated: readonly string[];
  readonly causes?: readonly string[];
  readonly unknown?: readonly string[];
}

const CAREFUL = { action: 'check', src: ['ops@example.com'], dst: ['tag:gateway'], users: ['admin'] };

const ssh: readonly SshCase[] = [
  { name: 'operators, after a check, under a name that is written out', rule: CAREFUL, violated: [] },
  {
    name: 'accept instead of check',
    rule: { ...CAREFUL, action: 'accept' },
    violated: ['ingress gw-1'],
    causes: ['TS-ACL-27'],
  },
  { name: 'root', rule: { ...CAREFUL, users: ['admin', 'root'] }, violated: ['ingress gw-1'], causes: ['TS-ACL-27'] },
  {
    name: 'any name but root',
    rule: { ...CAREFUL, users: ['autogroup:nonroot'] },
    violated: ['ingress gw-1'],
    causes: ['TS-ACL-27'],
  },
  {
    name: 'somebody who is no operator',
    rule: { ...CAREFUL, src: ['kim@example.com'] },
    violated: ['ingress gw-1'],
    causes: ['TS-ACL-27'],
  },
  {
    name: 'a group with one who is none',
    rule: { ...CAREFUL, src: ['group:family'] },
    violated: ['ingress gw-1'],
    causes: ['TS-ACL-27'],
  },
  {
    name: 'everybody',
    rule: { ...CAREFUL, src: ['autogroup:member'] },
    violated: ['ingress gw-1'],
    causes: ['TS-ACL-27'],
  },
  {
    name: 'operators into the model',
    rule: { ...CAREFUL, dst: ['tag:model'] },
    violated: ['ingress ollama-1'],
    causes: ['TS-ACL-15'],
  },
  {
    name: 'the model into a machine that nobody protects',
    rule: { ...CAREFUL, src: ['tag:model'], dst: ['tag:ci'] },
    violated: ['egress ollama-1'],
    causes: ['TS-ACL-15'],
  },
  {
    name: 'operators into a machine that nobody protects',
    rule: { ...CAREFUL, dst: ['tag:media'], users: ['root'], action: 'accept' },
    violated: [],
  },
  {
    name: "everybody into their own devices, as Tailscale's default has it",
    rule: { action: 'check', src: ['autogroup:member'], dst: ['autogroup:self'], users: ['autogroup:nonroot', 'root'] },
    violated: [],
  },
  { name: 'nobody at all', rule: { ...CAREFUL, src: [] }, violated: [] },
];

describe('an SSH rule', () => {
  it.each(ssh)('for $name', ({ rule, violated, causes }) => {
    const claims = proved(homelab, withSection(homelab.evidence, 'ssh', [rule]));
    expect(namesOf(claims, 'violated')).toEqual(violated);
    expect(namesOf(claims, 'unknown')).toEqual([]);
    const [first] = violated;
    if (first === undefined) return;
    const claim = claimOf(claims, first);
    expect(claim.causes.filter((id) => id !== 'IAC-03')).toEqual(causes);
    expect(claim.witness).toMatchObject({ packet: { proto: 'tcp', dport: 22 } });
    expect(claim.blame).toEqual([
      expect.objectContaining({ source: 'tailnet/policy', rule: 'ssh[0]', line: expect.any(Number) }),
    ]);
  });

  it('that a posture narrows is not known to let nobody in', () => {
    const rule = { ...CAREFUL, src: ['kim@example.com'], srcPosture: ['posture:laptop'] };
    const claims = proved(
      homelab,
      withPolicy(
        withSection(homelab.evidence, 'ssh', [rule]),
        '"grants": [',
        '"postures": {"posture:laptop": ["node:os == \'linux\'"]},\n"grants": [',
      ),
    );
    expect(claimOf(claims, 'ingress gw-1').state).toBe('unknown');
  });

  it('with a key that is not known leaves every host open', () => {
    const claims = proved(homelab, withSection(homelab.evidence, 'ssh', [{ ...CAREFUL, unheardOf: true }]));
    expect(claimOf(claims, 'ingress ollama-1').state).toBe('unknown');
  });

  it('names the user that a login becomes', () => {
    const claims = proved(homelab, withSection(homelab.evidence, 'ssh', [{ ...CAREFUL, users: ['root'] }]));
    expect(claimOf(claims, 'ingress gw-1').witness).toMatchObject({
      to: 'gw-1 as root',
      layer: 'Tailscale SSH (check)',
    });
  });
});

describe('a node attribute', () => {
  const given = (attr: string, target: string[]) =>
    withSection(homelab.evidence, 'nodeAttrs', [{ target, attr: [attr] }]);

  it.each([
    ['funnel', ['tag:gateway'], ['ingress gw-1']],
    ['drive:share', ['tag:gateway'], ['ingress gw-1']],
    ['drive:access', ['tag:gateway'], ['egress gw-1']],
    ['disable-linux-cgnat-drop-rule', ['tag:executor'], ['ingress exec-1']],
    ['auto-exit-node', ['tag:model'], ['egress ollama-1']],
    ['nextdns:abc123', ['tag:model'], ['egress ollama-1']],
    ['funnel', ['tag:media'], []],
    ['funnel', ['autogroup:member'], []],
    ['randomize-client-port', ['*'], []],
    ['disable-ipv4', ['tag:media'], []],
  ] as const)('%s of %j', (attr, target, violated) => {
    const claims = proved(homelab, given(attr, [...target]));
    expect(namesOf(claims, 'violated')).toEqual(violated);
    expect(namesOf(claims, 'unknown')).toEqual([]);
    for (const name of violated) expect(claimOf(claims, name).causes).toContain('TS-ACL-14');
  });

  it('for everybody is for every protected host', () => {
    const violated = namesOf(proved(homelab, given('funnel', ['*'])), 'violated');
    expect(violated).toEqual(['ingress exec-1', 'ingress gw-1', 'ingress ollama-1', 'ingress orch-1']);
  });

  it('that nobody knows leaves open what it does, and says so', () => {
    const claims = proved(
      node,
      withSection(node.evidence, 'nodeAttrs', [{ target: ['tag:model'], attr: ['unheard-of'] }]),
    );
    const claim = claimOf(claims, 'ingress ollama-1');
    expect(claim.state).toBe('unknown');
    expect(claim.missing.map((m) => m.why)).toContain('what the node attribute unheard-of does is not known');
    expect(namesOf(claims, 'violated')).toEqual([]);
  });
});
