import { z } from 'zod';
import { type Address, parseAddress } from '../net/address.ts';
import { bad, Problems, type Read } from './read.ts';

/** One network interface. */
export interface Link {
  readonly index: number;
  readonly name: string;
  /** `veth`, `bridge`, `tun`, `wireguard` …; undefined for hardware. */
  readonly kind: string | undefined;
  /** As `ip` prints them: `UP`, `LOOPBACK`, `MULTICAST`, … */
  readonly flags: readonly string[];
  readonly mtu: number;
  /** Bridge or bond that it is a port of. */
  readonly master: string | undefined;
  /** It ends in another network namespace. */
  readonly leadsElsewhere: boolean;
  readonly addresses: readonly LinkAddress[];
}

export interface LinkAddress {
  readonly address: Address;
  readonly prefixLength: number;
  /** `global`, `link`, `host`. */
  readonly scope: string;
}

const addressInfo = z.looseObject({
  family: z.string(),
  local: z.string().optional(),
  prefixlen: z.int().min(0).max(128).optional(),
  scope: z.string().optional(),
});

const linkInfo = z.looseObject({
  ifindex: z.int().positive(),
  ifname: z.string().min(1),
  flags: z.array(z.string()),
  mtu: z.int(),
  master: z.string().optional(),
  link_netnsid: z.int().optional(),
  linkinfo: z.looseObject({ info_kind: z.string().optional() }).optional(),
  addr_info: z.array(addressInfo),
});

const empty = z.strictObject({});

/** Reads `host/NAME/links`: the JSON of `ip -json -details address show` (iproute2 ip/ipaddress.c). */
export function readLinks(value: unknown): Read<readonly Link[]> {
  if (!Array.isArray(value)) return bad('the body is not a list of links');
  const problems = new Problems();
  const links = value.flatMap((item: unknown, i): Link[] => {
    // `ip` prints an empty object for what a filter left out.
    if (empty.safeParse(item).success) return [];
    const parsed = linkInfo.safeParse(item);
    if (!parsed.success) return problems.add(`link ${i} cannot be read`) ?? [];
    const { ifindex, ifname, flags, mtu, master, link_netnsid, linkinfo, addr_info } = parsed.data;
    const addresses = addr_info.flatMap((info): LinkAddress[] => {
      if (info.family !== 'inet' && info.family !== 'inet6') return [];
      const address = parseAddress(info.local ?? '');
      if (address === undefined || info.prefixlen === undefined || info.scope === undefined) {
        return problems.add(`an address of ${ifname} cannot be read`) ?? [];
      }
      return [{ address, prefixLength: info.prefixlen, scope: info.scope }];
    });
    const leadsElsewhere = link_netnsid !== undefined;
    return [{ index: ifindex, name: ifname, kind: linkinfo?.info_kind, flags, mtu, master, leadsElsewhere, addresses }];
  });
  if (links.length === 0) problems.add('no link at all, not even loopback');
  return problems.over(links);
}
