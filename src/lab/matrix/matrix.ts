import { formatAddress } from '../../net/address.ts';
import { type ProofContext, proofContext } from '../../proof/context.ts';
import type { CellVerdict, LabCell, LabFinding, LabReport, Truth } from '../../report/lab-report.ts';
import type { Evidence } from '../../state/evidence.ts';
import { interpret } from '../../state/interpret.ts';
import type { Topology } from '../../topology/model.ts';
import type { Hit, Sandbox, Shot } from '../sandbox.ts';
import { type Port, portsOf, type Way, waysOf } from './cells.ts';
import { flowsOf, policyOf, wayOf } from './declared.ts';
import { type Network, planNetwork } from './network.ts';
import { type Attempt, decisionsOn, type Prediction, predict } from './predict.ts';
import { answerPorts, buildWorld, loadRulesets } from './world.ts';

export interface MatrixOptions {
  /** Only the cells of declared flows. */
  readonly flowsOnly?: boolean;
  /** What the hosts really get, where it is not what the evidence says: for tests that have to see a difference. */
  readonly loaded?: ReadonlyMap<string, string>;
}

/** A cell before anybody tried it. */
interface Plan {
  readonly way: Way;
  readonly attempt: Attempt;
  readonly flows: readonly string[];
  readonly prediction: Prediction;
}

/** From so many attempts on, fewer ports are tried at each host. */
const MANY = 20_000;
/** A source port that any prober could have: rulesets look at the other one. */
const SOME_PORT = 40_000;
/** How long the second and third try may take: a busy machine must not look like a firewall. */
const PATIENCE_MS = [1_000, 3_000];

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
  const { plans, ports, missing } = plansOf(context, network, options);
  await buildWorld(sandbox, network);
  for (const host of network.layout.hosts) await answerPorts(sandbox, host.namespace, ports.get(host.name) ?? []);
  const isOpen = await tryWithoutRules(sandbox, plans, ports);
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

function plansOf(context: ProofContext, network: Network, options: MatrixOptions) {
  const { topology } = context;
  const ways = waysOf(network);
  const portsFor = (isBrief: boolean) =>
    new Map(network.layout.hosts.map(({ name }) => [name, portsOf(topology, name, isBrief)] as const));
  const all = portsFor(false);
  const count = ways.reduce((sum, way) => sum + (all.get(way.to.name)?.length ?? 0), 0);
  const isBrief = count > MANY;
  const ports = isBrief ? portsFor(true) : all;
  const plans = ways.flatMap((way) =>
    (ports.get(way.to.name) ?? []).flatMap(({ proto, port }): Plan[] => {
      const attempt: Attempt = { proto, sport: SOME_PORT, dport: port };
      const flows = flowsOf(context, way.from.name, way.there, attempt);
      if (options.flowsOnly === true && flows.length === 0) return [];
      return [{ way, attempt, flows, prediction: predict(context, way.there, way.back, attempt) }];
    }),
  );
  return { plans, ports, missing: untried(context, plans) };
}

/** Declared flows without any cell. */
function untried({ topology }: ProofContext, plans: readonly Plan[]): string[] {
  const tried = new Set(plans.flatMap((p) => p.flows));
  return topology.flows
    .filter((f) => !tried.has(f.id) && f.from !== 'operators')
    .map((f) => `flow ${f.id} joins no hosts of the topology, so nothing was tried for it`);
}

/**
 * The ways that are open without rules: each by a datagram, and each TCP port once by a connection from somebody.
 */
async function tryWithoutRules(
  sandbox: Sandbox,
  plans: readonly Plan[],
  ports: ReadonlyMap<string, readonly Port[]>,
): Promise<ReadonlySet<Way>> {
  const ways = [...new Set(plans.map((p) => p.way))];
  const probes = ways.flatMap((way) => {
    const udp = ports.get(way.to.name)?.find((p) => p.proto === 'udp');
    return udp === undefined ? [] : [{ way, shot: shotOf(way, { ...udp, sport: 0, dport: udp.port }) }];
  });
  const answered = await untilAnswered(
    sandbox,
    probes.map((p) => p.shot),
  );
  const open = new Set(probes.filter((_, i) => answered[i]).map((p) => p.way));
  const connections = [
    ...new Map(
      plans
        .filter((p) => p.attempt.proto === 'tcp' && open.has(p.way))
        .map((p) => [`${p.way.to.name} ${p.attempt.dport}`, p]),
    ).values(),
  ];
  const listening = await untilAnswered(
    sandbox,
    connections.map((p) => shotOf(p.way, p.attempt)),
  );
  const deaf = new Set(connections.filter((_, i) => !listening[i]).map((p) => p.way.to));
  return new Set([...open].filter((way) => !deaf.has(way.to)));
}

async function untilAnswered(sandbox: Sandbox, shots: readonly Shot[]): Promise<readonly boolean[]> {
  const answered = (await sandbox.shoot(shots)).map((h) => h.outcome === 'answered');
  for (const timeoutMs of PATIENCE_MS) {
    const left = [...answered.keys()].filter((i) => !answered[i]);
    if (left.length === 0) break;
    const again = await sandbox.shoot(
      left.map((i) => shots[i] as Shot),
      { timeoutMs },
    );
    left.forEach((i, k) => {
      answered[i] = again[k]?.outcome === 'answered';
    });
  }
  return answered;
}

/** Tries everything, and what did not get as far as predicted again with more time. */
async function shootPatiently(sandbox: Sandbox, plans: readonly Plan[]): Promise<readonly Hit[]> {
  const shots = plans.map((p) => shotOf(p.way, p.attempt));
  const hits = [...(await sandbox.shoot(shots))];
  for (const timeoutMs of PATIENCE_MS) {
    const left = plans.flatMap((plan, i) => (isShort(plan.prediction, hits[i]) ? [i] : []));
    if (left.length === 0) break;
    const again = await sandbox.shoot(
      left.map((i) => shots[i] as Shot),
      { timeoutMs },
    );
    left.forEach((i, k) => {
      hits[i] = again[k] ?? (hits[i] as Hit);
    });
  }
  return hits;
}

function isShort(prediction: Prediction, hit: Hit | undefined): boolean {
  const { delivered, answered } = outcomeOf(hit);
  return (prediction.delivered === 'yes' && !delivered) || (prediction.answered === 'yes' && !answered);
}

function shotOf(way: Way, { proto, dport }: Attempt): Shot {
  const isHidden = way.there.hidden !== undefined;
  return {
    namespace: way.from.namespace,
    proto,
    family: way.dst.family,
    src: formatAddress(way.src),
    dst: formatAddress(way.dst),
    dport,
    device: way.device,
    receiver: way.to.namespace,
    ...(isHidden ? { seenAs: formatAddress(way.there.seenAs) } : {}),
  };
}

function outcomeOf(hit: Hit | undefined): { delivered: boolean; answered: boolean } {
  const answered = hit?.outcome === 'answered';
  return { delivered: answered || hit?.delivered === true, answered };
}

function cellOf(context: ProofContext, plan: Plan, hit: Hit | undefined): LabCell {
  const { way, attempt, flows, prediction } = plan;
  const policy = policyOf(context, way.there, attempt);
  const observed = hit === undefined ? undefined : { ...outcomeOf(hit), outcome: hit.outcome };
  return {
    from: way.from.name,
    to: way.to.name,
    ...wayOf(way.there),
    proto: attempt.proto,
    port: attempt.dport,
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
