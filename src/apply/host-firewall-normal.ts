import { failureOf, succeeded } from '../access/outcome.ts';
import { run } from '../access/run.ts';
import type { Access } from '../topology/model.ts';
import type { HostFailure, HostOptions } from './host-firewall-read.ts';
import { DEFAULT_HOST_TIMEOUT_MS } from './host-firewall-read.ts';
import { boundDevices, cutTables } from './host-firewall-tables.ts';

/** A ruleset as this host prints it, or why there is no such form. */
export type NormalForm =
  | { readonly kind: 'normal'; readonly own: string }
  /** nft or the kernel does not accept the text, or it is about tables that are not ours. */
  | { readonly kind: 'rejected'; readonly stderr: string }
  | HostFailure;

/*
 * Runs in a fresh network namespace that ends with the script: links for the netdev chains, then the tables, then their
 * listing. Which kind of link does not matter; not every kernel has every kind. Exit codes say how far it came.
 */
const SCRIPT = `
for link in "$@"; do
  ip link show dev "$link" >/dev/null 2>&1 && continue
  for kind in dummy bridge veth; do
    ip link add name "$link" type "$kind" 2>/dev/null && continue 2
  done
  echo "no link of the name $link could be made" >&2; exit 101
done
nft -f - || exit 102
nft -s list ruleset || exit 103
`;
const LOAD_REFUSED = 102;
/** unshare(1) ends with 1 when it may not make the namespace. */
const UNSHARE_REFUSED = 1;

/**
 * How this host's own nft and kernel print the tables of `text`: loads them into an empty network namespace that nothing
 * else sees, and lists them. Read-back of the same tables on the same host must be equal to it byte for byte, so no
 * canonical form of ours decides whether a ruleset is in place.
 */
export async function normalForm(access: Access, text: string, options: HostOptions = {}): Promise<NormalForm> {
  const timeoutMs = options.timeoutMs ?? DEFAULT_HOST_TIMEOUT_MS;
  const devices = boundDevices(text);
  const odd = devices.find((name) => !/^[A-Za-z0-9_][^\s/"]{0,14}$/.test(name));
  if (odd !== undefined) {
    return { kind: 'rejected', stderr: `${JSON.stringify(odd)} is not a usable interface name` };
  }
  const inside = ['sh', '-c', SCRIPT, 'sh', ...devices];
  // As root a network namespace is enough; elsewhere a user namespace of our own has to come with it.
  let outcome = await run(access, ['unshare', '-n', ...inside], { stdin: text, timeoutMs });
  if (outcome.kind === 'ran' && outcome.exitCode === UNSHARE_REFUSED) {
    outcome = await run(access, ['unshare', '-Urn', ...inside], { stdin: text, timeoutMs });
  }
  if (outcome.kind === 'unreachable') return outcome;
  if (outcome.exitCode === LOAD_REFUSED) return { kind: 'rejected', stderr: outcome.stderr };
  if (!succeeded(outcome)) {
    const why = failureOf('loading the ruleset into an empty network namespace', outcome, timeoutMs);
    return outcome.timedOut ? { kind: 'late', why } : { kind: 'failed', why };
  }
  const cut = cutTables(outcome.stdout);
  if (!cut.ok) return { kind: 'failed', why: `the listing in an empty network namespace is garbled: ${cut.why}` };
  if (cut.foreign.length > 0) {
    const names = cut.foreign.join(', ');
    return { kind: 'rejected', stderr: `the ruleset defines tables that are not cordon's own: ${names}` };
  }
  return { kind: 'normal', own: cut.own };
}
