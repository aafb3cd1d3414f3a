import { describe, expect, it } from 'vitest';
import type { Evidence } from '../../../src/state/evidence.ts';
import {
  claimOf,
  devicesOf,
  namesOf,
  plainWorld,
  proved,
  type World,
  withDevice,
  withDevices,
  withPolicy,
  withSource,
  withStranger,
} from '../../support/evidence.ts';
import { homelab, plain } from '../../support/ruleset-edits.ts';

const EXEC = 'nExec1DemoCNTRL';

interface Case {
  readonly name: string;
  readonly world: World;
  readonly edit: (e: Evidence) => Evidence;
  /** The one claim that says so, its state, causes, and a piece of its blame or of what is missing. */
  readonly claim: string;
  readonly state: 'violated' | 'unknown';
  readonly causes: readonly string[];
  readonly says: RegExp;
}

function settings(e: Evidence, change: Record<string, unknown>): Evidence {
  const body = { aclsExternallyManagedOn: true, devicesApprovalOn: true, usersApprovalOn: true, ...change };
  return withSource(e, 'tailnet/settings', { status: 'ok', body });
}

function owner(e: Evidence, tag: string, owners: readonly string[]): Evidence {
  return withPolicy(e, new RegExp(`"${tag}":\\s*\\["group:ops"\\]`), `"${tag}": ${JSON.stringify(owners)}`);
}

function approve(e: Evidence, approvers: object): Evidence {
  return withPolicy(e, '"tagOwners": {', `"autoApprovers": ${JSON.stringify(approvers)},\n"tagOwners": {`);
}

const cases: readonly Case[] = [
  {
    name: 'anybody may take the tag of the orchestrator',
    world: homelab,
    edit: (e) => owner(e, 'tag:orchestrator', ['group:ops', 'autogroup:member']),
    claim: 'authority tailnet/policy',
    state: 'violated',
    causes: ['TS-ACL-16'],
    says: /autogroup:member can give itself tag:orchestrator/,
  },
  {
    name: 'a machine may, by a tag of its own that owns another',
    world: homelab,
    edit: (e) => owner(owner(e, 'tag:orchestrator', ['tag:media']), 'tag:media', ['tag:ci']),
    claim: 'authority tailnet/policy',
    state: 'violated',
    causes: ['TS-ACL-16'],
    says: /tag:ci can give itself tag:orchestrator/,
  },
  {
    name: 'somebody joined the group of the operators',
    world: homelab,
    edit: (e) =>
      withPolicy(e, /"group:ops":\s*\["ops@example.com"\]/, '"group:ops": ["ops@example.com", "Mallory@example.com"]'),
    claim: 'authority tailnet/policy',
    state: 'violated',
    causes: ['TS-ACL-16'],
    says: /mallory@example.com became an operator/,
  },
  {
    name: 'the tag of the model owns another tag',
    world: homelab,
    edit: (e) => owner(e, 'tag:ci', ['tag:model']),
    claim: 'authority tailnet/policy',
    state: 'violated',
    causes: ['TS-ACL-16'],
    says: /the model's tag:model can give itself tag:ci/,
  },
  {
    name: 'a router approves its own route over the segment',
    world: homelab,
    edit: (e) => approve(e, { routes: { '10.0.0.0/8': ['tag:media'] } }),
    claim: 'authority tailnet/policy',
    state: 'violated',
    causes: ['TS-ACL-18'],
    says: /tag:media approves its own routes in 10\.0\.0\.0\/8/,
  },
  {
    name: 'the executor approves a route of its own, wherever it leads',
    world: homelab,
    edit: (e) => approve(e, { routes: { '172.20.0.0/16': ['tag:executor'] } }),
    claim: 'authority tailnet/policy',
    state: 'violated',
    causes: ['TS-ACL-18'],
    says: /tag:executor approves/,
  },
  {
    name: 'the model approves itself as an exit node',
    world: homelab,
    edit: (e) => approve(e, { exitNode: ['tag:model'] }),
    claim: 'authority tailnet/policy',
    state: 'violated',
    causes: ['TS-ACL-18'],
    says: /tag:model approves itself as an exit node/,
  },
  {
    name: 'an approver that nobody here knows',
    world: homelab,
    edit: (e) => approve(e, { services: { 'tag:x': ['tag:y'] } }),
    claim: 'authority tailnet/policy',
    state: 'unknown',
    causes: [],
    says: /autoApprovers\.services/,
  },
  {
    name: 'a section that nobody here knows',
    world: homelab,
    edit: (e) => withPolicy(e, '"tagOwners": {', '"tagDelegates": {"tag:model": ["*"]},\n"tagOwners": {'),
    claim: 'authority tailnet/policy',
    state: 'unknown',
    causes: [],
    says: /tagDelegates/,
  },
  {
    name: 'device approval is off',
    world: homelab,
    edit: (e) => settings(e, { devicesApprovalOn: false }),
    claim: 'authority tailnet/settings',
    state: 'violated',
    causes: ['TS-SET-01'],
    says: /declared true, found false/,
  },
  {
    name: 'user approval is off and the console may edit',
    world: homelab,
    edit: (e) => settings(e, { usersApprovalOn: false, aclsExternallyManagedOn: false }),
    claim: 'authority tailnet/settings',
    state: 'violated',
    causes: ['TS-SET-04', 'TS-SET-02'],
    says: /found false/,
  },
  {
    name: 'a setting is hidden (null)',
    world: homelab,
    edit: (e) => settings(e, { usersApprovalOn: null }),
    claim: 'authority tailnet/settings',
    state: 'unknown',
    causes: [],
    says: /usersApprovalOn is not visible/,
  },
  {
    name: 'settings are an empty object',
    world: homelab,
    edit: (e) => withSource(e, 'tailnet/settings', { status: 'ok', body: {} }),
    claim: 'authority tailnet/settings',
    state: 'unknown',
    causes: [],
    says: /devicesApprovalOn is not visible/,
  },
  {
    name: 'a setting that says so with a word',
    world: homelab,
    edit: (e) => settings(e, { usersApprovalOn: 'true' }),
    claim: 'authority tailnet/settings',
    state: 'unknown',
    causes: [],
    says: /usersApprovalOn is not visible/,
  },
  {
    name: 'a stranger holds the tag of the orchestrator, which no rule names',
    world: homelab,
    edit: (e) => withStranger(e, { user: undefined, tags: ['tag:orchestrator'] }),
    claim: 'authority tailnet/devices',
    state: 'violated',
    causes: ['TS-DEV-02'],
    says: /stranger holds tag:orchestrator/,
  },
  {
    name: 'a declared device waits for approval',
    world: homelab,
    edit: (e) => withDevice(e, EXEC, { authorized: false }),
    claim: 'authority exec-1',
    state: 'violated',
    causes: ['TS-DEV-27'],
    says: /found false/,
  },
  {
    name: 'a declared device routes something',
    world: homelab,
    edit: (e) => withDevice(e, EXEC, { advertisedRoutes: ['172.20.0.0/16'], enabledRoutes: ['172.20.0.0/16'] }),
    claim: 'authority exec-1',
    state: 'violated',
    causes: ['TS-RT-15'],
    says: /declared none, found 172\.20\.0\.0\/16/,
  },
  {
    name: 'a declared device offers a route that nobody approved',
    world: homelab,
    edit: (e) => withDevice(e, EXEC, { advertisedRoutes: ['172.20.0.0/16'] }),
    claim: 'authority exec-1',
    state: 'violated',
    causes: ['TS-FLT-07'],
    says: /advertised 172\.20\.0\.0\/16/,
  },
  {
    name: 'a router is no longer approved',
    world: plain,
    edit: (e) => withDevice(e, 'n1rtrCNTRL', { enabledRoutes: [] }),
    claim: 'authority rtr-1',
    state: 'violated',
    causes: ['TS-RT-15'],
    says: /found none/,
  },
  {
    name: 'a router is approved and does not advertise',
    world: plain,
    edit: (e) => withDevice(e, 'n1rtrCNTRL', { advertisedRoutes: [] }),
    claim: 'authority rtr-1',
    state: 'violated',
    causes: ['TS-RT-15'],
    says: /does not advertise/,
  },
  {
    name: 'a declared device is not in the list',
    world: homelab,
    edit: (e) =>
      withDevices(
        e,
        devicesOf(e).filter((d) => d.nodeId !== EXEC),
      ),
    claim: 'authority exec-1',
    state: 'unknown',
    causes: [],
    says: /device nExec1DemoCNTRL of exec-1 is not in the list/,
  },
  {
    name: 'a declared device is listed without its addresses',
    world: homelab,
    edit: (e) => withDevice(e, EXEC, { addresses: [] }),
    claim: 'authority exec-1',
    state: 'unknown',
    causes: [],
    says: /listed without addresses/,
  },
  {
    name: 'another device with the same name stands in its place',
    world: homelab,
    edit: (e) =>
      withStranger(
        withDevices(
          e,
          devicesOf(e).filter((d) => d.nodeId !== EXEC),
        ),
        { hostname: 'exec-1', name: 'exec-1', user: undefined, tags: ['tag:executor'] },
      ),
    claim: 'authority exec-1',
    state: 'unknown',
    causes: [],
    says: /not in the list/,
  },
];

describe('who may do what', () => {
  it.each(cases.map((c) => [c.name, c] as const))('%s', (_name, c) => {
    const claims = proved(c.world, c.edit(c.world.evidence));
    const claim = claimOf(claims, c.claim);
    expect(claim.state).toBe(c.state);
    expect(claim.causes).toEqual(c.causes);
    expect(JSON.stringify([claim.blame, claim.missing])).toMatch(c.says);
    const others = claims.filter((x) => x.claim === 'authority' && x !== claim && x.state !== 'holds');
    expect(others.map((x) => x.subject)).toEqual(c.name.includes('same name') ? ['tailnet/devices'] : []);
  });

  it('blames the entry of an owner where it stands', () => {
    const evidence = owner(homelab.evidence, 'tag:orchestrator', ['group:ops', 'autogroup:member']);
    const [blame] = claimOf(proved(homelab, evidence), 'authority tailnet/policy').blame;
    expect(blame).toMatchObject({
      source: 'tailnet/policy',
      line: expect.any(Number),
      rule: 'tagOwners tag:orchestrator',
    });
  });

  it.each([
    [
      'an owner by its login, who is an operator by the group',
      (e: Evidence) => owner(e, 'tag:model', ['OPS@example.com']),
    ],
    ['fewer operators', (e: Evidence) => withPolicy(e, /"group:ops":\s*\["ops@example.com"\]/, '"group:ops": []')],
    [
      'another group grows',
      (e: Evidence) => withPolicy(e, '"kim@example.com"]', '"kim@example.com", "mallory@example.com"]'),
    ],
    ['another tag of the household gets another owner', (e: Evidence) => owner(e, 'tag:ci', ['kim@example.com'])],
    ['operators approve routes', (e: Evidence) => approve(e, { routes: { '10.0.0.0/8': ['group:ops'] } })],
    [
      'others approve routes elsewhere',
      (e: Evidence) => approve(e, { routes: { '172.20.0.0/16': ['tag:media'] }, exitNode: ['tag:media'] }),
    ],
    ['more settings than are asked for', (e: Evidence) => settings(e, { httpsEnabled: false })],
    ['a stranger with a tag of its own', (e: Evidence) => withStranger(e, { tags: ['tag:ci'] })],
  ])('does not mind: %s', (_name, edit) => {
    const claims = proved(homelab, edit(homelab.evidence));
    const wrong = claims.filter((c) => c.claim === 'authority' && c.state !== 'holds');
    expect(wrong).toEqual([]);
  });

  it('does not take a tag of the operators for more than it is', () => {
    const world = plainWorld((t) => {
      t.tailnet.operators = ['tag:ops'];
      t.tailnet.base = './base.hujson';
    }, '{"tagOwners": {"tag:ops": ["autogroup:admin"]}}');
    expect(namesOf(proved(world), 'violated')).toEqual([]);
    const evidence = withPolicy(world.evidence, '"autogroup:admin"', '"autogroup:admin", "kim@example.com"');
    expect(claimOf(proved(world, evidence), 'authority tailnet/policy').causes).toEqual(['TS-ACL-16']);
  });
});
