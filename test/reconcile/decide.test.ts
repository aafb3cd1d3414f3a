import { describe, expect, it } from 'vitest';
import type { Action } from '../../src/reconcile/candidates.ts';
import { type Decision, decide, describeHeld } from '../../src/reconcile/decide.ts';
import type { Evidence, SourceEntry } from '../../src/state/evidence.ts';
import { policyEtag } from '../../src/tailnet/policy/etag.ts';
import {
  BASE,
  bodyOf,
  declare,
  policyOf,
  rulesetOf,
  withDevice,
  withPolicy,
  withRuleset,
  withSources,
} from './world.ts';

const declared = declare();
const { topology, evidence } = declared;
const on = (observed: Evidence): Decision => decide(topology, evidence, observed);

/** `policy`, `ruleset gw-1`, … */
function names(actions: readonly Action[]): string[] {
  return actions.map((a) => (a.kind === 'policy' ? 'policy' : `${a.kind} ${a.host.name}`));
}

function expectTaken(observed: Evidence, ...actions: string[]): Decision {
  const decision = on(observed);
  expect({ actions: names(decision.actions), held: decision.held.map(describeHeld) }).toEqual({ actions, held: [] });
  return decision;
}

function expectHeld(observed: Evidence, what: string, why: RegExp): Decision {
  const decision = on(observed);
  expect(names(decision.actions)).toEqual([]);
  expect(decision.held.map((h) => h.what)).toEqual([what]);
  expect(describeHeld(decision.held[0] as never)).toMatch(why);
  return decision;
}

const WIDENS = /it would give somebody access/;
const UNTOLD = /whether it would give somebody access cannot be told/;
const UNREAD = /what is there now could not be read/;

const EVERYTHING = '{"src": ["*"], "dst": ["*"], "ip": ["*"]},';
const GATEWAY_GRANT = `{
			"src": ["tag:executor"],
			"dst": ["tag:gateway"],
			"ip":  ["tcp:443", "tcp:8000-8010", "udp:443"],
		},`;
const MODEL_GRANT = `{
			"src": ["tag:orchestrator"],
			"dst": ["10.78.1.10", "fd78:1::a"],
			"ip":  ["tcp:11434"],
		},`;
const slipIn = (grant: string) => (text: string) => text.replace('"grants": [', `"grants": [${grant}`);

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

describe('a tailnet policy of which something is unknown waits for an operator', () => {
  const SSH = '"ssh": [{"action": "accept", "src": ["group:ops"], "dst": ["tag:ci"], "users": ["root"]}],';

  it.each([
    ['SSH rules', `{${SSH}`],
    ['node attributes', '{"nodeAttrs": [{"target": ["*"], "attr": ["funnel"]}],'],
    ['a section nobody knows', '{"future": {"allow": "all"},'],
  ])('it has %s that are not declared', (_what, section) => {
    expectHeld(
      withPolicy(evidence, (t) => t.replace('{', section)),
      'the tailnet policy',
      UNTOLD,
    );
  });

  it('it lacks SSH rules that are declared, but not where it has them word for word', () => {
    const base = BASE.replace('{', `{${SSH}`);
    const ssh = declare(undefined, base);
    const without = withPolicy(ssh.evidence, (t) => t.replace(/\t"ssh": \[[\s\S]*?\n(?=\t")/, ''));
    expect(policyOf(without)).not.toContain('"ssh"');
    expect(decide(ssh.topology, ssh.evidence, without).held.map(describeHeld)).toEqual([expect.stringMatching(UNTOLD)]);
    const open = decide(ssh.topology, ssh.evidence, withPolicy(ssh.evidence, slipIn(EVERYTHING)));
    expect({ actions: names(open.actions), held: open.held }).toEqual({ actions: ['policy'], held: [] });
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

describe('a ruleset', () => {
  const RULE = 'iifname "tailscale0" ip saddr 100.64.0.30 ip daddr 100.64.0.40 tcp dport { 443, 8000-8010 }';
  const OPEN_RULE = '\t\tjump ingress\n\t\ttcp dport 22 accept\n';
  const GW = 'the ruleset of gw-1';
  const line = (t: string, start: string) => t.split('\n').find((l) => l.trim().startsWith(start)) ?? '';

  it.each<[string, (text: string) => string]>([
    ['that was flushed', () => ''],
    ['with one rule too many', (t) => t.replace('\t\tjump ingress\n', OPEN_RULE)],
    ['with a wider rule', (t) => t.replace(RULE, RULE.replace(' ip saddr 100.64.0.30', ''))],
    [
      'without the final drop of a chain and with an open policy',
      (t) =>
        t
          .replace('hook input priority 300; policy drop;', 'hook input priority 300; policy accept;')
          .replace('\t\tcounter name "in_denied" drop\n', ''),
    ],
    ['that another address may pass', (t) => t.replace('ip6 saddr fd7a:115c:a1e0::1e ip6 daddr', 'ip6 daddr')],
    ['whose comment alone differs', (t) => t.replace('schema=1 host=gw-1', 'schema=1 host=gw-one')],
  ])('%s is restored', (_what, edit) => {
    const observed = withRuleset(evidence, 'gw-1', edit);
    const [action] = expectTaken(observed, 'ruleset gw-1').actions;
    expect(action).toMatchObject({ text: rulesetOf(evidence, 'gw-1'), replaces: rulesetOf(observed, 'gw-1') });
  });

  it.each<[string, (text: string) => string]>([
    ['that lacks a rule', (t) => t.replace(`${line(t, RULE)}\n`, '')],
    [
      'with a narrower rule',
      (t) => t.replace('tcp dport { 443, 8000-8010 } ct direction original', 'tcp dport 443 ct direction original'),
    ],
    ['that drops everything', (t) => t.replace('\t\tjump ingress\n', '\t\tdrop\n')],
    [
      'with one rule too many and one too few',
      (t) => t.replace('\t\tjump ingress\n', OPEN_RULE).replace(`${line(t, RULE)}\n`, ''),
    ],
    [
      'with a port moved',
      (t) =>
        t.replace(
          'tcp dport { 443, 8000-8010 } ct direction original',
          'tcp dport { 444, 8000-8010 } ct direction original',
        ),
    ],
  ])('%s waits for an operator', (_what, edit) => {
    const { held } = expectHeld(withRuleset(evidence, 'gw-1', edit), GW, WIDENS);
    expect(new Set(held[0]?.gains.map((c) => c.layer))).toEqual(new Set(['host/gw-1']));
  });

  it.each<[string, SourceEntry | undefined, RegExp]>([
    ['that could not be read', { status: 'failed', why: 'no namespace' }, UNREAD],
    ['that was refused', { status: 'denied', why: 'not root' }, UNREAD],
    ['that came late', { status: 'late' }, UNREAD],
    ['that changed while it was read', { status: 'partial', body: '', why: 'changed' }, UNREAD],
    ['that is not in the evidence', undefined, UNREAD],
    ['that is cut off', { status: 'ok', body: rulesetOf(evidence, 'gw-1').slice(0, 2000) }, UNREAD],
    ['that is no listing', { status: 'ok', body: 'Error: syntax error' }, UNREAD],
    ['that is no text', { status: 'ok', body: {} }, UNREAD],
  ])('%s waits for an operator', (_what, entry, why) => {
    const { held } = expectHeld(withSources(evidence, { 'host/gw-1/nft.txt': entry }), GW, why);
    expect(held[0]?.missing.every((m) => m.source.startsWith('host/gw-1/nft.txt'))).toBe(true);
  });

  it('with a statement that we do not understand waits for an operator', () => {
    const odd = (t: string) =>
      t.replace('\t\tjump ingress\n', '\t\tjump ingress\n\t\tfrobnicate ip saddr 10.0.0.1 accept\n');
    const { actions, held } = on(withRuleset(evidence, 'gw-1', odd));
    expect(actions).toEqual([]);
    expect(held.map((h) => h.what)).toEqual([GW]);
  });

  it('leaves tables of others alone, and they do not hold it', () => {
    const foreign =
      'table ip filter {\n\tchain INPUT {\n\t\ttype filter hook input priority filter; policy accept;\n\t}\n}\n';
    expectTaken(withRuleset(evidence, 'gw-1', (t) => `${foreign}${t}`));
    const [action] = expectTaken(
      withRuleset(evidence, 'gw-1', () => foreign),
      'ruleset gw-1',
    ).actions;
    expect(action).toMatchObject({ text: rulesetOf(evidence, 'gw-1'), replaces: foreign });
  });

  it('is not held by what is unknown of another host or of the tailnet', () => {
    const flushed = withRuleset(evidence, 'gw-1', () => '');
    const { actions, held } = on(
      withSources(flushed, {
        'host/exec-1/nft.txt': { status: 'failed', why: 'unreachable' },
        'tailnet/policy': { status: 'denied', why: 'HTTP 401' },
        'tailnet/devices': { status: 'denied', why: 'HTTP 401' },
      }),
    );
    expect(names(actions)).toEqual(['ruleset gw-1']);
    expect(held.map((h) => h.what)).toEqual([
      'the ruleset of exec-1',
      'the tailnet policy',
      'tags and routes of the devices',
    ]);
  });

  it('of a host with a name that begins like the unknown one is not held either', () => {
    const twin = declare((t) => {
      t.hosts['gw-10'] = {
        ...t.hosts['gw-1'],
        device: 'n2gwCNTRL',
        access: { kind: 'netns', name: 'none-gw-10' },
        addresses: ['100.64.0.41', 'fd7a:115c:a1e0::29'],
      };
    });
    const flushed = withRuleset(twin.evidence, 'gw-1', () => '');
    const decision = decide(
      twin.topology,
      twin.evidence,
      withSources(flushed, { 'host/gw-10/nft.txt': { status: 'late' } }),
    );
    expect(names(decision.actions)).toEqual(['ruleset gw-1']);
    expect(decision.held.map((h) => h.what)).toEqual(['the ruleset of gw-10']);
  });

  it('of a host that is only rendered is nobody’s business here', () => {
    const rendered = declare((t) => {
      t.hosts['gw-1'].access = { kind: 'render-only' };
    });
    for (const entry of [{ status: 'absent', why: 'render-only' }, { status: 'ok', body: '' }, undefined] as const) {
      const observed = withSources(rendered.evidence, { 'host/gw-1/nft.txt': entry });
      expect(decide(rendered.topology, rendered.evidence, observed)).toEqual({ actions: [], held: [] });
    }
  });
});

describe('a device', () => {
  it('with a tag too many is restored', () => {
    const observed = withDevice(evidence, 'n1execCNTRL', { tags: ['tag:orchestrator', 'tag:executor'] });
    const [action] = expectTaken(observed, 'tags exec-1').actions;
    expect(action).toMatchObject({ device: 'n1execCNTRL', tags: ['tag:executor'] });
  });

  it.each<[string, string, object]>([
    ['a sender without its tag', 'n1execCNTRL', { tags: [] }],
    ['a receiver without its tag', 'n1gwCNTRL', { tags: [] }],
    ['one with another tag instead', 'n1execCNTRL', { tags: ['tag:ci'] }],
  ])('%s waits for an operator', (_what, id, change) => {
    const host = id === 'n1gwCNTRL' ? 'gw-1' : 'exec-1';
    expectHeld(withDevice(evidence, id, change), `the tags of ${host}`, WIDENS);
  });

  it('that routes more than it should is restored', () => {
    const routes = ['10.78.1.0/24', '10.78.1.10/32', 'fd78:1::a/128'];
    const observed = withDevice(evidence, 'n1rtrCNTRL', { advertisedRoutes: routes, enabledRoutes: routes });
    const [action] = expectTaken(observed, 'routes rtr-1').actions;
    expect(action).toMatchObject({ device: 'n1rtrCNTRL', routes: ['10.78.1.10/32', 'fd78:1::a/128'] });
  });

  it('that routes and should not is restored', () => {
    const routes = ['10.77.1.0/24'];
    const observed = withDevice(evidence, 'n1execCNTRL', { advertisedRoutes: routes, enabledRoutes: routes });
    expect(expectTaken(observed, 'routes exec-1').actions[0]).toMatchObject({ routes: [] });
  });

  it.each<[string, object]>([
    ['whose approval was taken away', { enabledRoutes: [] }],
    ['of which one approval is left', { enabledRoutes: ['10.78.1.10/32'] }],
    ['that has another approval instead', { enabledRoutes: ['10.78.1.0/24'], advertisedRoutes: ['10.78.1.0/24'] }],
    ['whose approval was taken away while it advertises nothing', { enabledRoutes: [], advertisedRoutes: [] }],
  ])('router %s waits for an operator', (_what, change) => {
    expectHeld(withDevice(evidence, 'n1rtrCNTRL', change), 'the approved routes of rtr-1', WIDENS);
  });

  it('that is not in the list cannot be restored', () => {
    expectTaken(withDevice(evidence, 'n1gwCNTRL', undefined));
  });

  it('that nobody declared is left alone', () => {
    const { devices } = bodyOf<{ devices: object[] }>(evidence, 'tailnet/devices');
    const stranger = {
      nodeId: 'nSTRANGERCNTRL',
      name: 'x',
      hostname: 'x',
      addresses: ['100.64.0.99'],
      tags: ['tag:gateway'],
    };
    const body = { devices: [...devices, stranger] };
    expectTaken(withSources(evidence, { 'tailnet/devices': { status: 'ok', body } }));
  });

  it('keeps every other field that the service sent while it is judged', () => {
    const observed = withDevice(evidence, 'n1execCNTRL', {
      tags: ['tag:executor', 'tag:ci'],
      xFuture: { kept: [1, null] },
    });
    expectTaken(observed, 'tags exec-1');
  });
});

describe('several steps', () => {
  const worst = () =>
    withDevice(
      withDevice(
        withRuleset(
          withRuleset(withPolicy(evidence, slipIn(EVERYTHING)), 'ollama-1', () => ''),
          'exec-1',
          () => '',
        ),
        'n1execCNTRL',
        { tags: ['tag:executor', 'tag:ci'], advertisedRoutes: ['10.9.0.0/24'], enabledRoutes: ['10.9.0.0/24'] },
      ),
      'n1gwCNTRL',
      { tags: ['tag:gateway', 'tag:ci'] },
    );

  it('are taken deny first: rulesets, then the policy, then devices', () => {
    expectTaken(worst(), 'ruleset exec-1', 'ruleset ollama-1', 'policy', 'tags exec-1', 'routes exec-1', 'tags gw-1');
  });

  it('of which one is held leave the others to be taken', () => {
    const observed = withRuleset(worst(), 'gw-1', (t) => t.replace('\t\tjump ingress\n', '\t\tdrop\n'));
    const { actions, held } = on(observed);
    expect(names(actions)).toEqual([
      'ruleset exec-1',
      'ruleset ollama-1',
      'policy',
      'tags exec-1',
      'routes exec-1',
      'tags gw-1',
    ]);
    expect(held.map((h) => h.what)).toEqual(['the ruleset of gw-1']);
  });

  it('that were undone together wait together: neither half is a way in by itself', () => {
    const narrowed = withPolicy(evidence, (t) => t.replace(MODEL_GRANT, ''));
    const { actions, held } = on(withDevice(narrowed, 'n1rtrCNTRL', { enabledRoutes: [] }));
    expect(names(actions)).toEqual([]);
    expect(held.map((h) => h.what)).toEqual(['the tailnet policy', 'the approved routes of rtr-1']);
  });

  it('are judged in their order: a tag that a slipped-in rule favours is given back once the rule is gone', () => {
    const favour = '{"src": ["tag:router"], "dst": ["tag:gateway"], "ip": ["*"]},';
    const untagged = withDevice(evidence, 'n1rtrCNTRL', { tags: [] });
    expectTaken(withPolicy(untagged, slipIn(favour)), 'policy', 'tags rtr-1');
    // Where the policy has to wait, the tag has to wait with it.
    const narrowed = withPolicy(untagged, (t) => slipIn(favour)(t).replace(GATEWAY_GRANT, ''));
    const { actions, held } = on(narrowed);
    expect(names(actions)).toEqual([]);
    expect(held.map((h) => h.what)).toEqual(['the tailnet policy', 'the tags of rtr-1']);
  });
});
