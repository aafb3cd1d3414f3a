import type { Hit, Sandbox, Shot } from '../sandbox.ts';
import type { Plan, Plans } from './attempts.ts';
import type { Way } from './cells.ts';
import type { Attempt, Prediction } from './predict.ts';

/** How long the second and third try may take: a busy machine must not look like a firewall. */
const PATIENCE_MS = [1_000, 3_000];

/**
 * The ways that are open without rules: each by a datagram, and each TCP port once by a connection from somebody.
 */
export async function tryWithoutRules(sandbox: Sandbox, { plans, ports }: Plans): Promise<ReadonlySet<Way>> {
  const ways = [...new Set(plans.map((p) => p.way))];
  const probes = ways.flatMap((way) => {
    const udp = ports.get(way.to.name)?.find((p) => p.proto === 'udp');
    return udp === undefined ? [] : [{ way, shot: shotOf(way, { proto: 'udp', sport: 0, dport: udp.port, uid: 0 }) }];
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
export async function shootPatiently(sandbox: Sandbox, plans: readonly Plan[]): Promise<readonly Hit[]> {
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

function shotOf({ from, to, dst, words }: Way, { proto, dport, uid }: Attempt): Shot {
  return {
    ...{ namespace: from.namespace, proto, family: dst.family, src: words.src, dst: words.dst, dport, uid },
    ...{ device: words.device, receiver: to.namespace },
    ...(words.seenAs === undefined ? {} : { seenAs: words.seenAs }),
  };
}

/** In the report's terms. */
export function outcomeOf(hit: Hit | undefined): { delivered: boolean; answered: boolean } {
  const answered = hit?.outcome === 'answered';
  return { delivered: answered || hit?.delivered === true, answered };
}
