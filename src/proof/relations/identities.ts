import { AddressSet } from '../../net/address-set.ts';
import type { Device } from '../../tailnet/device.ts';
import type { Host } from '../../topology/model.ts';
import type { ProofContext } from '../context.ts';
import type { FlowPath } from '../intent.ts';
import type { TailnetReach } from './tailnet.ts';

/** Addresses of the host's own device: as the tailnet lists them, or what stands for them where it lists none. */
export function deviceAddresses(reach: TailnetReach, host: Host | undefined): AddressSet {
  const device = host?.device === undefined ? undefined : reach.universe.byId(host.device);
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
  return deviceAddresses(reach, path.from).union(futureHolders(reach, tag));
}

/** Where a declared flow goes on the tailnet: the host's device and later holders of its role's tag, or behind a router. */
export function receiverAddresses(context: ProofContext, reach: TailnetReach, path: FlowPath): AddressSet {
  if (path.router !== undefined) return path.router.target;
  const tag = context.topology.roles.get(path.to.role)?.tag;
  return deviceAddresses(reach, path.to).union(futureHolders(reach, tag));
}

/** The operators' own devices, present and future. */
export function operatorAddresses({ operators }: ProofContext, reach: TailnetReach): AddressSet {
  const isOperators = (d: Device) => {
    if (d.isExternal) return false;
    if (d.user === undefined) return d.tags.some((t) => operators.tags.has(t));
    const login = d.user.toLowerCase();
    return operators.logins.has(login) || operators.domains.has(login.split('@')[1] ?? '');
  };
  return AddressSet.ofAddresses(...reach.universe.devices.filter(isOperators).flatMap((d) => d.addresses));
}
