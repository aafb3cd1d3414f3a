import { z } from 'zod';
import type { SourceEntry } from '../state/evidence.ts';
import { isTailnetId } from './tailnet-access.ts';

/** How sure it is that the answers are those of the declared tailnet. */
export interface TailnetIdentity {
  readonly declared: string | undefined;
  /**
   * - `confirmed`: an answer names the declared tailnet itself;
   * - `asked`: the id was in every path, and the service answers 404 for a tailnet that the credential cannot see, but no
   *   answer names the tailnet (device lists never do, user lists may show an older name);
   * - `contradicted`: an answer names another tailnet;
   * - `unchecked`: no id is declared, the answers are those of whatever tailnet the credential belongs to.
   */
  readonly verdict: 'confirmed' | 'asked' | 'contradicted' | 'unchecked';
  /** Names that the answers gave, where they come from, sorted. */
  readonly seen: readonly string[];
}

const users = z.object({
  users: z.array(z.object({ tailnetId: z.string().optional(), type: z.string().optional() })).nullable(),
});
const keys = z.object({ keys: z.array(z.object({ audience: z.string().optional() })).nullable() });

/**
 * `tailnetId` of each member (a user shared in has another), and the id inside the default audience of a federated
 * identity, `api.tailscale.com/T…-k…`.
 */
function namesIn(usersBody: unknown, keysBody: unknown): readonly string[] {
  const fromUsers = users.safeParse(usersBody).data?.users ?? [];
  const fromKeys = keys.safeParse(keysBody).data?.keys ?? [];
  return [
    ...fromUsers.flatMap((u) => (u.type === 'shared' || !u.tailnetId ? [] : [u.tailnetId])),
    ...fromKeys.flatMap((k) => /^api\.tailscale\.com\/(T[A-Za-z0-9]+)-k/.exec(k.audience ?? '')?.[1] ?? []),
  ];
}

/** A tailnet is named by its id, by a number inside the service, or by an older name such as `example.com`. */
function sortOfName(name: string): 'id' | 'number' | 'name' {
  if (isTailnetId(name)) return 'id';
  return /^\d+$/.test(name) ? 'number' : 'name';
}

/**
 * Compares the declared tailnet with what the answers say. A name of the other sort (an id here, `example.com` there)
 * neither confirms nor contradicts.
 */
export function identityOf(
  declared: string | undefined,
  usersEntry: SourceEntry,
  keysEntry: SourceEntry,
): TailnetIdentity {
  const seen = [...new Set(namesIn(usersEntry.body, keysEntry.body))].toSorted();
  if (declared === undefined) return { declared, verdict: 'unchecked', seen };
  if (seen.includes(declared)) return { declared, verdict: 'confirmed', seen };
  const comparable = seen.filter((name) => sortOfName(name) === sortOfName(declared));
  return { declared, verdict: comparable.length > 0 ? 'contradicted' : 'asked', seen };
}
