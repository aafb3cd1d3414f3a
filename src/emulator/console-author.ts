import type { Author } from './audit.ts';

/** Whoever sits at the admin console: changes that did not come through the API. */
export const CONSOLE: Author = consoleAuthor('console@example.com');

/** A named person at the admin console. */
export function consoleAuthor(loginName: string): Author {
  return { origin: 'ADMIN_CONSOLE', actor: { id: `u-${loginName}`, type: 'USER', loginName, displayName: loginName } };
}
