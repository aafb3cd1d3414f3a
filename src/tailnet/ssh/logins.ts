import type { LocatedText } from '../policy/policy.ts';

/**
 * Who may be logged in as, in the form that a device gets (tailscale/tailscale tailcfg.SSHRule.SSHUsers): the name that is
 * asked for, `*` for any other, and the local user that it becomes: `=` the same, empty none.
 */
export type SshUsers = ReadonlyMap<string, string>;

/** The domain of `localpart:*@domain`. Everything else that begins so is a login name like any other (captures). */
export function localpartDomain(user: string): string | undefined {
  return /^localpart:\*@([^@]+)$/.exec(user)?.[1];
}

/**
 * The logins that an entry of `ssh` allows whoever matches it: `root` only where it is named, `autogroup:nonroot` as any
 * other name, each further string literally. Not those of `localpart:*@domain`, which differ by source. (Captures of the
 * control plane.)
 */
export function commonLogins(users: readonly LocatedText[]): SshUsers {
  const logins = new Map([['root', users.some((u) => u.text === 'root') ? 'root' : '']]);
  for (const { text } of users) {
    if (text === 'root' || localpartDomain(text) !== undefined) continue;
    if (text === 'autogroup:nonroot') logins.set('*', '=');
    else logins.set(text, text);
  }
  return logins;
}

/** The part of a login name before the domain, if an entry has `localpart:*@` with that domain, in any case. */
export function localpartOf(login: string, users: readonly LocatedText[]): string | undefined {
  const at = login.lastIndexOf('@');
  const domain = login.slice(at + 1).toLowerCase();
  const matches = users.some((u) => localpartDomain(u.text)?.toLowerCase() === domain);
  return at > 0 && matches ? login.slice(0, at) : undefined;
}

/**
 * The local user that a login becomes, or undefined when it is refused: the name itself, else `*`, which does not stand
 * for root (tailscale/tailscale ssh/tailssh/tailssh.go: mapLocalUser).
 */
export function localUser(users: SshUsers, asked: string): string | undefined {
  const local = users.get(asked) ?? (asked === 'root' ? undefined : users.get('*'));
  if (local === undefined || local === '' || asked === '') return undefined;
  return local === '=' ? asked : local;
}
