import { formatPrefix, TAILNET_V4, TAILNET_V6 } from '../../net/prefix.ts';
import type { HostPlan, PlannedFlow, PlannedForward } from '../host-plan.ts';
import {
  type Chain,
  type NamedSet,
  OWN_TABLE,
  type Rule,
  type Ruleset,
  type Statement,
  type Table,
} from '../ruleset.ts';
import { AddressPool } from './address-pool.ts';
import { alarms, FROM_MODEL, TO_MODEL } from './alarms.ts';
import {
  baseChain,
  chain,
  deny,
  listenerDiscovery,
  logDenied,
  NEIGHBOUR_DISCOVERY,
  namedCounter,
  PATH_MTU,
} from './common.ts';
import { daemonRules } from './daemon.ts';
import { flowRules, forwardRules } from './flows.ts';
import { loopbackChains } from './loopback.ts';
import { checkPlan } from './plan-check.ts';
import { rawTable } from './raw.ts';
import {
  ACCEPT,
  address,
  counter,
  DROP,
  goto,
  interfaceSet,
  jump,
  onInterface,
  onInterfaces,
  onLoopback,
  RETURN,
  rule,
} from './statements.ts';

/** Name of tailscaled's interface. */
export const TAILNET_INTERFACE = 'tailscale0';

/** Behind every filter chain that rewrites packets at the same hook, and behind NAT in postrouting. */
const PRIORITY = 300;
const SECOND_GATE_PRIORITY = 400;

const LINKS = 'neighbour_links';

/**
 * The firewall of one host: `table inet cordon`, and `table netdev cordon` where raw sockets are closed.
 *
 * Everything that is not named is dropped, in all four hooks; every flow is pinned by interface, addresses, port,
 * conntrack direction and state. The same plan gives the same ruleset, whatever the order of its flows.
 * @throws CordonError `host-plan` for names or ports that cannot stand in a ruleset
 */
export function renderHost(plan: HostPlan): Ruleset {
  checkPlan(plan);
  const comment = `cordon schema=1 host=${plan.host} role=${plan.role}`;
  const sorted = { ...plan, flows: sortFlows(plan.flows), forwards: sortFlows(plan.forwards) };
  const raw = rawTable(sorted, comment);
  return { tables: [inetTable(sorted, comment), ...(raw === undefined ? [] : [raw])] };
}

function inetTable(plan: HostPlan, comment: string): Table {
  const pool = new AddressPool();
  const alarm = alarms(plan, pool);
  const daemon = plan.daemon === undefined ? undefined : daemonRules(plan.daemon, pool);
  const flows = plan.flows.map((f) => flowRules(f, pool));
  const forwards = plan.forwards.map((f) => forwardRules(f, pool));
  const links = neighbourLinks(plan);
  const routes = forwards.length > 0;
  const optional = (present: unknown, ...rules: readonly Rule[]) => (present ? rules : []);
  const early = alarm?.beforeFlows === true ? alarm : undefined;
  const late = alarm?.beforeFlows === false ? alarm : undefined;
  const jumpTo = (name: string, ...where: readonly Statement[]) => rule([...where, jump(name)]);
  const neighbours = (key: 'iifname' | 'oifname') =>
    links === undefined ? [] : [jumpTo('neighbours', onInterfaces(key, LINKS))];

  const chains: Chain[] = [
    ...(plan.tailnet ? [guard()] : []),
    chain(
      'ingress',
      flows.flatMap((f) => f.ingress),
    ),
    chain(
      'egress',
      flows.flatMap((f) => f.egress),
    ),
    ...loopbackChains(plan),
    ...(routes
      ? [
          chain(
            'forward_allow',
            forwards.flatMap((f) => f.forward),
          ),
          chain(
            'forward_post',
            forwards.flatMap((f) => f.postrouting),
          ),
        ]
      : []),
    ...(alarm?.chains ?? []),
    ...(daemon?.chains ?? []),
    ...(links === undefined
      ? []
      : [chain('neighbours', [NEIGHBOUR_DISCOVERY, listenerDiscovery('mld-listener-query', 'mld2-listener-report')])]),
    chain('pmtu', PATH_MTU),
    baseChain(
      'input',
      PRIORITY,
      [],
      [
        rule([onLoopback('iif'), ACCEPT]),
        ...(plan.tailnet ? [jumpTo('guard')] : []),
        ...optional(daemon, jumpTo('daemon_in')),
        ...neighbours('iifname'),
        jumpTo('pmtu'),
        ...optional(early, jumpTo('alarms_in')),
        jumpTo('ingress'),
        ...optional(late, jumpTo('alarms_in')),
        logDenied('cordon-in'),
        deny('in_denied'),
      ],
    ),
    baseChain(
      'forward',
      PRIORITY,
      [],
      [
        ...optional(routes, jumpTo('forward_allow')),
        ...optional(alarm, jumpTo('alarms_in'), jumpTo('alarms_out')),
        logDenied('cordon-fwd'),
        deny('fwd_denied'),
      ],
    ),
    baseChain(
      'output',
      PRIORITY,
      [],
      [
        rule([onLoopback('oif'), goto('loopback')]),
        ...optional(daemon, jumpTo('daemon_out')),
        ...neighbours('oifname'),
        ...optional(early, jumpTo('alarms_out')),
        jumpTo('egress'),
        ...optional(late, jumpTo('alarms_out')),
        logDenied('cordon-out'),
        deny('out_denied'),
      ],
    ),
    // The second gate, behind other people's output, mangle and NAT chains.
    baseChain(
      'postrouting',
      SECOND_GATE_PRIORITY,
      [],
      [
        rule([onLoopback('oif'), ACCEPT]),
        ...optional(daemon, jumpTo('daemon_post')),
        ...neighbours('oifname'),
        ...optional(early, jumpTo('alarms_out')),
        jumpTo('egress'),
        ...optional(routes, jumpTo('forward_post')),
        logDenied('cordon-post'),
        deny('post_denied'),
      ],
    ),
  ];
  return {
    family: 'inet',
    name: OWN_TABLE,
    flags: [],
    comment,
    counters: counterNames(plan, alarm !== undefined).map(namedCounter),
    sets: [...(links === undefined ? [] : [links]), ...(daemon?.sets ?? []), ...pool.sets],
    others: [],
    chains,
  };
}

function counterNames(plan: HostPlan, hasAlarms: boolean): string[] {
  return [
    'in_denied',
    'out_denied',
    'post_denied',
    'fwd_denied',
    ...(plan.tailnet ? ['spoof_denied'] : []),
    ...(hasAlarms ? [FROM_MODEL, TO_MODEL] : []),
  ];
}

/** Addresses of the tailnet belong on the daemon's interface; elsewhere somebody pretends. */
function guard(): Chain {
  const spoofed = [TAILNET_V4, TAILNET_V6].flatMap((prefix) =>
    (['saddr', 'daddr'] as const).map((field) =>
      rule([address(prefix.family, field, { kind: 'prefix', prefix }), counter('spoof_denied'), DROP]),
    ),
  );
  return chain('guard', [rule([onInterface('iifname', TAILNET_INTERFACE), RETURN]), ...spoofed]);
}

/** Interfaces with neighbours to discover: every one that the plan names but the daemon's, which has none. */
function neighbourLinks(plan: HostPlan): NamedSet | undefined {
  const names = new Set([
    ...(plan.link === undefined ? [] : [plan.link.name]),
    ...(plan.daemon?.underlay ?? []),
    ...plan.flows.map((f) => f.iface),
    ...plan.forwards.flatMap((f) => [f.inInterface, f.outInterface]),
  ]);
  names.delete(TAILNET_INTERFACE);
  return names.size === 0 ? undefined : interfaceSet(LINKS, names);
}

/** One order for the same flows, so that moving lines in the topology changes no firewall. */
function sortFlows<T extends PlannedFlow | PlannedForward>(flows: readonly T[]): T[] {
  const list = (ranges: PlannedFlow['tcp']) => ranges.map((r) => `${r.first}-${r.last}`).join();
  const key = (f: T) => {
    const where = 'side' in f ? [f.side, f.iface, f.remote] : [f.inInterface, f.outInterface, f.to];
    const words = where.map((w) => (typeof w === 'string' ? w : w.map(formatPrefix).join()));
    return [f.id, ...words, list(f.tcp), list(f.udp)].join(' ');
  };
  const keyed = flows.map((flow) => ({ flow, key: key(flow) }));
  keyed.sort((a, b) => (a.key < b.key ? -1 : Number(a.key > b.key)));
  return keyed.map((e) => e.flow);
}
