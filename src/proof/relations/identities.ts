import { AddressSet } from '../../net/address-set.ts';
import type { NamedList } from '../../tailnet/policy/policy.ts';
import type { Host } from '../../topology/model.ts';
import type { ProofContext } from '../context.ts';
import type { FlowPath } from '../intent.ts';
import type { TailnetReach } from './tailnet.ts';

/** Addresses of the host's own device, as the tailnet lists it. */
export function deviceAddresses(context: ProofContext, host: Host | undefined): AddressSet {
  const device = host === undefined ? undefined : context.deviceOf(host);
  return AddressSet.ofAddresses(...(device?.addresses ?? []));
}

/** Addresses of whoever gets the tag tomorrow. */
export function futureHolders(reach: TailnetReach, tag: string | undefined): AddressSet {
  const { universe } = reach;
  const holders = universe.devices.filter(
    (d) => universe.future.has(d.id) && tag !== undefined && d.tags.includes(tag),
  );
  return AddressSet.ofAddresses(...holders.flatMap((d) => d.addresses));
}

/** Everybody whom a declared flow names as its opening end: the host's device and later holders of its role's tag. */
export function senderAddresses(context: ProofContext, reach: TailnetReach, path: FlowPath): AddressSet {
  if (path.from === undefined) return operatorAddresses(context, reach);
  const tag = context.topology.roles.get(path.from.role)?.tag;
  return deviceAddresses(context, path.from).union(futureHolders(reach, tag));
}

/** Untagged devices of the operators, present and future; groups are those of the policy in force. */
export function operatorAddresses(context: ProofContext, reach: TailnetReach): AddressSet {
  const { policy } = context.state.tailnet;
  const groups: ReadonlyMap<string, NamedList> = policy.known ? policy.value.policy.groups : new Map();
  const logins = new Set(
    context.topology.tailnet.operators.flatMap((o) =>
      o.startsWith('group:') ? (groups.get(o)?.items ?? []).map((i) => i.text) : [o],
    ),
  );
  const theirs = reach.universe.devices.filter((d) => d.user !== undefined && logins.has(d.user));
  return AddressSet.ofAddresses(...theirs.flatMap((d) => d.addresses));
}
