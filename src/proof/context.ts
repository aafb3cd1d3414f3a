import { type Known, known, type Missing, missingOf, unknown } from '../state/known.ts';
import type { State } from '../state/state.ts';
import type { Device } from '../tailnet/device.ts';
import type { Host, Topology } from '../topology/model.ts';
import { type FlowPath, flowPaths, rawLink } from './intent.ts';
import { type Operators, operatorsOf } from './operators.ts';
import { type HostPassage, type Passage, passage, unknownPassage } from './relations/host.ts';
import { type TailnetReach, tailnetReach } from './relations/tailnet.ts';
import { buildUniverse } from './relations/universe.ts';

/** One state with the topology it is held against, and what both imply; computed once for all claims. */
export interface ProofContext {
  readonly topology: Topology;
  readonly state: State;
  /** What the state should be, where the caller knows. */
  readonly declared: State | undefined;
  readonly paths: readonly FlowPath[];
  readonly operators: Operators;
  readonly tailnet: Known<TailnetReach>;
  /** The device with the host's node id, as the tailnet lists it. */
  deviceOf(host: Host): Device | undefined;
  /** Whether some host of the topology is this device. */
  isDeclared(device: Device): boolean;
  /** What passes a host. */
  passage(host: Host, which: Passage): HostPassage;
}

/** Prepares a proof; does no deciding itself. */
export function proofContext(topology: Topology, state: State, declared: State | undefined): ProofContext {
  const { policy, devices } = state.tailnet;
  const operators = operatorsOf(topology);
  const tailnet =
    policy.known && devices.known
      ? known(
          tailnetReach(
            policy.value.policy,
            buildUniverse({
              devices: devices.value,
              policies: [policy.value.policy],
              tags: [...topology.roles.values()].map((r) => r.tag),
              users: [...operators.logins],
              networks: [...topology.segments.values()].flatMap((s) => s.prefixes),
            }),
          ),
        )
      : unknown(...missingOf(policy, devices));
  const byId = new Map(devices.known ? devices.value.map((d) => [d.id, d] as const) : []);
  const hostDevices = new Set([...topology.hosts.values()].flatMap((h) => h.device ?? []));
  const passages = new Map<string, HostPassage>();
  return {
    topology,
    state,
    declared,
    paths: flowPaths(topology),
    operators,
    tailnet,
    deviceOf: (host) => (host.device === undefined ? undefined : byId.get(host.device)),
    isDeclared: (device) => hostDevices.has(device.id),
    passage(host, which) {
      const key = `${host.name} ${which}`;
      const done = passages.get(key);
      if (done !== undefined) return done;
      const ruleset = state.hosts.get(host.name)?.ruleset ?? unknown(notObserved(host));
      const device = which === 'raw' ? rawLink(topology, host) : undefined;
      const fresh = ruleset.known
        ? passage(ruleset.value, which, device)
        : unknownPassage(which, ruleset.missing, device);
      passages.set(key, fresh);
      return fresh;
    },
  };
}

function notObserved(host: Host): Missing {
  return { source: `host/${host.name}/nft.txt`, why: 'not in the evidence' };
}

/** Why nothing can be said of a host's device: the tailnet does not list it. Empty where it does, or there is none. */
export function unlisted(context: ProofContext, host: Host): readonly Missing[] {
  const { devices } = context.state.tailnet;
  if (host.device === undefined || !devices.known || context.deviceOf(host) !== undefined) return [];
  return [{ source: 'tailnet/devices', why: `device ${host.device} of ${host.name} is not in the list` }];
}
