import fc from 'fast-check';
import { PacketSet } from '../../../src/net/packet-set.ts';
import { containsPrefix, parsePrefix } from '../../../src/net/prefix.ts';
import type { CompiledTailnet } from '../../../src/tailnet/compile.ts';
import { approvedRoutes, type Device } from '../../../src/tailnet/device.ts';
import { rulePackets } from '../../../src/tailnet/filter.ts';
import { device } from '../../tailnet/support.ts';

/** Small tailnets that are dense in what matters: shared owners, several tags, nested and shared routes, exit nodes. */

const SUBNETS = ['10.1.0.0/16', '10.1.2.0/24', '10.2.0.0/16', '0.0.0.0/0'];
const owners = fc.constantFrom('tag:a', 'tag:b', 'tag:a,tag:b', 'ada@x.example', 'bob@x.example', 'eve@y.example');

/** @param overlay whether a route may hold tailnet addresses, which no capture shows */
export function devices(overlay = true): fc.Arbitrary<Device[]> {
  const routes = overlay ? [...SUBNETS, '100.64.0.0/28'] : SUBNETS;
  return fc
    .array(fc.tuple(owners, fc.subarray(routes, { maxLength: 2 })), { minLength: 2, maxLength: 7 })
    .map((list) => list.map(([owner, approved], i) => device(`d${i}`, i + 1, owner, { approved })));
}

/** With the router that is in use for each subnet: the last of those that serve it. */
export function withPrimaries(list: readonly Device[]): Device[] {
  return list.map((d, i) => {
    const later = list.slice(i + 1).flatMap(approvedRoutes);
    return {
      ...d,
      primaryRoutes: approvedRoutes(d).filter((r) => !later.some((o) => r.length === o.length && containsPrefix(o, r))),
    };
  });
}

/** Names whose meaning is known exactly. */
export const SOURCES = [
  '*',
  'tag:a',
  'tag:b',
  'group:g',
  'ada@x.example',
  'autogroup:member',
  'autogroup:tagged',
  'autogroup:danger-all',
  '100.64.0.2',
  '10.1.0.0/16',
  '10.1.2.9',
] as const;
export const TARGETS = [
  '*',
  'tag:a',
  'tag:b',
  'group:g',
  'bob@x.example',
  'autogroup:member',
  'autogroup:internet',
  '100.64.0.1',
  '10.1.0.0/16',
  '10.1.2.0/25',
  '10.0.0.0/8',
] as const;

/** Names that are only bounded from above. */
const VAGUE_SOURCES = ['autogroup:admin', 'nohost'] as const;
const VAGUE_TARGETS = ['svc:web'] as const;

/** An entry of `grants`. */
export interface Grant {
  readonly src: readonly string[];
  readonly dst: readonly string[];
  readonly ip: readonly string[];
  readonly via?: readonly string[];
}

const ips = fc.subarray(['*', 'tcp:80', 'udp:53', '22-23', 'icmp:*'], { minLength: 1, maxLength: 2 });

function grantOf(sources: readonly string[], targets: readonly string[]): fc.Arbitrary<Grant> {
  const lists = fc.record({
    src: fc.array(fc.constantFrom(...sources), { minLength: 1, maxLength: 2 }),
    dst: fc.array(fc.constantFrom(...targets), { minLength: 1, maxLength: 2 }),
    ip: ips,
  });
  const self = fc.record({
    src: fc.constantFrom(['group:g'], ['autogroup:member'], ['ada@x.example']),
    dst: fc.constant(['autogroup:self']),
    ip: ips,
  });
  const via = lists.map((grant) => ({ ...grant, via: ['tag:a'] }));
  return fc.oneof({ weight: 6, arbitrary: lists }, { weight: 1, arbitrary: self }, { weight: 1, arbitrary: via });
}

/** A grant whose meaning is known exactly, and any grant. */
export const exactGrant = grantOf(SOURCES, TARGETS);
export const grant = grantOf([...SOURCES, ...VAGUE_SOURCES], [...TARGETS, ...VAGUE_TARGETS]);

export function listOf(one: fc.Arbitrary<Grant>): fc.Arbitrary<Grant[]> {
  return fc.array(one, { minLength: 1, maxLength: 4 });
}

export const GROUPS: Readonly<Record<string, readonly string[]>> = { 'group:g': ['ada@x.example', 'eve@y.example'] };

/** A policy with these grants. */
export function policyWith(grants: readonly Grant[]) {
  return { groups: GROUPS, tagOwners: { 'tag:a': [], 'tag:b': [] }, grants };
}

/** The packets that a device's rules let in; of the rules that are certain only, if asked. */
export function packetsInto(tailnet: CompiledTailnet, id: string, onlyExact = false): PacketSet {
  return PacketSet.unionAll(
    tailnet
      .rulesOn(id)
      .filter((r) => r.exact || !onlyExact)
      .map(rulePackets),
  );
}

/** A device's part of a compiled policy: packets, certain packets, peers, routes. Equal where the meaning is. */
export function meaningFor(tailnet: CompiledTailnet, id: string) {
  return {
    packets: packetsInto(tailnet, id),
    certain: packetsInto(tailnet, id, true),
    peers: [...tailnet.peersOf(id)].sort(),
    routes: tailnet.routesAt(id),
  };
}

export const prefix = (text: string) => parsePrefix(text)?.prefix;
