import { describe, expect, it } from 'vitest';
import { decide } from '../../src/reconcile/decide.ts';
import type { SourceEntry } from '../../src/state/evidence.ts';
import {
  EVERYTHING,
  evidence,
  expectHeld,
  expectTaken,
  GATEWAY_GRANT,
  MODEL_GRANT,
  names,
  on,
  slipIn,
  UNREAD,
  WIDENS,
} from './decisions.ts';
import { bodyOf, declare, rulesetOf, withDevice, withPolicy, withRuleset, withSources } from './world.ts';

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
