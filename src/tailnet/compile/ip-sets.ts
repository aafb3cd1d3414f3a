import type { Policy, SelectorRef } from '../policy/policy.ts';

/**
 * The targets that an IP set adds, those of the sets it adds included, each once: an upper bound of what it holds,
 * because what it removes is left in. An operation removes from what stands before it (Tailscale documentation, "IP
 * sets"), but no capture shows it, and a proof must not rest on addresses being gone.
 * @param name `ipset:` included
 * @returns undefined where it may be anything: not defined, not understood, or part of itself
 */
export function addedTargets(policy: Policy, name: string): readonly SelectorRef[] | undefined {
  const found = new Map<string, SelectorRef>();
  const visited = new Map<string, 'open' | 'done'>();
  const collect = (set: string): boolean => {
    const state = visited.get(set);
    if (state !== undefined) return state === 'done';
    visited.set(set, 'open');
    const isUnderstood = understood(policy, set)?.every((target) => {
      if (target.selector.kind === 'ipset') return collect(target.selector.name);
      found.set(target.text, target);
      return true;
    });
    visited.set(set, 'done');
    return isUnderstood ?? false;
  };
  return collect(name) ? [...found.values()] : undefined;
}

/** What one set adds by its own operations; undefined where one of them is not understood. */
function understood(policy: Policy, name: string): readonly SelectorRef[] | undefined {
  const set = policy.ipsets.get(name);
  if (set === undefined || set.faults.length > 0) return undefined;
  const added = set.operations.filter((o) => o.action === 'add').map((o) => o.target);
  const isNowhere = ({ selector: s }: SelectorRef) =>
    s.kind === 'host' && policy.hosts.get(s.name)?.prefix === undefined;
  return added.some(isNowhere) ? undefined : added;
}
