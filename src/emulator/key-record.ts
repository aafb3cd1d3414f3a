import type { KeyRecord } from './state.ts';

/** True for a key that was deleted or whose time is over. */
export function isInvalidKey(key: KeyRecord, now: Date): boolean {
  return key.revoked !== undefined || (key.expires !== undefined && Date.parse(key.expires) <= now.getTime());
}

/** The key as the API shows it: never with its secret, and with `invalid` only when it no longer works. */
export function showKey(key: KeyRecord, now: Date): Record<string, unknown> {
  const { secretHash: _hash, ...shown } = key;
  return isInvalidKey(key, now) ? { ...shown, invalid: true } : shown;
}

/** The scope that governs keys of a type. */
export function scopeOfKeyType(type: KeyRecord['keyType']): string {
  switch (type) {
    case 'auth':
      return 'auth_keys';
    case 'client':
      return 'oauth_keys';
    case 'federated':
      return 'federated_keys';
    case 'api':
      return 'api_access_tokens';
  }
}
