import type { Span } from '../../source/span.ts';
import { type Draft, type DraftData, entries, quote } from '../load/draft.ts';
import { kindOfHost } from './placement.ts';

type DraftAccess = NonNullable<NonNullable<DraftData['hosts']>[string]>['access'];

/** One device, one machine, one way in: no two hosts are the same thing; a model host routes nothing. */
export function checkOwnership(draft: Draft): void {
  const devices = new Map<string, { readonly host: string; readonly span: Span }>();
  const accesses = new Map<string, { readonly host: string; readonly span: Span }>();
  for (const [name, host] of entries(draft.data.hosts)) {
    const duplicate = once(devices, host.device, name, draft.places.value(['hosts', name, 'device']));
    if (duplicate !== undefined) {
      draft.report({
        code: 'topology-duplicate-device',
        path: ['hosts', name, 'device'],
        message: `${quote(host.device)} is the device of ${duplicate.host} already`,
        hint: 'give each host the node id of its own device',
        related: [{ span: duplicate.span, message: `device of ${duplicate.host}` }],
      });
    }
    const same = once(accesses, accessKey(host.access), name, draft.places.key(['hosts', name, 'access']));
    if (same !== undefined) {
      draft.report({
        code: 'topology-duplicate-access',
        path: ['hosts', name, 'access'],
        at: 'key',
        message: `${name} is reached the same way as ${same.host}: their rulesets would overwrite each other`,
        hint: 'one machine or namespace is one host; correct one of the two',
        related: [{ span: same.span, message: `access of ${same.host}` }],
      });
    }
  }
  for (const [name, segment] of entries(draft.data.segments)) {
    const router = segment.router === undefined ? undefined : draft.data.hosts?.[segment.router];
    if (router === undefined || kindOfHost(draft, router) !== 'model') continue;
    draft.report({
      code: 'topology-router-is-model',
      path: ['segments', name, 'router'],
      message: `${segment.router} is a model host and cannot be a router`,
      hint: 'let the orchestrator or a router of its own stand between the segment and everything else',
    });
  }
}

function once(
  seen: Map<string, { readonly host: string; readonly span: Span }>,
  key: string | undefined,
  host: string,
  span: Span,
): { readonly host: string; readonly span: Span } | undefined {
  if (key === undefined) return undefined;
  const before = seen.get(key);
  if (before === undefined) seen.set(key, { host, span });
  return before;
}

function accessKey(access: DraftAccess): string | undefined {
  switch (access?.kind) {
    case 'local':
      return 'local';
    case 'ssh':
      return access.target === undefined ? undefined : `ssh ${access.target}`;
    case 'netns':
      return access.name === undefined ? undefined : `netns ${access.name}`;
    case 'render-only':
    case undefined:
      return undefined;
  }
}
