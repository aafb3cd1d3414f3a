import { type Draft, entries, items, quote, type Section } from '../load/draft.ts';
import type { Path } from '../load/places.ts';
import { suggestion } from '../load/suggest.ts';

const SINGULAR: Readonly<Record<Section, string>> = {
  roles: 'role',
  segments: 'segment',
  hosts: 'host',
  services: 'service',
  agents: 'agent',
};

/** Every name that stands for something declared elsewhere is declared there. */
export function checkReferences(draft: Draft): void {
  const { data } = draft;
  for (const [name, segment] of entries(data.segments))
    refer(draft, ['segments', name, 'router'], segment.router, 'hosts');
  for (const [name, host] of entries(data.hosts)) {
    refer(draft, ['hosts', name, 'role'], host.role, 'roles');
    refer(draft, ['hosts', name, 'segment'], host.segment, 'segments');
  }
  for (const [name, service] of entries(data.services)) refer(draft, ['services', name, 'on'], service.on, 'roles');
  for (const [index, flow] of items(data.flows)) {
    if (flow.from !== 'operators') refer(draft, ['flows', index, 'from'], flow.from, 'roles', ['operators']);
    refer(draft, ['flows', index, 'to'], flow.to, 'services');
  }
  refer(draft, ['openclaw', 'gateway'], data.openclaw?.gateway, 'hosts');
  for (const [index, node] of items(data.openclaw?.nodes)) refer(draft, ['openclaw', 'nodes', index], node, 'hosts');
}

function refer(
  draft: Draft,
  path: Path,
  name: string | undefined,
  section: Section,
  more: readonly string[] = [],
): void {
  const known = draft.names(section);
  if (name === undefined || known === undefined || known.includes(name)) return;
  const other = otherMeaning(draft, name, section);
  draft.report({
    code: 'topology-unknown-reference',
    path,
    message: `there is no ${SINGULAR[section]} ${quote(name)}${other}`,
    hint: suggestion(name, [...known, ...more], `declare it under ${section}:`),
  });
}

/** A role named where a service belongs is the usual slip: say what the name is instead. */
function otherMeaning(draft: Draft, name: string, wanted: Section): string {
  const sections: readonly Section[] = ['roles', 'services', 'hosts', 'segments'];
  const found = sections.find((s) => s !== wanted && draft.names(s)?.includes(name));
  return found === undefined ? '' : ` (it is the name of a ${SINGULAR[found]})`;
}
