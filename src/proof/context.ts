import { type Known, known, missingOf, unknown } from '../state/known.ts';
import type { State } from '../state/state.ts';
import type { Device } from '../tailnet/device.ts';
import type { Host, Topology } from '../topology/model.ts';
import { type FlowPath, flowPaths } from './intent.ts';
import { type HostPassage, type Passage, passage, unknownPassage } from './relations/host.ts';
import { type TailnetReach, tailnetReach } from './relations/tailnet.ts';
import { buildUniverse } from './relations/universe.ts';

/** One state with the topology it is held against, and what both imply; computed once for all claims. */
export interface ProofContext {
  readonly topology: Topology;
  readonly state: State;
  readonly paths: readonly FlowPath[];
  readonly tailnet: Known<TailnetReach>;
  /** The observed (or declared) device of a host: the one with its node id. */
  deviceOf(host: Host): Device | undefined;
  /** What passes a host. */
  passage(host: Host, which: Passage): HostPassage;
}

/** Prepares a proof; does no deciding itself. */
export function proofContext(topology: Topology, state: State): ProofContext {
  const { policy, devices } = state.tailnet;
  const tags = [...topology.roles.values()].map((r) => r.tag);
  const tailnet =
    policy.known && devices.known
      ? known(tailnetReach(policy.value.policy, buildUniverse(devices.value, [policy.value.policy], tags)))
      : unknown(...missingOf(policy, devices));
  const byId = new Map(devices.known ? devices.value.map((d) => [d.id, d] as const) : []);
  const passages = new Map<string, HostPassage>();
  return {
    topology,
    state,
    paths: flowPaths(topology),
    tailnet,
    deviceOf: (host) => (host.device === undefined ? undefined : byId.get(host.device)),
    passage(host, which) {
      const key = `${host.name} ${which}`;
      const done = passages.get(key);
      if (done !== undefined) return done;
      const ruleset = state.hosts.get(host.name)?.ruleset ?? unknown(notObserved(host));
      const fresh = ruleset.known ? passage(ruleset.value, which) : unknownPassage(which, ruleset.missing);
      passages.set(key, fresh);
      return fresh;
    },
  };
}

function notObserved(host: Host) {
  return { source: `host/${host.name}/nft.txt`, why: 'not in the evidence' };
}
