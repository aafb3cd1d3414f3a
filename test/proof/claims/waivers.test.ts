import { describe, expect, it } from 'vitest';
import { verdictOf } from '../../../src/proof/claim.ts';
import { interpret } from '../../../src/state/interpret.ts';
import {
  claimOf,
  namesOf,
  plainWorld,
  proved,
  TODAY,
  type World,
  withGrant,
  withRules,
  withSource,
} from '../../support/evidence.ts';

const BASE = JSON.stringify({
  groups: {},
  tagOwners: { 'tag:ci': ['ops@example.com'] },
  grants: [{ src: ['tag:ci'], dst: ['tag:gateway'], ip: ['tcp:22'] }],
});

/** A topology whose own base policy lets CI to the gateway, with waivers for it. */
function waived(...waivers: readonly (readonly [string, string])[]): World {
  return plainWorld((t) => {
    t.tailnet.base = './base.hujson';
    t.waivers = waivers.map(([id, expires]) => ({ id, owner: 'ops', reason: 'until the move', expires }));
  }, BASE);
}

describe('a waiver', () => {
  it.each([
    [
      'of the cause',
      [
        ['TS-ACL-02', '2026-12-31'],
        ['TS-ACL-26', '2026-12-31'],
      ],
    ],
    [
      'of the causes of that claim',
      [
        ['ingress:gw-1:TS-ACL-02', '2026-12-31'],
        ['ingress:gw-1:TS-ACL-26', '2026-12-31'],
      ],
    ],
    [
      'on its last day',
      [
        ['TS-ACL-02', TODAY],
        ['TS-ACL-26', TODAY],
      ],
    ],
  ] as const)('%s keeps the claim violated, shows who answers for it, and does not fail the run', (_how, list) => {
    const world = waived(...list);
    const claims = proved(world);
    const claim = claimOf(claims, 'ingress gw-1');
    expect(claim.state).toBe('violated');
    expect(claim.waiver).toEqual({ id: list[0][0], owner: 'ops', reason: 'until the move', expires: list[0][1] });
    expect(verdictOf(claims)).toBe('holds');
  });

  it.each([
    ['of another cause', [['TS-ACL-05', '2026-12-31']]],
    ['of one cause of two', [['TS-ACL-02', '2026-12-31']]],
    [
      'of another claim',
      [
        ['egress:gw-1:TS-ACL-02', '2026-12-31'],
        ['egress:gw-1:TS-ACL-26', '2026-12-31'],
      ],
    ],
    [
      'of another host',
      [
        ['ingress:exec-1:TS-ACL-02', '2026-12-31'],
        ['ingress:exec-1:TS-ACL-26', '2026-12-31'],
      ],
    ],
    ['of the claim without its causes', [['ingress:gw-1', '2026-12-31']]],
  ] as const)('%s waives nothing', (_how, list) => {
    const claims = proved(waived(...list));
    expect(claimOf(claims, 'ingress gw-1').waiver).toBeUndefined();
    expect(verdictOf(claims)).toBe('violated');
  });

  it('that has expired waives nothing and is a violation itself', () => {
    const claims = proved(waived(['TS-ACL-02', '2026-11-23'], ['TS-ACL-26', '2026-12-31']));
    expect(claimOf(claims, 'ingress gw-1').waiver).toBeUndefined();
    expect(claimOf(claims, 'waiver TS-ACL-02')).toMatchObject({
      state: 'violated',
      causes: ['IAC-21'],
      blame: [{ source: 'cordon.yaml', text: 'expired on 2026-11-23, owner ops' }],
    });
    expect(verdictOf(claims)).toBe('violated');
  });

  it('that has expired is a violation although nothing is left to waive', () => {
    const world = plainWorld((t) => {
      t.waivers = [{ id: 'HOST-02', owner: 'ops', reason: 'x', expires: '2020-01-01' }];
    });
    expect(namesOf(proved(world), 'violated')).toEqual(['waiver HOST-02']);
  });

  it('of a flow that does not work is of the flow itself', () => {
    const world = plainWorld((t) => {
      t.waivers = [{ id: 'flow:executor-gateway', owner: 'ops', reason: 'x', expires: '2026-12-31' }];
    });
    const evidence = withRules(world.evidence, 'gw-1', /\t\tiifname "tailscale0" ip saddr [^\n]*\n/, '');
    const claims = proved(world, evidence);
    expect(claimOf(claims, 'flow executor-gateway')).toMatchObject({ state: 'violated', waiver: { owner: 'ops' } });
    expect(verdictOf(claims)).toBe('holds');
  });

  it('does not cover what somebody changed since', () => {
    const world = waived(['TS-ACL-02', '2026-12-31'], ['TS-ACL-26', '2026-12-31']);
    const wider = withGrant(world.evidence, { src: ['tag:ci'], dst: ['tag:gateway'], ip: ['tcp:23'] });
    const claims = proved(world, wider);
    expect(claimOf(claims, 'ingress gw-1').causes).toContain('IAC-03');
    expect(verdictOf(claims)).toBe('violated');
  });

  it('nor a ruleset that somebody changed', () => {
    const world = plainWorld((t) => {
      t.waivers = ['HOST-02', 'HOST-01'].map((id) => ({ id, owner: 'ops', reason: 'x', expires: '2026-12-31' }));
    });
    const evidence = withRules(
      world.evidence,
      'gw-1',
      'chain ingress {\n',
      'chain ingress {\n\t\ttcp dport 22 accept\n',
    );
    const claims = proved(world, evidence);
    expect(claimOf(claims, 'ingress gw-1').waiver).toBeUndefined();
    expect(verdictOf(claims)).toBe('violated');
  });

  it('does not make green what is not known beside it', () => {
    const world = waived(['TS-ACL-02', '2026-12-31'], ['TS-ACL-26', '2026-12-31']);
    const evidence = withSource(world.evidence, 'host/gw-1/nft.txt', { status: 'failed' });
    const claims = proved(world, evidence, { declared: interpret(world.evidence) });
    expect(claimOf(claims, 'ingress gw-1').missing.length).toBeGreaterThan(0);
    expect(verdictOf(claims)).toBe('unknown');
  });
});

describe('the verdict', () => {
  const claim = (state: 'holds' | 'violated' | 'unknown', more: object = {}) => ({
    claim: 'ingress' as const,
    subject: 'a',
    state,
    causes: [],
    blame: [],
    missing: [],
    ...more,
  });
  const waiver = { id: 'x', owner: 'o', reason: 'r', expires: '2027-01-01' };
  const missing = [{ source: 's', why: 'w' }];

  it.each([
    ['nothing claimed', [], 'holds'],
    ['all hold', [claim('holds')], 'holds'],
    ['one unknown', [claim('holds'), claim('unknown', { missing })], 'unknown'],
    ['one violated beside unknowns', [claim('unknown', { missing }), claim('violated')], 'violated'],
    ['violated and waived', [claim('violated', { waiver })], 'holds'],
    ['violated, waived, and not all known', [claim('violated', { waiver, missing })], 'unknown'],
    ['one of two waived', [claim('violated', { waiver }), claim('violated')], 'violated'],
  ] as const)('of %s', (_what, claims, verdict) => expect(verdictOf(claims)).toBe(verdict));
});
