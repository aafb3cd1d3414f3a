import { describe, expect, it } from 'vitest';
import { policyEtag } from '../../../src/tailnet/policy/etag.ts';

describe('policyEtag', () => {
  it('is the digest of the canonical text, so layout does not matter', () => {
    const etag = 'ca3d163bab055381827226140568f3bef7eaac187cebd76878e0b63e9e442356';
    expect(policyEtag('{}')).toBe(etag);
    expect(policyEtag(' { }\r\n\n')).toBe(etag);
    expect(policyEtag('{"a":1}')).not.toBe(etag);
  });

  it('sees comments', () => {
    expect(policyEtag('{"a": 1} // x\n')).not.toBe(policyEtag('{"a": 1} // y\n'));
  });
});
