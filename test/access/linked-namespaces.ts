import { execFileSync } from 'node:child_process';
import type { TestNamespace } from '../support/namespace.ts';
import { makeNamespace } from '../support/namespace.ts';

/** Of the host and of its neighbour (RFC 5737, for documentation). */
export const ADDRESSES = { host: '192.0.2.1', neighbour: '192.0.2.2' } as const;

/**
 * A host and a neighbour on one link, `link0` at both ends: what the host's ruleset sees is what a host sees, not both
 * ends on its loopback.
 */
export function linkedNamespaces(label: string): { readonly host: TestNamespace; readonly neighbour: TestNamespace } {
  const ends = { host: makeNamespace(label), neighbour: makeNamespace(`${label}-from`) };
  const peer = ['peer', 'name', 'link0', 'netns', ends.neighbour.name];
  execFileSync('ip', ['link', 'add', 'link0', 'netns', ends.host.name, 'type', 'veth', ...peer], { stdio: 'pipe' });
  for (const end of ['host', 'neighbour'] as const) {
    ends[end].exec(['ip', 'address', 'add', `${ADDRESSES[end]}/30`, 'dev', 'link0']);
    for (const link of ['lo', 'link0']) ends[end].exec(['ip', 'link', 'set', link, 'up']);
  }
  return ends;
}
