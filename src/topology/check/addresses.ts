import { type Address, formatAddress } from '../../net/address.ts';
import { containsAddress, formatPrefix, type Prefix } from '../../net/prefix.ts';
import { type Draft, entries, items, quote } from '../load/draft.ts';
import type { Path } from '../load/places.ts';
import {
  isSubnetReserved,
  isTailnetAddress,
  parseHostAddress,
  parseSegmentPrefix,
  reservedAddress,
} from '../ranges.ts';

interface DraftSegment {
  readonly name: string;
  readonly prefixes: readonly Prefix[];
  /** False when a prefix of it could not be read: then nothing is said about being outside. */
  readonly complete: boolean;
}

/** Addresses are addresses, each is one host's, and each stands where its host is said to stand. */
export function checkAddresses(draft: Draft): void {
  const segments = draftSegments(draft);
  const owners = new Map<string, { readonly host: string; readonly path: Path }>();
  for (const [name, host] of entries(draft.data.hosts)) {
    for (const [index, text] of items(host.resolvers)) parse(draft, ['hosts', name, 'resolvers', index], text);
    for (const [index, text] of items(host.addresses)) {
      const path = ['hosts', name, 'addresses', index];
      const address = parse(draft, path, text);
      if (address === undefined) continue;
      claim(draft, owners, name, path, address);
      const why = reservedAddress(address);
      if (why !== undefined) {
        draft.report({
          code: 'topology-reserved-address',
          path,
          message: `${quote(text)} cannot be the address of a host: it ${why}`,
          hint: 'give an address that is the host’s own',
        });
      } else if (isTailnetAddress(address)) {
        if (host.device === undefined && !draft.isBroken(['hosts', name, 'device']))
          offTailnet(draft, name, path, text);
      } else {
        checkSegmentAddress(draft, { name, segment: host.segment }, path, address, segments);
      }
    }
  }
}

function parse(draft: Draft, path: Path, text: string): Address | undefined {
  const address = parseHostAddress(text);
  if (address !== undefined) return address;
  draft.report({
    code: 'topology-bad-address',
    path,
    message: `${quote(text)} is not an address`,
    hint: text.includes('/')
      ? 'leave the prefix length out: the segment has it'
      : text.includes('%')
        ? 'leave the interface out'
        : 'write an IPv4 or IPv6 address, such as 10.77.1.10 or fd77:1::a; names are not looked up',
  });
  return undefined;
}

function claim(
  draft: Draft,
  owners: Map<string, { readonly host: string; readonly path: Path }>,
  host: string,
  path: Path,
  address: Address,
): void {
  const key = formatAddress(address);
  const before = owners.get(key);
  if (before === undefined) {
    owners.set(key, { host, path });
    return;
  }
  draft.report({
    code: 'topology-duplicate-address',
    path,
    message: before.host === host ? `${key} is listed twice` : `${key} is an address of ${before.host} already`,
    hint: before.host === host ? 'remove one of the two' : 'give each host addresses of its own',
    related: [{ span: draft.places.value(before.path), message: `address of ${before.host}` }],
  });
}

function offTailnet(draft: Draft, host: string, path: Path, text: string): void {
  draft.report({
    code: 'topology-tailnet-address',
    path,
    message: `${quote(text)} is a tailnet address, but ${host} has no device`,
    hint: `give ${host} its device, or remove the address`,
  });
}

function checkSegmentAddress(
  draft: Draft,
  host: { readonly name: string; readonly segment: string | undefined },
  path: Path,
  address: Address,
  segments: readonly DraftSegment[],
): void {
  const key = formatAddress(address);
  const holder = segments.find((s) => s.prefixes.some((p) => containsAddress(p, address)));
  const own = segments.find((s) => s.name === host.segment);
  if (holder !== undefined && holder.name !== host.segment) {
    const unclear =
      draft.isBroken(['hosts', host.name, 'segment']) || (host.segment !== undefined && own === undefined);
    if (unclear) return;
    draft.report({
      code: 'topology-address-outside',
      path,
      message: `${key} belongs to segment ${holder.name}, but ${host.name} is ${host.segment === undefined ? 'in no segment' : `in ${host.segment}`}`,
      hint: `put ${host.name} into ${holder.name}, or correct the address`,
      related: [{ span: draft.places.key(['segments', holder.name]), message: `segment ${holder.name}` }],
    });
    return;
  }
  if (own === undefined) return;
  if (holder === undefined && own.complete) {
    draft.report({
      code: 'topology-address-outside',
      path,
      message: `${key} is outside segment ${own.name} (${own.prefixes.map(formatPrefix).join(', ')})`,
      hint: 'correct the address, or add the prefix to the segment',
      related: [{ span: draft.places.key(['segments', own.name]), message: `segment ${own.name}` }],
    });
  }
  if (own.prefixes.some((p) => isSubnetReserved(p, address))) {
    draft.report({
      code: 'topology-reserved-address',
      path,
      message: `${key} is the network’s, broadcast or anycast address of segment ${own.name}`,
      hint: 'give an address in between',
    });
  }
}

function draftSegments(draft: Draft): DraftSegment[] {
  return entries(draft.data.segments).map(([name, segment]) => {
    const list = segment.prefixes ?? [];
    const prefixes = items(list).flatMap(([, text]) => {
      const parsed = parseSegmentPrefix(text);
      return parsed === undefined ? [] : [parsed.prefix];
    });
    return { name, prefixes, complete: list.length > 0 && prefixes.length === list.length };
  });
}
