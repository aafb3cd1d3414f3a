import { ADDRESS_BITS, type Address, type Family, formatAddress } from '../../src/net/address.ts';
import { AddressSet } from '../../src/net/address-set.ts';
import type { Interval, IntervalSet } from '../../src/net/interval-set.ts';
import { formatPrefix, prefixOf } from '../../src/net/prefix.ts';
import type { CapabilityRule } from '../../src/tailnet/compile/capability-rules.ts';
import type { FilterRule } from '../../src/tailnet/compile/filter-rules.ts';
import type { CompiledTailnet } from '../../src/tailnet/compile.ts';
import { DEFAULT_PROTOCOLS } from '../../src/tailnet/policy/ports.ts';
import type { SshRule } from '../../src/tailnet/ssh/rules.ts';
import type { CapturedRule, CapturedSsh, DeviceAnswer } from './case.ts';

/** Ranges of more addresses than this are written as ranges: no tailnet of a capture has so many devices. */
const LISTED = 1024n;

/** What the compiler says of one device, in the words of the captures. */
export function answerFor(compiled: CompiledTailnet, device: string): DeviceAnswer {
  const stamped = (attributes: readonly { readonly name: string }[]) =>
    Object.fromEntries(attributes.map((a) => [a.name, null]));
  return {
    rules: [...compiled.rulesOn(device).map(ruleText), ...compiled.capabilitiesOn(device).map(capabilityText)],
    ssh: compiled.sshOn(device).map(sshText),
    peers: [...compiled.peersOf(device)].sort(),
    routes: Object.fromEntries(
      compiled
        .routesAt(device)
        .filter((o) => o.prefixes.length > 0)
        .map((o) => [o.peer, o.prefixes.map(formatPrefix)]),
    ),
    caps: stamped(compiled.attributesOn(device)),
    peerCaps: Object.fromEntries(compiled.peerAttributesAt(device).map((p) => [p.peer, stamped(p.attributes)])),
    addresses: compiled.addressesOn(device).map((a) => formatPrefix(prefixOf(a))),
  };
}

function ruleText({ src, dst, protocols }: FilterRule): CapturedRule {
  const isDefault = protocols.join() === DEFAULT_PROTOCOLS.join();
  return {
    src: addressTexts(src),
    dst: dst.flatMap(({ addresses, ports }) =>
      addressTexts(addresses).flatMap((address) => portTexts(ports).map((port): [string, string] => [address, port])),
    ),
    ...(isDefault ? {} : { proto: [...protocols] }),
  };
}

function capabilityText({ src, dst, name, values }: CapabilityRule): CapturedRule {
  return { src: addressTexts(src), cap: [{ dst: dst.toPrefixes().map(formatPrefix), caps: { [name]: values } }] };
}

function sshText({ action, from, users, acceptEnv }: SshRule): CapturedSsh {
  return {
    action,
    from: addressTexts(from, LISTED),
    users: Object.fromEntries(users),
    ...(acceptEnv.length === 0 ? {} : { acceptEnv: [...acceptEnv] }),
  };
}

/** Addresses, prefixes and ranges; ranges of at most `listed` addresses one by one. */
function addressTexts(set: AddressSet, listed = 1n): string[] {
  if (set.equals(AddressSet.all)) return ['*'];
  return ([4, 6] as const).flatMap((family) =>
    (family === 4 ? set.v4 : set.v6).intervals.flatMap((interval) => intervalTexts(family, interval, listed)),
  );
}

function intervalTexts(family: Family, [low, high]: Interval, listed: bigint): string[] {
  const at = (value: bigint): Address => ({ family, value });
  const size = high - low + 1n;
  if (size <= listed) return Array.from({ length: Number(size) }, (_, i) => formatAddress(at(low + BigInt(i))));
  const hostBits = size.toString(2).length - 1;
  const isPrefix = size === 1n << BigInt(hostBits) && low % size === 0n;
  if (isPrefix) return [formatPrefix({ family, first: low, length: ADDRESS_BITS[family] - hostBits })];
  return [`${formatAddress(at(low))}-${formatAddress(at(high))}`];
}

function portTexts(ports: IntervalSet): string[] {
  return ports.intervals.map(([low, high]) => {
    if (low === 0n && high === 65535n) return '*';
    return low === high ? `${low}` : `${low}-${high}`;
  });
}
