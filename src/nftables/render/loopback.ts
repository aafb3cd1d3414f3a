import type { Address } from '../../net/address.ts';
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
const LOOPBACKS: readonly Address[] = [
  { family: 4, value: 0x7f00_0001n },
  { family: 6, value: 1n },
];

/**
 * What may go over loopback, judged on the sending side, where the owner of the socket is known. It is entered by goto and
 * ends in a verdict.
 *
 * On a model's host loopback is a way out: a stub resolver or a proxy acts for whoever asks it, under its own user. So the
 * model's user answers on the service's ports, talks to its own runners, and opens nothing else; root alone may ask the
 * service (health checks). Where the user is not declared, everybody but root counts as the model. Elsewhere, and where
 * the namespace's loopback is the model's alone, loopback is open.
 *
 * What a closed socket still sends has no owner any more, as has what the kernel answers (linux net/netfilter/nft_meta.c,
 * nft_meta_get_eval_skugid): neither test for an owner matches it, and it may pass unless it opens a flow to the service.
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
      rule([socketOwner(0n), ACCEPT]),
      ...served.map(({ protocol, set }) =>
        rule([ports(protocol, 'dport', set), state('new'), counter('out_denied'), DROP]),
      ),
      rule([ACCEPT]),
    ]),
    chain('model_loopback', [
      ...LOOPBACKS.map((own) => runnerRule(own, 'there')),
      ...(plan.modelUid === undefined
        ? // Other services answer as well: whoever asked them was allowed to.
          [rule([direction('reply'), state('established'), ACCEPT])]
        : [
            ...served.map(({ protocol, set }) =>
              rule([ports(protocol, 'sport', set), direction('reply'), state('established'), ACCEPT]),
            ),
            ...LOOPBACKS.map((own) => runnerRule(own, 'back')),
          ]),
      rule([counter('out_denied'), DROP]),
    ]),
  ];
}

/** From the model to its runners or back, between the two loopback addresses that need no configuration. */
function runnerRule(own: Address, way: 'there' | 'back'): Rule {
  const ends = (['saddr', 'daddr'] as const).map((field) =>
    address(own.family, field, { kind: 'address', address: own }),
  );
  const conditions =
    way === 'there'
      ? [ports('tcp', 'dport', EPHEMERAL), direction('original'), state('established', 'new')]
      : [ports('tcp', 'sport', EPHEMERAL), direction('reply'), state('established')];
  return rule([...ends, ...conditions, ACCEPT], way === 'there' ? 'runners' : 'runners/reply');
}

function servedPorts(plan: HostPlan, protocol: 'tcp' | 'udp'): IntervalSet {
  const ranges = plan.flows.filter((f) => f.side === 'responder').flatMap((f) => f[protocol]);
  return IntervalSet.of(...ranges.map((r) => [BigInt(r.first), BigInt(r.last)] as const));
}
