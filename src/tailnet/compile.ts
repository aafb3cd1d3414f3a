import type { Address } from '../net/address.ts';
import { type NodeAttribute, NodeAttributes } from './attributes/attributes.ts';
import type { CapabilityRule } from './compile/capability-rules.ts';
import { capabilityRules, reversedCapabilities } from './compile/capability-rules.ts';
import { type Classes, classify, type DeviceClass } from './compile/classes.ts';
import { Deliveries, type Delivery } from './compile/deliveries.ts';
import { type FilterRule, filterRules } from './compile/filter-rules.ts';
import { PeerRelation } from './compile/peers.ts';
import { Resolver } from './compile/resolver.ts';
import { type OfferedRoutes, RouteOffers } from './compile/routes.ts';
import { resolveRules, SourceSets } from './compile/rules.ts';
import { listUnmodelled } from './compile/unmodelled.ts';
import type { Device } from './device.ts';
import type { Policy, Unmodelled } from './policy/policy.ts';
import { type SshRule, SshRules } from './ssh/rules.ts';

/** What a policy is applied to. */
export interface TailnetFacts {
  readonly devices: readonly Device[];
  /** In the order of the control plane, which SSH rules for several users follow. */
  readonly users: readonly TailnetUser[];
}

export interface TailnetUser {
  readonly login: string;
  /** `owner`, `admin`, `member`, …; undefined where it is not known. */
  readonly role?: string;
}

/** Devices that no rule tells apart. */
export interface CompiledClass {
  readonly id: number;
  /** Positions in the device list, ascending. */
  readonly members: readonly number[];
  /** In the order of the policy. */
  readonly deliveries: readonly Delivery[];
}

/**
 * A policy as the control plane delivers it. All answers are computed when asked for: selectors and classes of devices
 * once, the rest for the device in question.
 */
export interface CompiledTailnet {
  readonly devices: readonly Device[];
  /** Devices of one number are told apart by no rule; undefined for an unknown id. */
  classOf(deviceId: string): number | undefined;
  /** Those classes, each with the rules its devices receive; what depends on the device itself is not filled in. */
  classes(): readonly CompiledClass[];
  /** Packet filter of a device; empty for an unknown id. */
  rulesOn(deviceId: string): readonly FilterRule[];
  /** Application capabilities that a device receives. */
  capabilitiesOn(deviceId: string): readonly CapabilityRule[];
  /** Ids of the devices in its network map, in the order of `devices`; an upper bound where something is unmodelled. */
  peersOf(deviceId: string): readonly string[];
  /** How many ordered pairs of devices see each other. */
  peerPairs(): number;
  /** Routes that it is given, by peer; an upper bound where something is unmodelled. */
  routesAt(deviceId: string): readonly OfferedRoutes[];
  /** SSH rules of a device: the first that matches a login decides. They open nothing in the packet filter. */
  sshOn(deviceId: string): readonly SshRule[];
  /** Its node attributes, those included that every device has. */
  attributesOn(deviceId: string): readonly NodeAttribute[];
  /** Its addresses as it and its peers know them. */
  addressesOn(deviceId: string): readonly Address[];
  /** Attributes of its peers that it is told, for those peers that have any. */
  peerAttributesAt(
    deviceId: string,
  ): readonly { readonly peer: string; readonly attributes: readonly NodeAttribute[] }[];
  /** What the answers do not cover or only bound from above. With an entry, nothing that it touches is proven. */
  readonly unmodelled: readonly Unmodelled[];
}

/**
 * Compiles a policy for the devices of a tailnet. Devices that wait for authorisation count as if they had it: they
 * are one click away.
 */
export function compileTailnet(policy: Policy, facts: TailnetFacts): CompiledTailnet {
  const { devices } = facts;
  const resolver = new Resolver(policy, devices);
  const rules = resolveRules(policy, resolver);
  const sources = new SourceSets();
  const classes = lazy((): Classes => classify(resolver));
  const deliveries = lazy(() => new Deliveries(rules, classes(), resolver));
  const deliveriesAt = (c: DeviceClass): readonly Delivery[] => deliveries().at(c);
  const peers = lazy(() => new PeerRelation(classes(), resolver, deliveries()));
  const routes = lazy(() => new RouteOffers({ classes: classes(), resolver, peers: peers(), sources, deliveriesAt }));
  // A resolver of their own: what only they name tells no packets apart, and classes are made of all that is resolved.
  const names = lazy(() => new Resolver(policy, devices));
  const ssh = lazy(() => new SshRules(policy, facts.users, names()));
  const attributes = lazy(() => new NodeAttributes(policy, facts, names()));
  const positions = new Map(devices.map((d, i) => [d.id, i]));
  const locate = (id: string) => {
    const position = positions.get(id);
    const device = position === undefined ? undefined : devices[position];
    const c = position === undefined ? undefined : classes().of(position);
    return position === undefined || device === undefined || c === undefined ? undefined : { position, device, c };
  };
  const named = <T>(id: string, answer: (position: number) => readonly T[]): readonly T[] => {
    const position = positions.get(id);
    return position === undefined ? [] : answer(position);
  };
  return {
    devices,
    classOf: (id) => locate(id)?.c.id,
    classes: () => classes().list.map((c) => ({ id: c.id, members: c.members, deliveries: deliveriesAt(c) })),
    rulesOn(id) {
      const at = locate(id);
      return at === undefined ? [] : filterRules(at.device, deliveriesAt(at.c), resolver, sources);
    },
    capabilitiesOn(id) {
      const at = locate(id);
      if (at === undefined) return [];
      return [
        ...capabilityRules(at.device, deliveriesAt(at.c), resolver, sources),
        ...reversedCapabilities(at.device, at.c, rules, resolver, sources),
      ];
    },
    peersOf(id) {
      const at = locate(id);
      return at === undefined
        ? []
        : peers()
            .of(at.position)
            .flatMap((i) => devices[i]?.id ?? []);
    },
    peerPairs: () => peers().pairs(),
    routesAt(id) {
      const at = locate(id);
      return at === undefined ? [] : routes().at(at.position);
    },
    sshOn: (id) => named(id, (position) => ssh().on(position)),
    attributesOn: (id) => named(id, (position) => attributes().on(position)),
    addressesOn: (id) => named(id, (position) => attributes().addresses(position)),
    peerAttributesAt: (id) =>
      named(id, (position) =>
        peers()
          .of(position)
          .flatMap((i) => {
            const shown = attributes().shownToPeers(i);
            return shown.length === 0 ? [] : [{ peer: devices[i]?.id ?? '', attributes: shown }];
          }),
      ),
    unmodelled: listUnmodelled(policy, devices),
  };
}

function lazy<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
