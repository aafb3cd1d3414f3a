import { describe, expect, it } from 'vitest';
import type { RuledResource } from '../../policies/resource-rules.ts';
import { hidingOptions, openingDeletes, openingSwitches } from '../../policies/resource-rules.ts';

const ACL = 'tailscale:index/acl:Acl';
const resource = (
  type: string,
  props: Record<string, unknown> = {},
  opts: Partial<RuledResource['opts']> = {},
): RuledResource => ({ type, props, opts: { protect: false, ignoreChanges: [], ...opts } });

/** As @pulumi/policy hands over what a preview cannot know: access throws. */
const unknown = (name: string) =>
  Object.defineProperty({}, name, {
    enumerable: true,
    get: () => {
      throw new Error('unknown');
    },
  });

describe('openingSwitches', () => {
  it.each<[string, Record<string, unknown>, number]>([
    ['neither', {}, 0],
    ['both off', { resetAclOnDestroy: false, overwriteExistingContent: false }, 0],
    ['null', { resetAclOnDestroy: null }, 0],
    ['the reset', { resetAclOnDestroy: true }, 1],
    ['the overwriting', { overwriteExistingContent: true }, 1],
    ['both', { resetAclOnDestroy: true, overwriteExistingContent: true }, 2],
    ['a text', { resetAclOnDestroy: 'false' }, 1],
    ['what is not known yet', unknown('resetAclOnDestroy'), 1],
  ])('judges %s', (_what, props, count) => {
    expect(openingSwitches(resource(ACL, props))).toHaveLength(count);
    expect(openingSwitches(resource('tailscale:index/dnsPreferences:DnsPreferences', props))).toEqual([]);
  });
});

describe('openingDeletes', () => {
  it.each<[string, Record<string, unknown>, number]>([
    ['nothing', {}, 0],
    ['closing', { onDelete: 'close' }, 0],
    ['keeping', { onDelete: 'keep' }, 0],
    ['removing', { onDelete: 'remove' }, 1],
    ['what is not known yet', unknown('onDelete'), 1],
  ])('judges %s', (_what, props, count) => {
    expect(openingDeletes(resource('cordon:index:HostFirewall', props))).toHaveLength(count);
    expect(openingDeletes(resource(ACL, props))).toEqual([]);
  });
});

describe('hidingOptions', () => {
  it.each([ACL, 'tailscale:index/deviceTags:DeviceTags', 'cordon:index:HostFirewall', 'cordon:index:PolicyGuard'])(
    'allows %s neither ignoreChanges nor protect',
    (type) => {
      expect(hidingOptions(resource(type))).toEqual([]);
      expect(hidingOptions(resource(type, {}, { ignoreChanges: ['acl'] }))).toEqual(['ignoreChanges hides drift: acl']);
      expect(hidingOptions(resource(type, {}, { protect: true }))).toHaveLength(1);
    },
  );

  it('leaves other resources alone', () => {
    expect(hidingOptions(resource('aws:s3/bucket:Bucket', {}, { protect: true, ignoreChanges: ['x'] }))).toEqual([]);
  });
});
