/** Whether a call only looks or also changes. */
export type Access = 'read' | 'write';

/**
 * True when `granted` allows `access` to what scope `needed` stands for. Each scope has a `:read` twin, and `all` and
 * `all:read` stand for every scope (the OAuth scopes of the published OpenAPI document).
 */
export function scopesCover(granted: readonly string[], needed: string, access: Access): boolean {
  return granted.some(
    (s) => s === 'all' || s === needed || (access === 'read' && (s === 'all:read' || s === `${needed}:read`)),
  );
}

/** True when a client that holds `granted` may ask for a token with scope `wanted`. */
export function mayRequestScope(granted: readonly string[], wanted: string): boolean {
  const read = wanted.endsWith(':read');
  return scopesCover(granted, read ? wanted.slice(0, -':read'.length) : wanted, read ? 'read' : 'write');
}
