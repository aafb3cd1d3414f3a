import { describe, expect, it } from 'vitest';
import { decide, describeHeld } from '../../src/reconcile/decide.ts';
import type { Evidence, SourceEntry } from '../../src/state/evidence.ts';
import { policyEtag } from '../../src/tailnet/policy/etag.ts';
import {
  EVERYTHING,
  evidence,
  expectHeld,
  expectTaken,
  GATEWAY_GRANT,
  names,
  on,
  slipIn,
  UNREAD,
  UNTOLD,
  WIDENS,
} from './decisions.ts';
import { BASE, declare, policyOf, withDevice, withPolicy, withRuleset, withSources } from './world.ts';

describe('what is as declared', () => {
  it('needs nothing', () => {
    expectTaken(evidence);
  });

  it('needs nothing where only the order of tags, of routes, or of elements of a set differs', () => {
    const routes = ['fd78:1::a/128', '10.78.1.10/32'];
    expectTaken(withDevice(evidence, 'n1rtrCNTRL', { enabledRoutes: routes }));
    expectTaken(
      withRuleset(evidence, 'gw-1', (t) => t.replace('{ 10.77.1.10, 10.78.1.10 }', '{ 10.78.1.10, 10.77.1.10 }')),
    );
  });
});

describe('a tailnet policy that is wider than declared is restored', () => {
  it.each<[string, (text: string) => string]>([
    ['by everything', slipIn(EVERYTHING)],
    ['by one port', (t) => t.replace('"tcp:8000-8010"', '"tcp:8000-8011"')],
    ['by one source', (t) => t.replace('"src": ["tag:executor"]', '"src": ["tag:executor", "tag:ci"]')],
    ['by a source that nobody is yet', slipIn('{"src": ["tag:media"], "dst": ["tag:gateway"], "ip": ["tcp:443"]},')],
    [
      'by an owner of a tag',
      (t) =>
        t
          .replace('"tag:orchestrator": ["group:ops"]', '"tag:orchestrator": ["group:family"]')
          .replace(
            '"group:family": ["ops@example.com", "kim@example.com"]',
            '"group:family": ["kim@example.com", "ops@example.com"]',
          ),
    ],
    [
      'by an approver of routes',
      (t) => t.replace('"10.90.0.0/16": ["tag:ci"]', '"10.90.0.0/16": ["tag:ci"], "10.78.0.0/16": ["tag:ci"]'),
    ],
    ['by a capability', (t) => t.replace('[{"read": true}]', '[{"read": true}], "example.com/cap/restore": [{}]')],
  ])('%s', (_how, edit) => {
    const observed = withPolicy(evidence, edit);
    const [action] = expectTaken(observed, 'policy').actions;
    // The bytes of the declaration, over exactly the policy that was judged.
    expect(action).toEqual({ kind: 'policy', text: policyOf(evidence), replaces: policyEtag(policyOf(observed)) });
  });

  it.each<[string, (text: string) => string]>([
    ['a comment', (t) => `${t}// reviewed\n`],
    ['the order of rules', (t) => t.replace(GATEWAY_GRANT, '').replace('"grants": [', `"grants": [${GATEWAY_GRANT}`)],
    ['its own tests', (t) => t.replace('"100.64.0.30:22",', '')],
  ])('and where only %s differs', (_what, edit) => {
    expectTaken(withPolicy(evidence, edit), 'policy');
  });

  it.each(['{}', '{"acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}]}'])(
    'after a reset to %s, although that took away the owners of tags as well',
    (text) => {
      const plain = declare(undefined, BASE.replace(/\n.*"app".*/, ''));
      const { actions, held } = decide(
        plain.topology,
        plain.evidence,
        withPolicy(plain.evidence, () => text),
      );
      expect({ actions: names(actions), held }).toEqual({ actions: ['policy'], held: [] });
    },
  );
});

describe('a tailnet policy that is narrower than declared waits for an operator', () => {
  it('a human took away a declared grant', () => {
    const { held } = expectHeld(
      withPolicy(evidence, (t) => t.replace(GATEWAY_GRANT, '')),
      'the tailnet policy',
      WIDENS,
    );
    expect(held[0]?.gains).toMatchObject([
      { kind: 'gain', src: { selector: 'tag:executor' }, dst: { selector: 'tag:gateway' } },
    ]);
  });

  it.each<[string, (text: string) => string]>([
    ['a port less', (t) => t.replace('"tcp:8000-8010"', '"tcp:8000-8009"')],
    ['a family less', (t) => t.replace('"dst": ["10.78.1.10", "fd78:1::a"]', '"dst": ["10.78.1.10"]')],
    ['a member of a group less', (t) => t.replace('["ops@example.com", "kim@example.com"]', '["ops@example.com"]')],
    [
      "a rule of the organisation's own less",
      (t) => t.replace('{"src": ["group:family"], "dst": ["tag:media"], "ip": ["tcp:8096"]},', ''),
    ],
    ['an owner of a tag less', (t) => t.replace('"tag:ci":           ["group:ops"]', '"tag:ci": []')],
    ['an approver of routes less', (t) => t.replace('{"10.90.0.0/16": ["tag:ci"]}', '{}')],
    ['an approver of exit nodes less', (t) => t.replace('"exitNode": ["tag:media"]', '"exitNode": []')],
    ['a capability less', (t) => t.replace('"app": {"example.com/cap/backup": [{"read": true}]}', '"ip": []')],
    ['everything', () => '{"grants": []}'],
  ])('%s', (_what, edit) => {
    expectHeld(withPolicy(evidence, edit), 'the tailnet policy', WIDENS);
  });

  it.each<[string, (text: string) => string]>([
    [
      'a grant slipped in and another taken away',
      (t) => slipIn('{"src": ["tag:ci"], "dst": ["tag:gateway"], "ip": ["tcp:22"]},')(t).replace(GATEWAY_GRANT, ''),
    ],
    ['ports moved', (t) => t.replace('"tcp:8000-8010"', '"tcp:8001-8011"')],
    [
      'an owner of a tag replaced',
      (t) => t.replace('"tag:ci":           ["group:ops"]', '"tag:ci": ["kim@example.com"]'),
    ],
    [
      'a grant slipped in and an owner taken away',
      (t) =>
        slipIn('{"src": ["tag:ci"], "dst": ["tag:gateway"], "ip": ["tcp:22"]},')(t).replace(
          '"tag:ci":           ["group:ops"]',
          '"tag:ci": []',
        ),
    ],
  ])('and so does one that is both: %s', (_what, edit) => {
    expectHeld(withPolicy(evidence, edit), 'the tailnet policy', WIDENS);
  });

  it('although everything else is open: a capability is not reach', () => {
    const edit = (t: string) =>
      slipIn(EVERYTHING)(t).replace('"app": {"example.com/cap/backup": [{"read": true}]}', '"ip": []');
    expectHeld(withPolicy(evidence, edit), 'the tailnet policy', WIDENS);
  });
});

describe('SSH rules and node attributes', () => {
  const SSH = '"ssh": [{"action": "accept", "src": ["group:ops"], "dst": ["tag:ci"], "users": ["root"]}],';
  const restored = (observed: Evidence) => {
    const { actions, held } = on(observed);
    return { actions: names(actions), held };
  };

  it.each([
    ['SSH rules', `{${SSH}`],
    ['node attributes', '{"nodeAttrs": [{"target": ["*"], "attr": ["funnel"]}],'],
  ])('%s that are not declared go: that gives nobody anything', (_what, section) => {
    const observed = withPolicy(evidence, (t) => t.replace('{', section));
    expect(restored(observed)).toEqual({ actions: ['policy'], held: [] });
  });

  it('that are declared and gone wait for an operator, and those that are there word for word do not', () => {
    const base = BASE.replace('{', `{${SSH}`);
    const ssh = declare(undefined, base);
    const without = withPolicy(ssh.evidence, (t) => t.replace(/\t"ssh": \[[\s\S]*?\n(?=\t")/, ''));
    expect(policyOf(without)).not.toContain('"ssh"');
    expect(decide(ssh.topology, ssh.evidence, without).held.map(describeHeld)).toEqual([expect.stringMatching(WIDENS)]);
    const open = decide(ssh.topology, ssh.evidence, withPolicy(ssh.evidence, slipIn(EVERYTHING)));
    expect({ actions: names(open.actions), held: open.held }).toEqual({ actions: ['policy'], held: [] });
  });
});

describe('a tailnet policy of which something is unknown waits for an operator', () => {
  it.each([
    ['relays of its own', '{"derpMap": {"OmitDefaultRegions": true},'],
    ['a node attribute nobody knows', '{"nodeAttrs": [{"target": ["*"], "attr": ["unheard-of"]}],'],
    ['a section nobody knows', '{"future": {"allow": "all"},'],
  ])('it has %s that are not declared', (_what, section) => {
    expectHeld(
      withPolicy(evidence, (t) => t.replace('{', section)),
      'the tailnet policy',
      UNTOLD,
    );
  });

  it.each<[string, SourceEntry | undefined]>([
    ['was denied', { status: 'denied', why: 'HTTP 403' }],
    ['failed', { status: 'failed', why: 'HTTP 500' }],
    ['was late', { status: 'late' }],
    ['is half there', { status: 'partial', body: { text: policyOf(evidence) } }],
    ['is absent', { status: 'absent', why: 'no credential' }],
    ['is not in the evidence', undefined],
    ['does not parse', { status: 'ok', body: { text: '{"grants": [' } }],
    ['has a key twice', { status: 'ok', body: { text: '{"grants": [], "grants": []}' } }],
    ['has the ETag of another text', { status: 'ok', body: { text: policyOf(evidence), etag: 'f'.repeat(64) } }],
    ['is no text at all', { status: 'ok', body: 'policy' }],
  ])('it %s', (_what, entry) => {
    const { held } = expectHeld(withSources(evidence, { 'tailnet/policy': entry }), 'the tailnet policy', UNREAD);
    expect(held[0]?.missing.length).toBeGreaterThan(0);
    expect(held[0]?.missing.every((m) => m.source.startsWith('tailnet/policy') && m.why !== '')).toBe(true);
  });

  it('the devices are unknown: what the rules mean to whom is then too', () => {
    const open = withPolicy(evidence, slipIn(EVERYTHING));
    const { actions, held } = on(withSources(open, { 'tailnet/devices': { status: 'denied', why: 'HTTP 403' } }));
    expect(actions).toEqual([]);
    expect(held.map((h) => h.what).sort()).toEqual(['tags and routes of the devices', 'the tailnet policy']);
  });
});
