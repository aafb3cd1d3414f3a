import type { Family } from '../../net/address.ts';
import { IntervalSet } from '../../net/interval-set.ts';
import type { PlannedFlow, PlannedForward } from '../host-plan.ts';
import type { Match, Rule, Statement } from '../ruleset.ts';
import { type AddressPool, blocksOf } from './address-pool.ts';
import { ACCEPT, counter, direction, onInterface, ports, rule, socketOwners, state } from './statements.ts';

const FAMILIES: readonly Family[] = [4, 6];
const PROTOCOLS = ['tcp', 'udp'] as const;

/** The rules of one flow on this host, by the chain they belong to. */
export interface FlowRules {
  readonly ingress: readonly Rule[];
  readonly egress: readonly Rule[];
}

type PortRanges = PlannedFlow['tcp'];

/**
 * Both directions of one flow: what this host sends and what it receives, each with interface, addresses, port,
 * conntrack direction and state. Never `established` alone: a connection that was open before the rules were tightened
 * would go on.
 */
export function flowRules(flow: PlannedFlow, pool: AddressPool): FlowRules {
  const opens = flow.side === 'initiator';
  const ingress: Rule[] = [];
  const egress: Rule[] = [];
  for (const variant of variants(flow)) {
    const { family, protocol, set } = variant;
    const ends = (remote: 'saddr' | 'daddr', local: 'saddr' | 'daddr') => {
      const peer = pool.match(family, remote, flow.remote, `peers${family}_${flow.id}`);
      const own = pool.match(family, local, blocksOf(flow.local), `own${family}_${flow.id}`);
      return remote === 'saddr' ? [peer, own] : [own, peer];
    };
    const way = [onInterface('oifname', flow.iface), ...ends('daddr', 'saddr')];
    const uids = opens ? (flow.uids ?? []) : [];
    if (uids.length > 0) egress.push(...openedBy(uids, way, ports(protocol, 'dport', set), flow.id));
    else egress.push(direct(opens, protocol, set, flow.id)(way, []));
    const received = direct(!opens, protocol, set, flow.id);
    ingress.push(received([onInterface('iifname', flow.iface), ...ends('saddr', 'daddr')], [counter()]));
  }
  return { ingress, egress };
}

/** The rules of a forwarded flow for the forward hook and for the second gate behind it. */
export interface ForwardRules {
  readonly forward: readonly Rule[];
  readonly postrouting: readonly Rule[];
}

/**
 * Both directions of one forwarded flow. The second gate (postrouting) stands behind source NAT, where the initiator's
 * address may have been replaced by the router's: there the first direction names interfaces, destination and port.
 */
export function forwardRules(flow: PlannedForward, pool: AddressPool): ForwardRules {
  const forward: Rule[] = [];
  const postrouting: Rule[] = [];
  for (const { family, protocol, set } of forwardVariants(flow)) {
    const from = (field: 'saddr' | 'daddr') => pool.match(family, field, flow.from, `from${family}_${flow.id}`);
    const to = (field: 'saddr' | 'daddr') => pool.match(family, field, flow.to, `to${family}_${flow.id}`);
    const there = [onInterface('iifname', flow.inInterface), onInterface('oifname', flow.outInterface)];
    const back = [onInterface('iifname', flow.outInterface), onInterface('oifname', flow.inInterface)];
    const request = direct(true, protocol, set, flow.id);
    const reply = direct(false, protocol, set, flow.id);
    forward.push(request([...there, from('saddr'), to('daddr')], [counter()]));
    forward.push(reply([...back, to('saddr'), from('daddr')], [counter()]));
    postrouting.push(request([...there, to('daddr')], []));
    postrouting.push(reply([...back, to('saddr'), from('daddr')], []));
  }
  return { forward, postrouting };
}

interface Variant {
  readonly family: Family;
  readonly protocol: 'tcp' | 'udp';
  readonly set: IntervalSet;
}

/** Families that both ends have (an end without declared addresses has any) times protocols with ports. */
function variants(flow: PlannedFlow): Variant[] {
  const has = (family: Family) =>
    flow.remote.some((p) => p.family === family) &&
    (flow.local.length === 0 || flow.local.some((a) => a.family === family));
  return combine(FAMILIES.filter(has), flow);
}

function forwardVariants(flow: PlannedForward): Variant[] {
  const has = (family: Family) =>
    flow.from.some((p) => p.family === family) && flow.to.some((p) => p.family === family);
  return combine(FAMILIES.filter(has), flow);
}

function combine(families: readonly Family[], flow: { readonly tcp: PortRanges; readonly udp: PortRanges }): Variant[] {
  return PROTOCOLS.flatMap((protocol) => {
    const set = IntervalSet.of(...flow[protocol].map((r) => [BigInt(r.first), BigInt(r.last)] as const));
    return set.isEmpty() ? [] : families.map((family) => ({ family, protocol, set }));
  });
}

/**
 * The opening direction where users count. Only the packet that opens is asked for its user: a program that has closed
 * its socket still has data under way, and that has no owner any more.
 */
function openedBy(uids: readonly number[], way: readonly (Match | undefined)[], to: Match, id: string): Rule[] {
  const known = withoutImplied(way.filter((m) => m !== undefined));
  return [
    rule([...known, to, direction('original'), state('established'), ACCEPT], `flow:${id}`),
    rule([...known, to, direction('original'), state('new'), socketOwners(uids), ACCEPT], `flow:${id}/open`),
  ];
}

/** Completes a rule: a request goes to the service's port, its reply comes from there. */
function direct(isRequest: boolean, protocol: 'tcp' | 'udp', set: IntervalSet, id: string) {
  return (where: readonly (Match | undefined)[], count: readonly Statement[]): Rule => {
    const known = withoutImplied(where.filter((m) => m !== undefined));
    return isRequest
      ? rule(
          [
            ...known,
            ports(protocol, 'dport', set),
            direction('original'),
            state('established', 'new'),
            ...count,
            ACCEPT,
          ],
          `flow:${id}`,
        )
      : rule(
          [...known, ports(protocol, 'sport', set), direction('reply'), state('established'), ...count, ACCEPT],
          `flow:${id}/reply`,
        );
  };
}

/** `ip saddr …` implies IPv4, and nft does not list `meta nfproto ipv4` beside it: it stands alone or not at all. */
function withoutImplied(matches: readonly Match[]): Match[] {
  const isFamilyTest = (m: Match) => m.selector.kind === 'meta' && m.selector.key === 'nfproto';
  const hasAddress = matches.some((m) => m.selector.kind === 'payload');
  const first = matches.find(isFamilyTest);
  return matches.filter((m) => !isFamilyTest(m) || (!hasAddress && m === first));
}
