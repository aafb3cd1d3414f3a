import type { Evidence, SourceEntry } from '../../src/state/evidence.ts';
import { compileTopology } from '../../src/topology/compile.ts';
import { loadTopology } from '../../src/topology/load.ts';
import type { Topology } from '../../src/topology/model.ts';
import { accepted, edited, type Loose } from '../topology/support.ts';

/** Policy of an organisation: people, their tags, a rule, an approver and a capability that cordon has no part in. */
export const BASE = `{
	"groups": {"group:ops": ["ops@example.com"], "group:family": ["ops@example.com", "kim@example.com"]},
	"tagOwners": {"tag:media": ["group:family"], "tag:ci": ["group:ops"]},
	"autoApprovers": {"routes": {"10.90.0.0/16": ["tag:ci"]}, "exitNode": ["tag:media"]},
	"grants": [
		{"src": ["group:family"], "dst": ["tag:media"], "ip": ["tcp:8096"]},
		{"src": ["tag:ci"], "dst": ["tag:media"], "app": {"example.com/cap/backup": [{"read": true}]}},
	],
}
`;

/** A topology with what it compiles to. */
export interface Declared {
  readonly topology: Topology;
  readonly evidence: Evidence;
}

/** Six hosts in namespaces: a model behind the orchestrator, another behind a subnet router, an executor, a gateway. */
export function declare(edit: (t: Loose) => void = () => undefined, base = BASE): Declared {
  const text = edited((t) => {
    t.tailnet = { id: 'T1testCNTRL', operators: ['group:ops'], base: './base.hujson' };
    for (const [name, host] of Object.entries<Loose>(t.hosts)) host.access = { kind: 'netns', name: `none-${name}` };
    edit(t);
  });
  const topology = accepted(loadTopology('cordon.yaml', text, () => base));
  return { topology, evidence: accepted(compileTopology(topology)) };
}

/** Evidence with some sources replaced; undefined leaves one out. */
export function withSources(evidence: Evidence, changed: Readonly<Record<string, SourceEntry | undefined>>): Evidence {
  const entries = Object.entries({ ...evidence.sources, ...changed }).filter(([, entry]) => entry !== undefined);
  return { sources: Object.fromEntries(entries) as Evidence['sources'] };
}

/** Evidence with another policy text. */
export function withPolicy(evidence: Evidence, edit: (text: string) => string): Evidence {
  const before = policyOf(evidence);
  const text = edit(before);
  if (text === before) throw new Error('the edit changes nothing');
  return withSources(evidence, { 'tailnet/policy': { status: 'ok', body: { text } } });
}

/** What a source of the declared side holds. */
export function bodyOf<T>(evidence: Evidence, source: string): T {
  const entry = evidence.sources[source];
  if (entry?.status !== 'ok') throw new Error(`there is no ${source}`);
  return entry.body as T;
}

export function policyOf(evidence: Evidence): string {
  return bodyOf<{ text: string }>(evidence, 'tailnet/policy').text;
}

/** Evidence with another ruleset on one host. */
export function withRuleset(evidence: Evidence, host: string, edit: (text: string) => string): Evidence {
  const before = rulesetOf(evidence, host);
  const body = edit(before);
  if (body === before) throw new Error('the edit changes nothing');
  return withSources(evidence, { [`host/${host}/nft.txt`]: { status: 'ok', body } });
}

export function rulesetOf(evidence: Evidence, host: string): string {
  return bodyOf<string>(evidence, `host/${host}/nft.txt`);
}

/** Evidence with some fields of one device changed; undefined takes the device away. */
export function withDevice(evidence: Evidence, nodeId: string, change: object | undefined): Evidence {
  const { devices } = bodyOf<{ devices: { nodeId: string }[] }>(evidence, 'tailnet/devices');
  if (!devices.some((d) => d.nodeId === nodeId)) throw new Error(`there is no device ${nodeId}`);
  const changed = devices.flatMap((d) =>
    d.nodeId !== nodeId ? [d] : change === undefined ? [] : [{ ...d, ...change }],
  );
  return withSources(evidence, { 'tailnet/devices': { status: 'ok', body: { devices: changed } } });
}
