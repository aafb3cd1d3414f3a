import { AddressSet } from '../../../src/net/address-set.ts';
import type { Prefix } from '../../../src/net/prefix.ts';
import type { CapabilityRule } from '../../../src/tailnet/compile/capability-rules.ts';
import type { OfferedRoutes } from '../../../src/tailnet/compile/routes.ts';
import type { CompiledTailnet, TailnetFacts } from '../../../src/tailnet/compile.ts';
import { approvedRoutes, type Device, isExitRoute, samePrefix } from '../../../src/tailnet/device.ts';
import type { PolicyRule } from '../../../src/tailnet/policy/policy.ts';
import { ALL_PORTS, DEFAULT_PROTOCOLS } from '../../../src/tailnet/policy/ports.ts';
import { type Compile, onAnswers, onFacts, onPolicy } from './wrong.ts';

/** Compilers that get peers, routes or application capabilities wrong. */
export const visibilityMutants: Readonly<Record<string, Compile>> = {
  'peers are seen one way': onAnswers((right, _policy, facts) => ({
    peersOf: (id) => right.peersOf(id).filter((peer) => admits(right, facts, peer, id)),
  })),
  'a device sees its clients only': onAnswers((right, _policy, facts) => ({
    peersOf: (id) => right.peersOf(id).filter((peer) => admits(right, facts, id, peer)),
  })),
  'everybody sees everybody': onAnswers((right) => ({
    peersOf: (id) => right.devices.flatMap((d) => (d.id === id ? [] : [d.id])),
  })),
  'subnets behind a router make it nobody’s peer': onAnswers((right, _policy, facts) => ({
    peersOf: (id) =>
      right
        .peersOf(id)
        .filter((peer) => admits(right, facts, id, peer) || admits(right, facts, peer, id) || hasCapability(right, id)),
  })),
  'capabilities make no peers': onPolicy((policy) => ({
    ...policy,
    rules: policy.rules.map((rule): PolicyRule => (rule.hasIp ? rule : { ...rule, dst: [] })),
  })),
  'routes reach everybody who sees the router': onAnswers((right, _policy, facts) => ({
    routesAt: (id) =>
      right.peersOf(id).flatMap((peer) => {
        const prefixes = deviceOf(facts, peer)?.primaryRoutes ?? [];
        return prefixes.length === 0 ? [] : [{ peer, prefixes, maybe: [] }];
      }),
  })),
  'the way back needs no route': onRoutes((offered, id, right, facts) =>
    offered.filter((o) => admits(right, facts, o.peer, id)),
  ),
  'a standby router is given no routes of its primary': onRoutes((offered, id, _right, facts) =>
    deviceOf(facts, id)?.primaryRoutes?.length === 0 && routesOf(facts, id).length > 0 ? [] : offered,
  ),
  'the first router of a network is the one in use': onFacts((device) => ({
    ...device,
    primaryRoutes: approvedRoutes(device).filter((r) => !isExitRoute(r)),
  })),
  'via steers nobody away from the primary router': onRoutes((offered, _id, _right, facts) =>
    offered.flatMap((o) => {
      const primary = deviceOf(facts, o.peer)?.primaryRoutes ?? [];
      const prefixes = o.prefixes.filter((p) => isExitRoute(p) || primary.some((r) => samePrefix(r, p)));
      return prefixes.length === 0 ? [] : [{ ...o, prefixes }];
    }),
  ),
  'exit routes are never offered': onRoutes((offered) =>
    offered.flatMap((o) => {
      const prefixes = o.prefixes.filter((p) => !isExitRoute(p));
      return prefixes.length === 0 ? [] : [{ ...o, prefixes }];
    }),
  ),
  'exit routes reach every peer': onRoutes((offered, id, right, facts) => [
    ...offered,
    ...right.peersOf(id).flatMap((peer) => {
      const prefixes = routesOf(facts, peer).filter(isExitRoute);
      return prefixes.length === 0 ? [] : [{ peer, prefixes, maybe: [] }];
    }),
  ]),
  'capabilities are not delivered': onAnswers(() => ({ capabilitiesOn: () => [] })),
  'capabilities lose their values': onCapabilities((rule) => [{ ...rule, values: null }]),
  'a capability without values has an empty one': onCapabilities((rule) => [
    { ...rule, values: Array.isArray(rule.values) && rule.values.length === 0 ? [{}] : rule.values },
  ]),
  'nobody is told that his folder is shared': onCapabilities((rule) =>
    rule.name.endsWith('drive-sharer') ? [] : [rule],
  ),
  'a capability is for every address': onCapabilities((rule) => [{ ...rule, dst: AddressSet.all }]),
  'an application grant opens all ports': onPolicy((policy) => ({
    ...policy,
    rules: policy.rules.map((rule) =>
      rule.app.length === 0
        ? rule
        : {
            ...rule,
            hasIp: true,
            dst: rule.dst.map((t) => ({
              ...t,
              ip: [{ protocols: DEFAULT_PROTOCOLS, ports: ALL_PORTS, validated: true }],
            })),
          },
    ),
  })),
  'an application grant with via is delivered': onPolicy((policy) => ({
    ...policy,
    rules: policy.rules.map((rule): PolicyRule => (rule.app.length === 0 ? rule : { ...rule, via: [] })),
  })),
};

function deviceOf(facts: TailnetFacts, id: string): Device | undefined {
  return facts.devices.find((d) => d.id === id);
}

function routesOf(facts: TailnetFacts, id: string): readonly Prefix[] {
  const device = deviceOf(facts, id);
  return device === undefined ? [] : approvedRoutes(device);
}

function meets(src: AddressSet, device: Device | undefined): boolean {
  return device?.addresses.some((a) => src.contains(a)) ?? false;
}

/** Whether a packet rule on `to` has a source that is an address of `from`. */
function admits(right: CompiledTailnet, facts: TailnetFacts, to: string, from: string): boolean {
  return right.rulesOn(to).some((r) => meets(r.src, deviceOf(facts, from)));
}

function hasCapability(right: CompiledTailnet, id: string): boolean {
  return right.capabilitiesOn(id).length > 0;
}

function onRoutes(
  change: (
    offered: readonly OfferedRoutes[],
    id: string,
    right: CompiledTailnet,
    facts: TailnetFacts,
  ) => readonly OfferedRoutes[],
): Compile {
  return onAnswers((right, _policy, facts) => ({
    routesAt: (id) => change(right.routesAt(id), id, right, facts),
  }));
}

function onCapabilities(change: (rule: CapabilityRule) => readonly CapabilityRule[]): Compile {
  return onAnswers((right) => ({ capabilitiesOn: (id) => right.capabilitiesOn(id).flatMap(change) }));
}
