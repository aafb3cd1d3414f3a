import { describe, expect, it } from 'vitest';
import { parseSelector } from '../../../src/tailnet/policy/selector.ts';

describe('parseSelector', () => {
  it.each([
    ['*', 'any'],
    [' * ', 'any'],
    ['autogroup:danger-all', 'danger-all'],
    ['u@example.com', 'user'],
    ['user:*@example.com', 'domain'],
    ['group:ops', 'group'],
    ['tag:model', 'tag'],
    ['\ttag:model ', 'tag'],
    ['autogroup:member', 'member'],
    ['autogroup:members', 'member'],
    ['autogroup:tagged', 'tagged'],
    ['autogroup:self', 'self'],
    ['autogroup:internet', 'internet'],
    ['autogroup:admin', 'role'],
    ['autogroup:network-admin', 'role'],
    ['autogroup:shared', 'shared'],
    ['webserver', 'host'],
    ['host:webserver', 'host'],
    ['10.0.0.1', 'prefix'],
    ['10.0.0.0/8', 'prefix'],
    ['fd00::/64', 'prefix'],
    ['ipset:corp', 'ipset'],
    ['svc:web', 'service'],
    // Near misses.
    ['autogroup:Member', 'unknown'],
    ['autogroup:bogus', 'unknown'],
    ['autogroup:constructor', 'unknown'],
    ['user:u@example.com', 'unknown'],
    ['10.0.0.0/33', 'unknown'],
    ['**', 'host'],
    ['', 'unknown'],
    ['two words', 'unknown'],
  ])('reads %j as %s', (text, kind) => {
    expect(parseSelector(text).kind).toBe(kind);
  });

  it('says whether bits are set beyond the mask', () => {
    expect(parseSelector('10.0.0.1/8')).toMatchObject({ kind: 'prefix', hostBits: true, prefix: { length: 8 } });
    expect(parseSelector('10.0.0.0/8')).toMatchObject({ kind: 'prefix', hostBits: false });
  });
});
