import { describe, expect, it } from 'vitest';
import type { Evidence } from '../../../src/state/evidence.ts';
import {
  claimOf,
  namesOf,
  plainWorld,
  policyOf,
  proved,
  withPolicy,
  withPolicyText,
  withSource,
} from '../../support/evidence.ts';
import { homelab } from '../../support/ruleset-edits.ts';

const NAME = 'flow tailnet/base';

describe('the base policy', () => {
  it.each<[string, (e: Evidence) => Evidence, RegExp]>([
    [
      'a rule is gone',
      (e) => withPolicy(e, /\{\s*"src": \["tag:ci"\],[^}]*\},/, ''),
      /tag:ci -> tag:media is no longer allowed/,
    ],
    ['a port is another', (e) => withPolicy(e, '"tcp:8096"', '"tcp:8097"'), /-> tag:media is no longer allowed/],
    ['a member is gone', (e) => withPolicy(e, ', "kim@example.com"]', ']'), /kim@example\.com/],
    [
      'an owner is gone',
      (e) => withPolicy(e, /"tag:ci":\s*\["group:ops"\]/, '"tag:ci": []'),
      /ops@example\.com -> tag:ci/,
    ],
    ['all of it is gone', (e) => withPolicyText(e, '{"grants": []}'), /is no longer allowed/],
  ])('is not kept when %s', (_what, edit, says) => {
    const claim = claimOf(proved(homelab, edit(homelab.evidence)), NAME);
    expect(claim.state).toBe('violated');
    expect(JSON.stringify(claim.blame)).toMatch(says);
    expect(claim.blame[0]).toMatchObject({ source: 'examples/homelab/tailnet.base.hujson', line: expect.any(Number) });
  });

  it.each<[string, (e: Evidence) => Evidence]>([
    [
      'rules are added',
      (e) => withPolicy(e, '"grants": [', '"grants": [{"src": ["tag:ci"], "dst": ["tag:media"], "ip": ["tcp:22"]},'),
    ],
    ['it is laid out otherwise', (e) => withPolicyText(e, policyOf(e).replaceAll(/\s*\n\s*/g, '\n'))],
  ])('is kept when %s', (_what, edit) => {
    expect(claimOf(proved(homelab, edit(homelab.evidence)), NAME).state).toBe('holds');
  });

  it('is not kept when an SSH rule of it asks for no check any more', () => {
    const base =
      '{"ssh": [{"action": "check", "src": ["ops@example.com"], "dst": ["tag:ci"], "users": ["root"]}], "tagOwners": {"tag:ci": []}, "grants": []}';
    const world = plainWorld((t) => Object.assign(t.tailnet, { base: './base.hujson' }), base);
    expect(claimOf(proved(world), NAME).state).toBe('holds');
    const edited = withPolicy(world.evidence, '"check"', '"accept"');
    expect(claimOf(proved(world, edited), NAME).state).toBe('violated');
  });

  it('is not known to be kept when a section of it that is not modelled is another', () => {
    const base = '{"derpMap": {"OmitDefaultRegions": true}, "grants": []}';
    const world = plainWorld((t) => Object.assign(t.tailnet, { base: './base.hujson' }), base);
    expect(claimOf(proved(world), NAME).state).toBe('holds');
    const edited = withPolicy(world.evidence, '"OmitDefaultRegions": true', '"OmitDefaultRegions": false');
    expect(claimOf(proved(world, edited), NAME)).toMatchObject({
      state: 'unknown',
      missing: [{ why: 'derpmap changed, and is not modelled' }],
    });
  });

  it('without rules is nobody’s wish to allow everything', () => {
    const world = plainWorld((t) => Object.assign(t.tailnet, { base: './base.hujson' }), '{"groups": {"group:x": []}}');
    expect([...namesOf(proved(world), 'violated'), ...namesOf(proved(world), 'unknown')]).toEqual([]);
  });

  it('is no claim where there is none', () => {
    expect(proved(plainWorld()).some((c) => c.subject === 'tailnet/base')).toBe(false);
  });

  it('is unknown when the policy in force is', () => {
    const claim = claimOf(proved(homelab, withSource(homelab.evidence, 'tailnet/policy', { status: 'denied' })), NAME);
    expect(claim).toMatchObject({ state: 'unknown', missing: [{ source: 'tailnet/policy', why: 'denied' }] });
  });
});
