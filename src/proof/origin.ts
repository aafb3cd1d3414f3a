import { formatHujson } from '../tailnet/hujson/format.ts';
import { parsePolicy } from '../tailnet/policy/parse.ts';
import type { Policy, PolicyRule } from '../tailnet/policy/policy.ts';
import type { Topology } from '../topology/model.ts';
import type { Place } from './claim.ts';

/** Bases by topology: parsed once, asked for every rule that is to blame. */
const bases = new WeakMap<Topology, Policy | undefined>();

/**
 * Where a person wrote a rule of the policy in force: its place in the organisation's own file (`tailnet.base`), which
 * cordon keeps at the front of each section in its order. A rule that stands there with another text has another origin.
 * @param text the rule as it stands in the policy in force
 */
export function originOf(
  topology: Topology,
  rule: Pick<PolicyRule, 'section' | 'index'>,
  text: string,
): Place | undefined {
  const { base } = topology.tailnet;
  if (base === undefined) return undefined;
  const written = baseOf(topology)?.rules.find((r) => r.section === rule.section && r.index === rule.index);
  if (written === undefined) return undefined;
  const { offset, length, line, column } = written.span;
  return formatHujson(base.text.slice(offset, offset + length)) === formatHujson(text)
    ? { file: base.file, line, column }
    : undefined;
}

function baseOf(topology: Topology): Policy | undefined {
  const { base } = topology.tailnet;
  if (base !== undefined && !bases.has(topology)) {
    const parsed = parsePolicy(base.file, base.text);
    bases.set(topology, parsed.ok ? parsed.value : undefined);
  }
  return bases.get(topology);
}
