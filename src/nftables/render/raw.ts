import { IntervalSet } from '../../net/interval-set.ts';
import type { HostPlan } from '../host-plan.ts';
import { OWN_TABLE, type Rule, type Table } from '../ruleset.ts';
import { AddressPool, blocksOf } from './address-pool.ts';
import { baseChain, deny, listenerDiscovery, NEIGHBOUR_DISCOVERY, namedCounter } from './common.ts';
import { ACCEPT, etherType, ports, rule } from './statements.ts';

/** EtherType of ARP (RFC 826). */
const ARP = 0x0806n;

/**
 * `table netdev cordon`: what may leave on the model's own link, packet sockets included, which no other hook sees.
 * There is no connection tracking here, so it can only name tuples; `inet cordon` judges direction and state.
 * @returns undefined where the plan does not close raw sockets
 */
export function rawTable(plan: HostPlan, comment: string): Table | undefined {
  const { link } = plan;
  if (!plan.closeRawOnLink || link === undefined) return undefined;
  const pool = new AddressPool();
  const usesFamily = (family: 4 | 6) => link.addresses.length === 0 || link.addresses.some((a) => a.family === family);
  const rules: Rule[] = [
    ...(usesFamily(4) ? [rule([etherType(ARP), ACCEPT])] : []),
    ...tupleRules(plan, link, pool),
    ...(usesFamily(6) ? [NEIGHBOUR_DISCOVERY, listenerDiscovery('mld2-listener-report')] : []),
    deny('raw_denied'),
  ];
  return {
    family: 'netdev',
    name: OWN_TABLE,
    flags: [],
    comment,
    counters: [namedCounter('raw_denied')],
    sets: pool.sets,
    others: [],
    chains: [baseChain('egress', 0, [link.name], rules)],
  };
}

function tupleRules(plan: HostPlan, link: NonNullable<HostPlan['link']>, pool: AddressPool): Rule[] {
  const flows = plan.flows.filter((f) => f.iface === link.name);
  return flows.flatMap((flow) =>
    ([4, 6] as const).flatMap((family) => {
      const own = flow.local.length === 0 ? link.addresses : flow.local;
      const from = pool.match(family, 'saddr', blocksOf(own), `own${family}_${flow.id}`);
      const to = pool.match(family, 'daddr', flow.remote, `peers${family}_${flow.id}`);
      if (to === undefined || (from === undefined && own.length > 0)) return [];
      const ends = from === undefined ? [to] : [from, to];
      const field = flow.side === 'initiator' ? 'dport' : 'sport';
      const comment = flow.side === 'initiator' ? `flow:${flow.id}` : `flow:${flow.id}/reply`;
      return (['tcp', 'udp'] as const).flatMap((protocol) => {
        const set = IntervalSet.of(...flow[protocol].map((r) => [BigInt(r.first), BigInt(r.last)] as const));
        return set.isEmpty() ? [] : [rule([...ends, ports(protocol, field, set), ACCEPT], comment)];
      });
    }),
  );
}
