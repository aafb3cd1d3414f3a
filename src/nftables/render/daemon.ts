import type { HostPlan } from '../host-plan.ts';
import type { Chain, Match, NamedSet, Rule } from '../ruleset.ts';
import type { AddressPool } from './address-pool.ts';
import { blocksOf } from './address-pool.ts';
import { chain } from './common.ts';
import {
  ACCEPT,
  cgroup,
  direction,
  interfaceSet,
  jump,
  masked,
  onInterfaces,
  port,
  rule,
  socketOwner,
  state,
} from './statements.ts';

/** Set of the NICs on which the daemon talks to its peers, relays and control plane. */
const UNDERLAY = 'underlay';

/** The slice that holds the daemon's unit and outlives its restarts. */
export const DAEMON_SLICE = 'cordon.slice';

/** tailscaled marks its own sockets so (tailscale net/tsconst LinuxBypassMark, mask LinuxFwmarkMask). */
const DAEMON_MARK = 0x00080000n;
const DAEMON_MARK_MASK = 0x00ff0000n;

/** Our own bit of the connection's mark: this connection was opened by the daemon. Outside of the daemon's mask. */
const REMEMBERED = 0x01000000n;

const WIREGUARD_PORT = 41641;

/** What the daemon needs to be online, and nothing for anybody else. */
export interface DaemonRules {
  readonly sets: readonly NamedSet[];
  readonly chains: readonly Chain[];
}

/**
 * Lets tailscaled reach peers, STUN, control and relays, and name servers where they are declared.
 *
 * It is known by three things at once on the way out (user 0, its slice, its mark) and by a connection mark afterwards,
 * because answers and the second gate have no socket to ask. Lookups are not marked by the daemon, so they are pinned to
 * the declared resolvers. 41641 is not tied to a direction: the peer may have created the connection entry.
 */
export function daemonRules(daemon: NonNullable<HostPlan['daemon']>, pool: AddressPool): DaemonRules {
  const remember = { kind: 'set-ct-mark', or: REMEMBERED } as const;
  const marked = masked('meta', DAEMON_MARK_MASK, DAEMON_MARK);
  const remembered = masked('ct', REMEMBERED, REMEMBERED);
  const resolvers = ([4, 6] as const).flatMap((family) => {
    const servers = daemon.resolvers.filter((a) => a.family === family);
    return pool.match(family, 'daddr', blocksOf(servers), `resolvers${family}`) ?? [];
  });
  const lookup = (server: Match): Rule[] =>
    (['udp', 'tcp'] as const).map((protocol) => rule([server, port(protocol, 'dport', 53), remember, ACCEPT]));
  const answer = (protocol: 'tcp' | 'udp', ...from: readonly number[]) =>
    rule([port(protocol, 'sport', ...from), direction('reply'), state('established'), ACCEPT]);
  const ask = (protocol: 'tcp' | 'udp', ...to: readonly number[]) =>
    rule([port(protocol, 'dport', ...to), direction('original'), ACCEPT]);
  const asksNames = resolvers.length > 0;
  const tcpPorts = asksNames ? [53, 80, 443] : [80, 443];
  return {
    sets: [interfaceSet(UNDERLAY, daemon.underlay)],
    chains: [
      chain('daemon_in', [rule([onInterfaces('iifname', UNDERLAY), remembered, jump('daemon_answers')])]),
      chain('daemon_out', [
        rule([onInterfaces('oifname', UNDERLAY), socketOwner(0n), cgroup(1, DAEMON_SLICE), jump('daemon_flows')]),
      ]),
      chain('daemon_post', [rule([onInterfaces('oifname', UNDERLAY), remembered, jump('daemon_tuples')])]),
      chain('daemon_flows', [
        ...resolvers.flatMap(lookup),
        rule([marked, port('udp', 'sport', WIREGUARD_PORT), remember, ACCEPT]),
        rule([marked, port('tcp', 'dport', 80, 443), remember, ACCEPT]),
      ]),
      chain('daemon_answers', [
        rule([port('udp', 'dport', WIREGUARD_PORT), ACCEPT]),
        answer('tcp', ...tcpPorts),
        ...(asksNames ? [answer('udp', 53)] : []),
      ]),
      chain('daemon_tuples', [
        rule([port('udp', 'sport', WIREGUARD_PORT), ACCEPT]),
        ask('tcp', ...tcpPorts),
        ...(asksNames ? [ask('udp', 53)] : []),
      ]),
    ],
  };
}
