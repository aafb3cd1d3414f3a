import { type Address, formatAddress, parseAddress } from '../../net/address.ts';
import { IntervalSet } from '../../net/interval-set.ts';
import type { HostPlan } from '../host-plan.ts';
import type { Chain, Rule } from '../ruleset.ts';
import { chain } from './common.ts';
import {
  ACCEPT,
  address,
  counter,
  DROP,
  direction,
  goto,
  notSocketOwner,
  ports,
  rule,
  socketOwner,
  state,
} from './statements.ts';

/** The ports that Linux gives out by itself (net.ipv4.ip_local_port_range): where a model's runners listen. */
const EPHEMERAL = IntervalSet.of([32768n, 60999n]);
const PROTOCOLS = ['tcp', 'udp'] as const;

/**
 * What may go over loopback, judged on the sending side, where the owner of the socket is known. It is entered by goto and
 * ends in a verdict.
 *
 * On a model's host loopback is a way out: a stub resolver or a proxy acts for whoever asks it, under its own user. So the
 * model's user answers on the service's ports, talks to its own runners, and opens nothing else; root alone may ask the
 * service (health checks). Where the user is not declared, everybody but root counts as the model. Elsewhere, and where
 * the namespace's loopback is the model's alone, loopback is open.
 *
 * Owners are asked of opening packets only: a socket that its program has closed has no owner any more, and what it
 * still sends would be lost (linux net/netfilter/nft_meta.c, nft_meta_get_eval_skugid).
 */
export function loopbackChains(plan: HostPlan): readonly Chain[] {
  if (plan.role !== 'model' || plan.loopback !== 'shared') return [chain('loopback', [rule([ACCEPT])])];
  const isModel = plan.modelUid === undefined ? notSocketOwner(0n) : socketOwner(BigInt(plan.modelUid));
  const served = PROTOCOLS.map((protocol) => ({ protocol, set: servedPorts(plan, protocol) })).filter(
    ({ set }) => !set.isEmpty(),
  );
  return [
    chain('loopback', [
      rule([isModel, goto('model_loopback')]),
      ...served.flatMap(({ protocol, set }) => [
        rule([socketOwner(0n), ports(protocol, 'dport', set), state('new'), ACCEPT]),
        rule([ports(protocol, 'dport', set), state('new'), counter('out_denied'), DROP]),
      ]),
      rule([ACCEPT]),
    ]),
    chain('model_loopback', [
      ...(plan.modelUid === undefined
        ? // Other services answer as well: whoever asked them was allowed to.
          [rule([direction('reply'), state('established'), ACCEPT])]
        : served.map(({ protocol, set }) =>
            rule([ports(protocol, 'sport', set), direction('reply'), state('established'), ACCEPT]),
          )),
      ...['127.0.0.1', '::1'].flatMap((own) => runnerRules(parseAddress(own))),
      rule([counter('out_denied'), DROP]),
    ]),
  ];
}

/** From the model to its runners and back, between the two loopback addresses that need no configuration. */
function runnerRules(own: Address | undefined): Rule[] {
  if (own === undefined) return [];
  const ends = (['saddr', 'daddr'] as const).map((field) =>
    address(own.family, field, { kind: 'address', address: own }),
  );
  const comment = `runners ${formatAddress(own)}`;
  return [
    rule(
      [...ends, ports('tcp', 'dport', EPHEMERAL), direction('original'), state('established', 'new'), ACCEPT],
      comment,
    ),
    rule([...ends, ports('tcp', 'sport', EPHEMERAL), direction('reply'), state('established'), ACCEPT], comment),
  ];
}

function servedPorts(plan: HostPlan, protocol: 'tcp' | 'udp'): IntervalSet {
  const ranges = plan.flows.filter((f) => f.side === 'responder').flatMap((f) => f[protocol]);
  return IntervalSet.of(...ranges.map((r) => [BigInt(r.first), BigInt(r.last)] as const));
}
