import { type ProofContext, proofContext } from '../../proof/context.ts';
import type { CellVerdict, LabCell, LabFinding, LabReport, Truth } from '../../report/lab-report.ts';
import type { Evidence } from '../../state/evidence.ts';
import { interpret } from '../../state/interpret.ts';
import type { Topology } from '../../topology/model.ts';
import type { Hit, Sandbox } from '../sandbox.ts';
import { type Plan, planAttempts } from './attempts.ts';
import { policyOf } from './declared.ts';
import { type Network, planNetwork } from './network.ts';
import { decisionsOn, type Prediction } from './predict.ts';
import { outcomeOf, shootPatiently, tryWithoutRules } from './shooting.ts';
import { answerPorts, buildWorld, loadRulesets } from './world.ts';

export interface MatrixOptions {
  /** Only the cells of declared flows. */
  readonly flowsOnly?: boolean;
  /** What the hosts really get, where it is not what the evidence says: for tests that have to see a difference. */
  readonly loaded?: ReadonlyMap<string, string>;
}

/**
 * Brings a topology up, tries everybody against everybody, first without rules and then with them, and compares every
 * outcome with what the proof predicts from the evidence.
 * @param sandbox a fresh one; the network stays in it
 * @throws InputError for what cannot be laid out; CordonError `lab-program`, `lab-sandbox`
 */
export async function runMatrix(
  sandbox: Sandbox,
  topology: Topology,
  evidence: Evidence,
  options: MatrixOptions = {},
): Promise<LabReport> {
  const network = planNetwork(topology);
  const context = proofContext(topology, interpret(evidence), undefined);
  const planned = planAttempts(context, network, {
    flowsOnly: options.flowsOnly === true,
    hasUsers: sandbox.isPrivileged,
  });
  const { plans, ports, missing } = planned;
  await buildWorld(sandbox, network);
  for (const host of network.layout.hosts) await answerPorts(sandbox, host.namespace, ports.get(host.name) ?? []);
  const isOpen = await tryWithoutRules(sandbox, planned);
  const rulesets = options.loaded ?? rulesetsIn(evidence, topology);
  await loadRulesets(sandbox, network, rulesets);
  const hits = await shootPatiently(sandbox, plans);
  const cells = plans.map((plan, i) => cellOf(context, plan, isOpen.has(plan.way) ? hits[i] : undefined));
  return reportOf(context, network, plans, cells, missing);
}

/** The rulesets that evidence has, by host. */
function rulesetsIn(evidence: Evidence, topology: Topology): ReadonlyMap<string, string> {
  const texts = [...topology.hosts.keys()].map((name) => {
    const entry = evidence.sources[`host/${name}/nft.txt`];
    return [name, entry?.status === 'ok' && typeof entry.body === 'string' ? entry.body : ''] as const;
  });
  return new Map(texts);
}

function cellOf(context: ProofContext, plan: Plan, hit: Hit | undefined): LabCell {
  const { way, attempt, flows, prediction } = plan;
  const policy = policyOf(context, way.there, attempt);
  const observed = hit === undefined ? undefined : { ...outcomeOf(hit), outcome: hit.outcome };
  return {
    from: way.from.name,
    to: way.to.name,
    ...{ device: way.device, through: way.words.through, src: way.words.src, dst: way.words.dst },
    proto: attempt.proto,
    port: attempt.dport,
    uid: attempt.uid,
    predicted: prediction,
    observed,
    flows,
    policy,
    verdict: verdictOf(prediction, observed, flows.length > 0, policy),
  };
}

function verdictOf(
  predicted: Prediction,
  observed: LabCell['observed'],
  isDeclared: boolean,
  policy: Truth | undefined,
): CellVerdict {
  if (observed === undefined) return 'unknown';
  if (contradicts(predicted.delivered, observed.delivered) || contradicts(predicted.answered, observed.answered))
    return 'disagrees';
  if (isDeclared) return observed.answered ? 'works' : 'broken';
  if (observed.delivered) {
    if (policy === 'no') return 'policy-only';
    return policy === 'unknown' ? 'unknown' : 'open';
  }
  return predicted.delivered === 'unknown' ? 'unknown' : 'closed';
}

function contradicts(predicted: Truth, observed: boolean): boolean {
  return (predicted === 'yes' && !observed) || (predicted === 'no' && observed);
}

function reportOf(
  context: ProofContext,
  network: Network,
  plans: readonly Plan[],
  cells: readonly LabCell[],
  missing: readonly string[],
): LabReport {
  const notable: readonly CellVerdict[] = ['disagrees', 'open', 'broken', 'unknown'];
  const findings = plans.flatMap(({ way, attempt }, i): LabFinding[] => {
    const cell = cells[i];
    if (cell === undefined || !notable.includes(cell.verdict)) return [];
    return [{ cell, decisions: decisionsOn(context, way.there, way.back, attempt) }];
  });
  const isBad = findings.some((f) => f.cell.verdict !== 'unknown');
  const isUnknown = findings.length > 0 || missing.length > 0 || cells.length === 0;
  return {
    verdict: isBad ? 'violated' : isUnknown ? 'unknown' : 'holds',
    hosts: network.layout.hosts.map((h) => h.name),
    strangers: network.layout.hosts.filter((h) => h.kind === 'neighbour').map((h) => h.name),
    cells,
    findings,
    missing,
  };
}
