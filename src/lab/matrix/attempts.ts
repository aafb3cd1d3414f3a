import type { ProofContext } from '../../proof/context.ts';
import { type Port, portsOf, type Way, waysOf } from './cells.ts';
import { flowsOf } from './declared.ts';
import type { Network } from './network.ts';
import { type Attempt, type Prediction, predict } from './predict.ts';

/** A cell before anybody tried it. */
export interface Plan {
  readonly way: Way;
  readonly attempt: Attempt;
  readonly flows: readonly string[];
  readonly prediction: Prediction;
}

export interface PlanOptions {
  /** Only the cells of declared flows. */
  readonly flowsOnly: boolean;
  /** Whether the lab can send as any user; otherwise only as root. */
  readonly hasUsers: boolean;
}

/** Everything that is going to be tried. */
export interface Plans {
  readonly plans: readonly Plan[];
  /** What has to answer, by host. */
  readonly ports: ReadonlyMap<string, readonly Port[]>;
  /** What cannot be tried, in words. */
  readonly missing: readonly string[];
}

/** From so many attempts on, fewer ports are tried at each host. */
const MANY = 20_000;
/** A source port that any prober could have: rulesets look at the other one. */
const SOME_PORT = 40_000;

/** Every way times every port times every user that makes a difference, with what the proof predicts. */
export function planAttempts(context: ProofContext, network: Network, options: PlanOptions): Plans {
  const { topology } = context;
  const ways = waysOf(network);
  const portsFor = (isBrief: boolean) =>
    new Map(network.layout.hosts.map(({ name }) => [name, portsOf(topology, name, isBrief)] as const));
  const all = portsFor(false);
  const count = ways.reduce((sum, way) => sum + (all.get(way.to.name)?.length ?? 0), 0);
  const ports = count > MANY ? portsFor(true) : all;
  const plans = ways.flatMap((way) =>
    (ports.get(way.to.name) ?? []).flatMap(({ proto, port }) =>
      usersOf(context, way.from.name, options).flatMap((uid): Plan[] => {
        const attempt: Attempt = { proto, sport: SOME_PORT, dport: port, uid };
        const flows = flowsOf(context, way.from.name, way.there, attempt);
        if (options.flowsOnly && flows.length === 0) return [];
        return [{ way, attempt, flows, prediction: predict(context, way.there, way.back, attempt) }];
      }),
    ),
  );
  return { plans, ports, missing: [...untriedUsers(context, options), ...untriedFlows(context, plans)] };
}

/** Root, and where flows are for certain users only, the first of them. */
function usersOf({ topology }: ProofContext, host: string, { hasUsers }: PlanOptions): readonly number[] {
  const [user] = topology.hosts.get(host)?.flowUsers ?? [];
  return user === undefined || user === 0 || !hasUsers ? [0] : [user, 0];
}

function untriedUsers({ topology }: ProofContext, { hasUsers }: PlanOptions): string[] {
  if (hasUsers) return [];
  return [...topology.hosts.values()]
    .filter((h) => h.flowUsers.length > 0 && !h.flowUsers.includes(0))
    .map(
      (h) => `the flows of ${h.name} are for user ${h.flowUsers.join(', ')}: only real root can try them as that user`,
    );
}

/** Declared flows that no cell belongs to. */
function untriedFlows({ topology }: ProofContext, plans: readonly Plan[]): string[] {
  const tried = new Set(plans.flatMap((p) => p.flows));
  return topology.flows
    .filter((f) => !tried.has(f.id) && f.from !== 'operators')
    .map((f) => `flow ${f.id}: nothing could be tried for it`);
}
