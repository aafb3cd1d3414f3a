import type { Address } from '../../net/address.ts';
import { localUser } from './logins.ts';
import type { SshRule } from './rules.ts';

/** A login that is let in, and the rule that does. */
export interface SshLogin {
  readonly rule: SshRule;
  /** The local user that the session gets. */
  readonly localUser: string;
}

/**
 * What a device does with a login over Tailscale SSH: the first rule that matches both source and user name decides, and
 * without one it is refused (tailscale/tailscale ssh/tailssh/tailssh.go: evalSSHPolicy, matchRule).
 * @param rules of the device, in order
 */
export function sshLogin(rules: readonly SshRule[], from: Address, user: string): SshLogin | undefined {
  for (const rule of rules) {
    const local = rule.from.contains(from) ? localUser(rule.users, user) : undefined;
    if (local !== undefined) return { rule, localUser: local };
  }
  return undefined;
}
