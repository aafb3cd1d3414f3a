import { describe, expect, it } from 'vitest';
import type { Claim } from '../../src/proof/claim.ts';
import { verdictOf } from '../../src/proof/claim.ts';
import { requiredSources } from '../../src/proof/claims/evidence.ts';
import type { Evidence, SourceEntry } from '../../src/state/evidence.ts';
import {
  claimOf,
  devicesOf,
  namesOf,
  policyOf,
  proved,
  rulesOf,
  type World,
  withDevice,
  withDevices,
  withPolicyText,
  withRules,
  withSource,
} from '../support/evidence.ts';
import { homelab, node, plain } from '../support/ruleset-edits.ts';

/** Ways in which a source does not answer. */
const silences: readonly (readonly [string, (was: SourceEntry) => SourceEntry | undefined])[] = [
  ['denied', () => ({ status: 'denied', why: 'HTTP 403' })],
  ['failed', () => ({ status: 'failed', why: 'connection refused' })],
  ['late', () => ({ status: 'late' })],
  ['partial, with the whole body', (was) => ({ ...was, status: 'partial', why: 'changed while it was read' })],
  ['absent', () => ({ status: 'absent' })],
  ['not in the evidence', () => undefined],
  ['denied, with a body all the same', (was) => ({ ...was, status: 'denied' })],
];

/** Bodies of another shape. */
const garbled: readonly (readonly [string, unknown])[] = [
  ['nothing', undefined],
  ['null', null],
  ['a number', 17],
  ['an empty list', []],
  ['an empty object', {}],
  ['HTML', '<html><body>502 Bad Gateway</body></html>'],
  ['an error', { message: 'internal error' }],
  ['an object where a list belongs', { devices: {} }],
];

/** Claims that must not hold when this source is not known. */
function dependents(world: World, source: string): readonly string[] {
  const hosts = [...world.topology.hosts.values()];
  const isolation = hosts.flatMap((h) => [`ingress ${h.name}`, `egress ${h.name}`]);
  const onTailnet = hosts.filter((h) => h.device !== undefined).map((h) => `authority ${h.name}`);
  switch (source) {
    case 'tailnet/policy':
      return [`evidence ${source}`, 'closure tailnet/policy', 'authority tailnet/policy', ...isolation];
    case 'tailnet/devices':
      return [`evidence ${source}`, 'closure tailnet/policy', 'authority tailnet/devices', ...onTailnet, ...isolation];
    case 'tailnet/settings':
      return [`evidence ${source}`, 'authority tailnet/settings'];
    default: {
      const name = source.split('/')[1];
      return [`evidence ${source}`, `ingress ${name}`, `egress ${name}`];
    }
  }
}

/** The same evidence with something wrong in another place. */
function planted(evidence: Evidence, source: string): Evidence {
  if (source === 'tailnet/settings') return withRules(evidence, 'exec-1', /^[\s\S]*$/, '');
  const body = { aclsExternallyManagedOn: true, devicesApprovalOn: false, usersApprovalOn: true };
  return withSource(evidence, 'tailnet/settings', { status: 'ok', body });
}

function expectNotHolding(world: World, evidence: Evidence, source: string, names = dependents(world, source)) {
  const claims: readonly Claim[] = proved(world, evidence);
  expect(verdictOf(claims), 'never green').not.toBe('holds');
  for (const name of names) {
    const claim = claimOf(claims, name);
    expect(claim.state, name).not.toBe('holds');
    if (claim.state === 'unknown') expect(claim.missing.length, `${name} says why`).toBeGreaterThan(0);
  }
  expect(verdictOf(proved(world, planted(evidence, source))), 'a violation elsewhere still shows').toBe('violated');
  return claims;
}

const worlds = { homelab, plain };

describe.each(Object.entries(worlds))('of %s', (_name, world) => {
  const sources = requiredSources(world.topology);

  it.each(sources.flatMap((s) => silences.map(([what, fault]) => [s, what, fault] as const)))(
    '%s: %s',
    (source, _what, fault) => {
      const was = world.evidence.sources[source];
      if (was === undefined) throw new Error(`no ${source}`);
      const evidence = withSource(world.evidence, source, fault(was));
      const claims = expectNotHolding(world, evidence, source);
      // Nothing is proven wrong by silence.
      expect(namesOf(claims, 'violated')).toEqual([]);
    },
  );

  it.each(sources.flatMap((s) => garbled.map(([what, body]) => [s, what, body] as const)))(
    '%s: the body is %s',
    (source, _what, body) => {
      const evidence = withSource(world.evidence, source, { status: 'ok', body });
      const claims = expectNotHolding(
        world,
        evidence,
        source,
        [`evidence ${source}`].filter(() => !isSettingsObject(source, body)),
      );
      expect(namesOf(claims, 'violated')).toEqual([]);
    },
  );
});

/** Any object is a settings answer: in which nothing is visible. */
function isSettingsObject(source: string, body: unknown): boolean {
  return source === 'tailnet/settings' && typeof body === 'object' && body !== null && !Array.isArray(body);
}

describe('a ruleset that was cut off', () => {
  it.each(['exec-1', 'gw-1', 'ollama-1', 'orch-1'])('at the end of any line: %s', (host) => {
    const lines = rulesOf(homelab.evidence, host).split('\n');
    for (let kept = 0; kept < lines.length - 1; kept++) {
      const body = lines.slice(0, kept).join('\n');
      const claims = proved(homelab, withSource(homelab.evidence, `host/${host}/nft.txt`, { status: 'ok', body }));
      expect(verdictOf(claims), `${kept} lines`).not.toBe('holds');
      expect(
        claimOf(claims, `ingress ${host}`).state === 'holds' && claimOf(claims, `egress ${host}`).state === 'holds',
      ).toBe(false);
    }
  });

  it('in the middle of a line', () => {
    const text = rulesOf(homelab.evidence, 'ollama-1').trimEnd();
    for (let kept = 1; kept < text.length; kept += 37) {
      const evidence = withRules(homelab.evidence, 'ollama-1', /^[\s\S]*$/, text.slice(0, kept));
      expect(verdictOf(proved(homelab, evidence)), `${kept} characters`).not.toBe('holds');
    }
  });

  it('put together from two halves of different hosts', () => {
    const body = `${rulesOf(homelab.evidence, 'ollama-1')}${rulesOf(homelab.evidence, 'gw-1')}`;
    const claims = proved(homelab, withSource(homelab.evidence, 'host/gw-1/nft.txt', { status: 'ok', body }));
    expect(claimOf(claims, 'evidence host/gw-1/nft.txt').state).toBe('unknown');
  });

  it('is another host’s, whole', () => {
    const body = rulesOf(homelab.evidence, 'gw-1');
    const claims = proved(homelab, withSource(homelab.evidence, 'host/exec-1/nft.txt', { status: 'ok', body }));
    expect(claimOf(claims, 'evidence host/exec-1/nft.txt').missing).toEqual([
      { source: 'host/exec-1/nft.txt', why: 'this ruleset was made for gw-1' },
    ]);
    expect(claimOf(claims, 'ingress exec-1').state).toBe('unknown');
  });
});

describe('a policy that was cut off', () => {
  it('at the end of any line', () => {
    const lines = policyOf(homelab.evidence).trimEnd().split('\n');
    for (let kept = 0; kept < lines.length; kept++) {
      const claims = proved(homelab, withPolicyText(homelab.evidence, lines.slice(0, kept).join('\n')));
      expect(verdictOf(claims), `${kept} lines`).toBe('unknown');
      expect(claimOf(claims, 'ingress ollama-1').state).toBe('unknown');
    }
  });

  it('does not belong to its ETag', () => {
    const body = { text: policyOf(homelab.evidence), etag: '0'.repeat(64) };
    const claims = proved(homelab, withSource(homelab.evidence, 'tailnet/policy', { status: 'ok', body }));
    expect(claimOf(claims, 'evidence tailnet/policy').missing[0]?.why).toMatch(/does not belong to this text/);
    expect(claimOf(claims, 'ingress gw-1').state).toBe('unknown');
  });

  it('has a key twice', () => {
    const text = policyOf(homelab.evidence).replace('"grants": [', '"grants": [],\n"grants": [');
    const claims = proved(homelab, withPolicyText(homelab.evidence, text));
    expect(claimOf(claims, 'ingress gw-1').state).toBe('unknown');
  });
});

describe('a device list', () => {
  it.each(devicesOf(homelab.evidence).map((d) => d.nodeId))('without %s', (id) => {
    const evidence = withDevices(
      homelab.evidence,
      devicesOf(homelab.evidence).filter((d) => d.nodeId !== id),
    );
    const host = [...homelab.topology.hosts.values()].find((h) => h.device === id)?.name;
    expectNotHolding(homelab, evidence, 'tailnet/devices', [`authority ${host}`, `ingress ${host}`, `egress ${host}`]);
  });

  it('that is empty', () => {
    const names = ['exec-1', 'gw-1', 'orch-1'].flatMap((h) => [`authority ${h}`, `ingress ${h}`, `egress ${h}`]);
    expectNotHolding(homelab, withDevices(homelab.evidence, []), 'tailnet/devices', [
      ...names,
      'flow executor-gateway',
    ]);
  });

  it('with the default fields, in which nobody routes anything', () => {
    const devices = devicesOf(plain.evidence).map(({ advertisedRoutes: _a, enabledRoutes: _e, ...rest }) => rest);
    const claims = expectNotHolding(plain, withDevices(plain.evidence, devices), 'tailnet/devices');
    expect(claimOf(claims, 'evidence tailnet/devices').missing[0]?.why).toMatch(/without fields=all/);
  });

  it('with a device twice', () => {
    const devices = devicesOf(homelab.evidence);
    expectNotHolding(homelab, withDevices(homelab.evidence, [...devices, ...devices.slice(0, 1)]), 'tailnet/devices');
  });

  it('with an address that is none', () => {
    expectNotHolding(
      homelab,
      withDevice(homelab.evidence, 'nGw1DemoCNTRL', { addresses: ['100.64.0'] }),
      'tailnet/devices',
    );
  });

  it('without the address of a declared device', () => {
    const evidence = withDevice(homelab.evidence, 'nGw1DemoCNTRL', { addresses: [] });
    expectNotHolding(homelab, evidence, 'tailnet/devices', ['authority gw-1', 'ingress gw-1', 'egress gw-1']);
  });

  it('with a stranger of whom it says no address', () => {
    const devices = [...devicesOf(homelab.evidence), { nodeId: 'nXCNTRL', name: 'x', tags: ['tag:ci'], addresses: [] }];
    expectNotHolding(homelab, withDevices(homelab.evidence, devices), 'tailnet/devices', [
      'ingress gw-1',
      'ingress ollama-1',
    ]);
  });

  it('with a device that another tailnet shares', () => {
    const stranger = {
      ...devicesOf(homelab.evidence)[0],
      nodeId: 'nXCNTRL',
      isExternal: true,
      addresses: ['100.90.1.1'],
    };
    const evidence = withDevices(homelab.evidence, [...devicesOf(homelab.evidence), stranger]);
    expectNotHolding(homelab, evidence, 'tailnet/devices', ['closure tailnet/policy', 'ingress gw-1', 'egress gw-1']);
  });
});

describe('answers of another tailnet', () => {
  const users = (tailnetId: string, type = 'member') => ({
    status: 'ok' as const,
    body: { users: [{ id: '1', loginName: 'a@example.com', tailnetId, type }] },
  });

  it.each([
    ['its users name it', 'tailnet/users', users('ToTherCNTRL')],
    [
      'a federated identity names it',
      'tailnet/keys',
      { status: 'ok' as const, body: { keys: [{ id: 'k1', audience: 'api.tailscale.com/ToTherCNTRL-k1' }] } },
    ],
  ])('when %s', (_what, source, entry) => {
    const evidence = withSource(homelab.evidence, source, entry);
    // All of the tailnet is distrusted, so what is planted must be on a host: as for settings.
    const names = dependents(homelab, 'tailnet/policy');
    const claims = expectNotHolding(homelab, evidence, 'tailnet/settings', names);
    expect(claimOf(claims, 'evidence tailnet/devices').missing[0]?.why).toMatch(/come from tailnet ToTherCNTRL/);
  });

  it.each([
    ['the declared one', users('TdemoHomelabCNTRL')],
    ['an older name', users('example.com')],
    ['a shared user’s', users('ToTherCNTRL', 'shared')],
  ])('but not when the name is %s', (_what, entry) => {
    expect(verdictOf(proved(homelab, withSource(homelab.evidence, 'tailnet/users', entry)))).toBe('holds');
  });
});

describe('constructs that are not modelled', () => {
  const beside = (text: string) =>
    withPolicyText(node.evidence, policyOf(node.evidence).replace('"grants": [', `${text},\n"grants": [`));

  it.each([
    ['a key of an SSH rule', '"ssh": [{"action": "accept", "src": [], "dst": [], "users": ["root"], "via": ["*"]}]'],
    ['a node attribute', '"nodeAttrs": [{"target": ["*"], "attr": ["unheard-of"]}]'],
    ['app connectors', '"nodeAttrs": [{"target": ["tag:ci"], "app": {"tailscale.com/app-connectors": []}}]'],
    ['IPv4 switched off', '"disableIPv4": true'],
    ['a section that nobody knows', '"tunnels": [{"from": "*"}]'],
  ])('%s make unknown what they could touch', (_what, text) => {
    expectNotHolding(node, beside(text), 'tailnet/policy', [
      'closure tailnet/policy',
      'ingress ollama-1',
      'egress ollama-1',
      'ingress orch-1',
    ]);
  });

  it.each([
    [
      'a rule with a key that nobody knows',
      '{"src": ["tag:ci"], "dst": ["tag:media"], "ip": ["*"], "until": "tomorrow"}',
    ],
    ['an IP set', '{"src": ["ipset:x"], "dst": ["tag:model"], "ip": ["*"]}'],
    ['an unknown autogroup', '{"src": ["autogroup:robots"], "dst": ["tag:model"], "ip": ["tcp:11434"]}'],
  ])('%s could reach the model', (_what, grant) => {
    const evidence = withPolicyText(
      node.evidence,
      policyOf(node.evidence).replace('"grants": [', `"grants": [\n${grant},\n`),
    );
    const claims = expectNotHolding(node, evidence, 'tailnet/policy', ['closure tailnet/policy', 'ingress ollama-1']);
    expect(claimOf(claims, 'ingress ollama-1').state).toBe('unknown');
  });

  it.each([
    ['a rule with a posture', '{"src": ["*"], "dst": ["tag:model"], "ip": ["tcp:11434"], "srcPosture": ["posture:x"]}'],
    ['users of other tailnets', '{"src": ["autogroup:shared"], "dst": ["tag:model"], "ip": ["tcp:11434"]}'],
    ['a group that the policy does not define', '{"src": ["group:idp"], "dst": ["tag:model"], "ip": ["tcp:11434"]}'],
    ['a service', '{"src": ["tag:ci"], "dst": ["svc:web"], "ip": ["tcp:443"]}', 'closure tailnet/policy'],
  ])('%s is bounded from above, and what the bound reaches is not known', (_what, grant, name = 'ingress ollama-1') => {
    const evidence = withPolicyText(
      node.evidence,
      policyOf(node.evidence).replace('"grants": [', `"grants": [\n${grant},\n`),
    );
    const claims = expectNotHolding(node, evidence, 'tailnet/policy', [name]);
    expect(claimOf(claims, name).state).toBe('unknown');
    const closure = claimOf(claims, 'closure tailnet/policy');
    if (name === 'ingress ollama-1') {
      expect([closure.state, closure.missing]).toEqual(['holds', []]);
      expect(closure.assumed?.map((m) => m.why)).toEqual([expect.stringMatching(/^assumed: grants\[0\]: /)]);
    }
  });

  it('a default posture may stop a flow, and lets nobody in', () => {
    const text = '"postures": {"posture:x": ["node:os == \'linux\'"]}, "defaultSrcPosture": ["posture:x"]';
    const claims = proved(node, beside(text));
    expect(claimOf(claims, 'flow orchestrator-model').state).toBe('unknown');
    expect(claimOf(claims, 'ingress ollama-1').state).toBe('holds');
    expect(claimOf(claims, 'closure tailnet/policy').assumed).toHaveLength(1);
  });
});
