import { describe, expect, it } from 'vitest';
import { identityOf } from '../../src/observe/tailnet-identity.ts';
import type { SourceEntry } from '../../src/state/evidence.ts';

const failed: SourceEntry = { status: 'failed', why: 'x' };
const users = (...list: object[]): SourceEntry => ({ status: 'ok', body: { users: list } });
const keys = (...list: object[]): SourceEntry => ({ status: 'ok', body: { keys: list } });

describe('identityOf', () => {
  it.each([
    ['a member of the tailnet', 'T1CNTRL', users({ tailnetId: 'T1CNTRL' }), failed, 'confirmed'],
    ['a member of another', 'T1CNTRL', users({ tailnetId: 'T2CNTRL' }), failed, 'contradicted'],
    ['an older name', 'T1CNTRL', users({ tailnetId: 'example.com' }), failed, 'asked'],
    ['a number', 'example.com', users({ tailnetId: '59954' }), failed, 'asked'],
    ['the same older name', 'example.com', users({ tailnetId: 'example.com' }), failed, 'confirmed'],
    ['another older name', 'example.com', users({ tailnetId: 'example.org' }), failed, 'contradicted'],
    ['only a user shared in', 'T1CNTRL', users({ tailnetId: 'T2CNTRL', type: 'shared' }), failed, 'asked'],
    [
      'an audience of this one',
      'T1CNTRL',
      failed,
      keys({ audience: 'api.tailscale.com/T1CNTRL-k2CNTRL' }),
      'confirmed',
    ],
    [
      'an audience of another',
      'T1CNTRL',
      failed,
      keys({ audience: 'api.tailscale.com/T2CNTRL-k2CNTRL' }),
      'contradicted',
    ],
    ['an audience of one’s own', 'T1CNTRL', failed, keys({ audience: 'https://example.com' }), 'asked'],
    ['no answer', 'T1CNTRL', failed, failed, 'asked'],
    ['null lists', 'T1CNTRL', { status: 'ok', body: { users: null } } as const, failed, 'asked'],
    ['nothing declared', undefined, users({ tailnetId: 'T2CNTRL' }), failed, 'unchecked'],
  ])('%s', (_name, declared, u, k, verdict) => {
    expect(identityOf(declared, u, k).verdict).toBe(verdict);
  });
});
