import type { Match } from '../ruleset.ts';

/**
 * `socket cgroupv2 level N "path"`: the ancestor of the sender's control group at that level is the one of the path. A
 * socket whose group is not that deep has no value (nft_socket.c nft_sock_get_eval_cgroupv2).
 * @param level undefined where the listing lost it: then a group inside of the path may match
 */
export function matchesCgroup(
  { op, right }: Match,
  level: number | undefined,
  { cgroup }: { readonly cgroup: string | undefined },
): 'yes' | 'maybe' | 'no' {
  if (cgroup === undefined) return 'no';
  if (cgroup === '?') return 'maybe';
  const paths = right.kind === 'set' ? right.elements : [right];
  const names = paths.flatMap((p) => (p.kind === 'string' ? [p.text] : []));
  const parts = cgroup.split('/').filter((p) => p !== '');
  if (level === undefined) {
    const isInside = names.some((name) => cgroup === name || cgroup.startsWith(`${name}/`));
    return isInside || names.length !== paths.length || op !== '==' ? 'maybe' : 'no';
  }
  if (parts.length < level) return 'no';
  // A number is a group that is gone, or one that the lister could not see.
  if (names.length !== paths.length) return 'maybe';
  return names.includes(parts.slice(0, level).join('/')) === (op === '==') ? 'yes' : 'no';
}
