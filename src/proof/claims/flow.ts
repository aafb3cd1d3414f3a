import { formatAddress } from '../../net/address.ts';
import { AddressSet } from '../../net/address-set.ts';
import type { Field } from '../../net/field.ts';
import type { PacketSet } from '../../net/packet-set.ts';
import { decidingRule } from '../../nftables/decide.ts';
import type { Missing } from '../../state/known.ts';
import type { Host } from '../../topology/model.ts';
import type { Blame, Claim, Witness } from '../claim.ts';
import type { ProofContext } from '../context.ts';
import { type FlowPath, pinned, rawLink } from '../intent.ts';
import { HOOKS, hookOptions } from '../relations/host.ts';
import { type Leg, legsOf } from './flow-legs.ts';
import { uniqueMissing } from './missing.ts';
import { witnessPacket } from './packet-words.ts';

/** `flow` for every declared flow: each pair of ends can open it, and its answers come back. */
export function flowClaims(context: ProofContext): readonly Claim[] {
  return context.topology.flows.map((flow) => {
    const paths = context.paths.filter((p) => p.flow === flow);
    return flowClaim(context, flow.id, paths);
  });
}

interface Blocked {
  readonly leg: Leg;
  readonly path: FlowPath;
  readonly lacking: PacketSet;
}

function flowClaim(context: ProofContext, id: string, paths: readonly FlowPath[]): Claim {
  const base = { claim: 'flow', subject: id, causes: [], blame: [] } as const;
  if (paths.length === 0) return { ...base, state: 'unknown', missing: [noEnds(id)] };
  const blocked: Blocked[] = [];
  const open: Missing[] = [];
  for (const path of paths) {
    for (const leg of legsOf(context, path)) {
      const need = project(leg.need, leg.free);
      if (!need.isEmpty() && need.isSubsetOf(project(leg.must.intersect(leg.need), leg.free))) continue;
      const lacking = need.subtract(project(leg.may.intersect(leg.need), leg.free));
      if (need.isEmpty() || !lacking.isEmpty()) blocked.push({ leg, path, lacking });
      else open.push(...(leg.missing.length > 0 ? leg.missing : [{ source: leg.layer, why: 'cannot be decided' }]));
    }
  }
  const missing = uniqueMissing(open);
  const first = blocked[0];
  if (first === undefined) return { ...base, state: missing.length > 0 ? 'unknown' : 'holds', missing };
  const witness = witnessOf(first);
  return {
    ...base,
    state: 'violated',
    ...(witness === undefined ? {} : { witness }),
    blame: [blameOf(context, first)],
    missing,
  };
}

function noEnds(id: string): Missing {
  return { source: `flow ${id}`, why: 'no host holds both roles, so nothing shows that it works' };
}

function project(set: PacketSet, free: readonly Field[]): PacketSet {
  return free.reduce((s, field) => s.forget(field), set);
}

/** What has to pass and does not, as a packet of the flow. */
function lackingPacket({ leg, lacking }: Blocked) {
  return lacking.intersect(leg.need).sample();
}

function witnessOf(blocked: Blocked): Witness | undefined {
  const packet = lackingPacket(blocked);
  if (packet === undefined) return undefined;
  const { leg, path } = blocked;
  return {
    packet: witnessPacket(packet),
    from: path.from?.name ?? 'the operators',
    to: path.to.name,
    layer: `${leg.layer}, which does not let it through`,
  };
}

/** The device has not all of the declared addresses: rules by tag mean others, and those of its peers' hosts not. */
function movedFrom(context: ProofContext, host: Host): Blame[] {
  const device = context.deviceOf(host);
  if (device === undefined || pinned(host).isSubsetOf(AddressSet.ofAddresses(...device.addresses))) return [];
  const text = `declared ${pinned(host).format()}, found ${device.addresses.map(formatAddress).join(',')}`;
  return [{ source: 'tailnet/devices', rule: `${device.id} addresses`, text }];
}

function blameOf(context: ProofContext, blocked: Blocked): Blame {
  const { leg, path } = blocked;
  if (leg.at === undefined) {
    const moved = [path.from, path.router?.host ?? path.to].flatMap((h) =>
      h === undefined ? [] : movedFrom(context, h),
    );
    return moved[0] ?? { source: 'tailnet/policy', rule: 'no rule admits it' };
  }
  const { host, passage } = leg.at;
  const source = `host/${host.name}/nft.txt`;
  const live = context.state.hosts.get(host.name)?.ruleset;
  const packet = lackingPacket(blocked);
  if (live === undefined || !live.known || packet === undefined) return { source };
  const options = { ...hookOptions(passage, rawLink(context.topology, host)), tables: () => true };
  for (const hook of HOOKS[passage]) {
    const { verdict, by } = decidingRule(live.value.ruleset, hook, packet, options);
    if (verdict === 'accept' || by.kind === 'no-chain') continue;
    const place = by.span === undefined ? {} : { line: by.span.line, column: by.span.column };
    const text = by.kind === 'rule' ? by.text : `policy ${by.policy}`;
    return { source, ...place, rule: `${by.table} ${by.chain}`, text };
  }
  return { source };
}
