import { type Draft, entries, items, quote } from '../load/draft.ts';
import type { Path } from '../load/places.ts';
import { kindOfHost } from './placement.ts';

/** Lists whose items have ids hold each once; dates are in order; a model host is nothing in OpenClaw. */
export function checkLists(draft: Draft): void {
  const { data } = draft;
  unique(
    draft,
    items(data.flows).map(([i, f]) => [['flows', i, 'id'], f.id]),
    'flow id',
  );
  unique(
    draft,
    items(data.flows).map(([i, f]) => [
      ['flows', i],
      f.from === undefined || f.to === undefined ? undefined : `${f.from} to ${f.to}`,
    ]),
    'flow',
  );
  unique(
    draft,
    items(data.waivers).map(([i, w]) => [['waivers', i, 'id'], w.id]),
    'waiver',
  );
  unique(
    draft,
    items(data.attestations).map(([i, a]) => [['attestations', i, 'id'], a.id]),
    'attestation',
  );
  unique(
    draft,
    items(data.tailnet?.operators).map(([i, o]) => [['tailnet', 'operators', i], o]),
    'operator',
  );
  for (const [i, a] of items(data.attestations)) {
    if (a.on === undefined || a.expires === undefined || a.on <= a.expires) continue;
    draft.report({
      code: 'topology-dates',
      path: ['attestations', i, 'expires'],
      message: `it expires on ${a.expires}, before it was made on ${a.on}`,
      hint: 'correct one of the two dates',
    });
  }
  checkOpenClaw(draft);
  for (const [name, agent] of entries(data.agents)) {
    const allowed = new Set(items(agent.tools?.allow).map(([, tool]) => tool));
    for (const [i, tool] of items(agent.tools?.deny)) {
      if (!allowed.has(tool)) continue;
      draft.report({
        code: 'topology-tool-twice',
        path: ['agents', name, 'tools', 'deny', i],
        message: `${quote(tool)} is both allowed and denied`,
        hint: 'decide; a denial would win',
      });
    }
  }
}

function checkOpenClaw(draft: Draft): void {
  const openclaw = draft.data.openclaw;
  unique(
    draft,
    items(openclaw?.nodes).map(([i, n]) => [['openclaw', 'nodes', i], n]),
    'node',
  );
  const named: [Path, string | undefined, string][] = [
    [['openclaw', 'gateway'], openclaw?.gateway, 'the gateway'],
    ...items(openclaw?.nodes).map(([i, n]): [Path, string, string] => [
      ['openclaw', 'nodes', i],
      n,
      'an OpenClaw node',
    ]),
  ];
  for (const [path, name, what] of named) {
    const host = name === undefined ? undefined : draft.data.hosts?.[name];
    if (host === undefined || kindOfHost(draft, host) !== 'model') continue;
    draft.report({
      code: 'topology-model-in-openclaw',
      path,
      message: `${name} is a model host and cannot be ${what}`,
      hint: 'the model is the user, not the system: it runs nothing of OpenClaw',
    });
  }
}

function unique(draft: Draft, list: readonly (readonly [Path, string | undefined])[], what: string): void {
  const seen = new Map<string, Path>();
  for (const [path, key] of list) {
    if (key === undefined) continue;
    const before = seen.get(key);
    if (before === undefined) {
      seen.set(key, path);
      continue;
    }
    draft.report({
      code: 'topology-duplicate-id',
      path,
      message: `${what} ${quote(key)} is declared twice`,
      hint: 'keep one, or give each a name of its own',
      related: [{ span: draft.places.value(before), message: 'first declared here' }],
    });
  }
}
