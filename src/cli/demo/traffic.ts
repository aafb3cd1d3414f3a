import Table from 'cli-table3';
import { createColors } from 'picocolors';
import type { Lab } from '../../lab/lab.ts';
import { isBlocked, type ProbeResult } from '../../lab/probe.ts';
import { formatAddress } from '../../net/address.ts';
import { modelHosts } from '../../proof/intent.ts';
import { endpoint } from '../../report/packet-words.ts';
import type { Topology } from '../../topology/model.ts';

/** Who tries to reach the model's port, and what came of it. */
export interface Attempt {
  readonly from: string;
  /** In the operator's words. */
  readonly who: string;
  readonly expected: 'answered' | 'blocked';
  readonly result: ProbeResult;
}

/** One sender of the matrix. */
export interface Sender {
  readonly name: string;
  readonly who: string;
  readonly expected: Attempt['expected'];
}

/**
 * Makes a real request to the model's port from everybody, over both families: the declared sender, the other hosts, and
 * strangers on both networks.
 */
export async function tryEverybody(
  lab: Lab,
  topology: Topology,
  senders: readonly Sender[],
): Promise<readonly Attempt[]> {
  const model = modelHosts(topology)[0];
  const port = lab.modelServer?.port;
  if (model === undefined || port === undefined) return [];
  const pairs = senders.flatMap((sender) => model.addresses.map((address) => ({ sender, address })));
  const results = await lab.probeMatrix(
    pairs.map(({ sender, address }) => ({
      from: sender.name,
      to: { address, port },
      options: { http: { method: 'GET', path: '/api/version' } },
    })),
  );
  return pairs.flatMap(({ sender }, i) => {
    const result = results[i];
    return result === undefined ? [] : [{ from: sender.name, who: sender.who, expected: sender.expected, result }];
  });
}

/** True when everybody got exactly what the topology declares. */
export function isAsDeclared(attempts: readonly Attempt[]): boolean {
  return attempts.length > 0 && attempts.every((a) => outcomeOf(a.result) === a.expected);
}

/** The attempts as a table: a line for each sender, a column for each address of the model. */
export function trafficTable(attempts: readonly Attempt[], color: boolean): string {
  const c = createColors(color);
  const targets = [...new Set(attempts.map((a) => targetOf(a)))];
  const table = new Table({
    head: ['from', ...targets.map((t) => `to ${t}`), ''],
    style: { head: [], border: [], compact: true },
  });
  for (const from of new Set(attempts.map((a) => a.from))) {
    const own = attempts.filter((a) => a.from === from);
    const asDeclared = own.every((a) => outcomeOf(a.result) === a.expected);
    table.push([
      `${from} (${own[0]?.who})`,
      ...targets.map((t) =>
        own
          .filter((a) => targetOf(a) === t)
          .map((a) => words(a.result))
          .join(),
      ),
      asDeclared ? c.green('as declared') : c.red('NOT as declared'),
    ]);
  }
  return table.toString();
}

function targetOf(a: Attempt): string {
  return endpoint(formatAddress(a.result.to.address), a.result.to.port);
}

function outcomeOf(result: ProbeResult): 'answered' | 'blocked' | 'delivered' {
  if (result.outcome === 'answered') return 'answered';
  return isBlocked(result) ? 'blocked' : 'delivered';
}

function words(result: ProbeResult): string {
  switch (outcomeOf(result)) {
    case 'answered':
      return 'answered';
    case 'delivered':
      return 'no answer, but the packet ARRIVED';
    case 'blocked':
      return 'blocked, nothing arrived';
  }
}
