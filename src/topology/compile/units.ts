import type { CellEnd, CellPlan, ModelUnitPlan, UnitPlan } from '../../host/unit-files/plan.ts';
import { formatAddress } from '../../net/address.ts';
import { containsAddress, formatPrefix } from '../../net/prefix.ts';
import type { HostPlan } from '../../nftables/host-plan.ts';
import { loadable, needsControlGroup, withoutControlGroups } from '../../nftables/render/boot.ts';
import { DAEMON_SLICE } from '../../nftables/render/daemon.ts';
import type { Ruleset } from '../../nftables/ruleset.ts';
import { OLLAMA_UNIT } from '../host-options.ts';
import type { Host, Segment, Topology } from '../model.ts';
import { segmentAddresses } from './endpoints.ts';
import { roleOf } from './roles.ts';

/** What has to be installed on a host for its plan to hold from boot on. */
export function planUnits(topology: Topology, host: Host, plan: HostPlan, ruleset: Ruleset): UnitPlan {
  const isModel = roleOf(topology, host).kind === 'model';
  return {
    host: host.name,
    firewall: {
      text: loadable(ruleset),
      withoutSlice: needsControlGroup(ruleset) ? loadable(withoutControlGroups(ruleset)) : undefined,
    },
    slice: host.tailscaled ? DAEMON_SLICE : undefined,
    cell: isModel && host.placement === 'netns' ? planCell(topology, host) : undefined,
    model: isModel ? planModel(host, plan) : undefined,
  };
}

/** The namespace of a model on its router's machine, with the link that both declare. */
function planCell(topology: Topology, host: Host): CellPlan | undefined {
  const segment = host.segment === undefined ? undefined : topology.segments.get(host.segment);
  const router = segment === undefined ? undefined : topology.hosts.get(segment.router);
  if (segment === undefined || router === undefined) return undefined;
  return {
    namespace: host.access.kind === 'netns' ? host.access.name : host.name,
    inner: cellEnd(host, segment),
    outer: cellEnd(router, segment),
  };
}

function cellEnd(host: Host, segment: Segment): CellEnd {
  return {
    link: host.segmentInterface ?? '',
    addresses: segmentAddresses(host, segment).map((address) => {
      const prefix = segment.prefixes.find((p) => containsAddress(p, address));
      return `${formatAddress(address)}/${prefix?.length ?? (address.family === 4 ? 32 : 128)}`;
    }),
  };
}

function planModel(host: Host, plan: HostPlan): ModelUnitPlan {
  const unit = host.unit ?? OLLAMA_UNIT;
  const answered = plan.flows.filter((f) => f.side === 'responder');
  const own = answered.flatMap((f) => f.local.map(formatAddress));
  const [only] = new Set(own);
  // One listener takes one address; where the flows come to several, it listens on all, and the firewall pins them.
  const listen = unit.listen ?? (new Set(own).size === 1 ? only : '::');
  const port = answered.flatMap((f) => f.tcp)[0]?.first;
  return {
    unit: unit.name,
    user: unit.user,
    stateDirectory: unit.stateDirectory,
    devices: unit.devices,
    listen: port === undefined || listen === undefined ? undefined : `${bracketed(listen)}:${port}`,
    peers: [...new Set(plan.flows.flatMap((f) => f.remote.map(formatPrefix)))],
  };
}

function bracketed(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}
