import { renderUnits } from '../host/unit-files/render.ts';
import { printRuleset } from '../nftables/print.ts';
import { renderHost } from '../nftables/render/host.ts';
import { type Diagnostic, hasErrors, type Result } from '../source/diagnostic.ts';
import type { Evidence, SourceEntry } from '../state/evidence.ts';
import { policyEtag } from '../tailnet/policy/etag.ts';
import { mergePolicy } from '../tailnet/policy/merge.ts';
import { connectFlows, type PlannedConnections } from './compile/connections.ts';
import { devicesOf } from './compile/devices.ts';
import { planHosts } from './compile/host-plan.ts';
import { openclawSources } from './compile/openclaw.ts';
import { policyTestsOf } from './compile/policy-tests.ts';
import { grantsOf, ipEntries, tagOwnersOf } from './compile/sections.ts';
import { DECLARED_SETTINGS } from './compile/settings.ts';
import { planUnits } from './compile/units.ts';
import { compileWarnings } from './compile/warnings.ts';
import type { Topology } from './model.ts';

/**
 * Writes what the world has to hold for the topology to be true, as the same texts that observing the world gives:
 * `tailnet/policy` (`{text, etag}`, canonical HuJSON), `tailnet/settings`, `tailnet/devices` (API JSON, only what cordon
 * decides) and `host/NAME/nft.txt` and `host/NAME/units` for every host, and `openclaw/HOST/config` for the gateway. The same topology gives the same bytes.
 * @returns not ok when a flow cannot work or the base policy contradicts; warnings for what is wider than declared
 */
export function compileTopology(topology: Topology): Result<Evidence> {
  const { planned, diagnostics } = connectFlows(topology);
  const found: Diagnostic[] = [...diagnostics, ...compileWarnings(topology, planned)];
  const policy = compilePolicy(topology, planned);
  found.push(...(policy.ok ? policy.warnings : policy.diagnostics));
  if (!policy.ok || hasErrors(found)) return { ok: false, diagnostics: found };

  const sources: Record<string, SourceEntry> = {
    'tailnet/policy': { status: 'ok', body: { text: policy.value, etag: policyEtag(policy.value) } },
    'tailnet/settings': { status: 'ok', body: DECLARED_SETTINGS },
    'tailnet/devices': { status: 'ok', body: devicesOf(topology, planned) },
  };
  for (const [name, plan] of planHosts(topology, planned)) {
    const ruleset = renderHost(plan);
    sources[`host/${name}/nft.txt`] = { status: 'ok', body: printRuleset(ruleset) };
    const host = topology.hosts.get(name);
    if (host === undefined) continue;
    const files = renderUnits(planUnits(topology, host, plan, ruleset));
    const body = { files: Object.fromEntries(files.map(({ path, text }) => [path, text])) };
    sources[`host/${name}/units`] = { status: 'ok', body };
  }
  Object.assign(sources, openclawSources(topology));
  return { ok: true, value: { sources }, warnings: found };
}

/**
 * The whole policy file. `grants` is always given, however empty: a policy without `acls` and `grants` allows everything.
 * Routes are enabled on their devices one by one, so that no auto-approver is needed.
 */
function compilePolicy(topology: Topology, planned: readonly PlannedConnections[]): Result<string> {
  const grants = grantsOf(topology, planned);
  return mergePolicy(topology.tailnet.base, {
    grants: grants.map((g) => ({
      src: [...g.src],
      dst: [...g.dst],
      ip: ipEntries(g.service),
      comment: `flow ${g.flow}`,
    })),
    tagOwners: tagOwnersOf(topology),
    tests: policyTestsOf(topology, grants),
    places: new Map([...topology.roles.values()].map((role) => [`tagOwners/${role.tag}`, role.span])),
  });
}
