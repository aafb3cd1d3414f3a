import { IntervalSet } from '../../net/interval-set.ts';

/** Every port, 0 included: `*` is 0-65535 on the wire. */
export const ALL_PORTS: IntervalSet = IntervalSet.of([0n, 65535n]);

/** Protocols of a rule that names none (tailscale/tailscale wgengine/filter/tailcfg.go:defaultProtos). */
export const DEFAULT_PROTOCOLS: readonly number[] = [1, 6, 17, 58];

/** Names that the policy syntax knows (Tailscale documentation, "proto"). */
const PROTOCOLS: Readonly<Record<string, number>> = {
  icmp: 1,
  igmp: 2,
  ipv4: 4,
  'ip-in-ip': 4,
  tcp: 6,
  egp: 8,
  igp: 9,
  udp: 17,
  gre: 47,
  esp: 50,
  ah: 51,
  'ipv6-icmp': 58,
  sctp: 132,
};

/** Protocols whose handling was seen in captures of the control plane; rules with others are an upper bound. */
const VALIDATED = new Set([1, 6, 17]);

export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly message: string };

/** Which packets a rule speaks of. */
export interface IpSpec {
  /** IP protocol numbers, ascending; {@link DEFAULT_PROTOCOLS} where the rule names none. */
  readonly protocols: readonly number[];
  readonly ports: IntervalSet;
  /** False: no capture shows what the control plane does with this protocol. */
  readonly validated: boolean;
}

/** `proto` of an acl or test: a name or a number 1..255; empty means the default set. */
export function parseProtocols(text: string): Parsed<readonly number[]> {
  const name = text.trim().toLowerCase();
  if (name === '') return { ok: true, value: DEFAULT_PROTOCOLS };
  const known = Object.hasOwn(PROTOCOLS, name) ? PROTOCOLS[name] : undefined;
  const number = known ?? (/^[0-9]{1,3}$/.test(name) ? Number(name) : 0);
  // The API's words (juanfont/headscale hscontrol/policy/v2/types.go).
  if (/^0[0-9]/.test(name)) return { ok: false, message: 'leading 0 not permitted in protocol number' };
  if (number < 1 || number > 255) {
    const hint = 'use protocol number 0-255 or protocol name (icmp, tcp, udp, etc.)';
    return { ok: false, message: `proto name ${JSON.stringify(text)} not known; ${hint}` };
  }
  return { ok: true, value: [number] };
}

/** Protocols and ports together, with the note whether captures cover them. */
export function ipSpec(protocols: readonly number[], ports: IntervalSet): IpSpec {
  const validated = protocols === DEFAULT_PROTOCOLS || protocols.every((p) => VALIDATED.has(p));
  return { protocols, ports, validated };
}

/**
 * Ports as written behind a destination or in a grant's `ip`: `*`, `22`, `80-90`, or a list of these with commas.
 * The messages are the API's.
 */
export function parsePorts(text: string): Parsed<IntervalSet> {
  if (text === '*') return { ok: true, value: ALL_PORTS };
  let ports = IntervalSet.empty;
  for (const part of text.split(',')) {
    const range = parseRange(part.trim());
    if (!range.ok) return range;
    ports = ports.union(range.value);
  }
  return { ok: true, value: ports };
}

function parseRange(text: string): Parsed<IntervalSet> {
  const refuse = (why: string): Parsed<IntervalSet> => ({ ok: false, message: `port range "${text}": ${why}` });
  if (text === '*') return { ok: true, value: ALL_PORTS };
  const [first = '', second, ...more] = text.split('-');
  if (!isPort(first)) return refuse('invalid first integer');
  if (second !== undefined && (more.length > 0 || !isPort(second))) return refuse('invalid last integer');
  const low = BigInt(first);
  const high = second === undefined ? low : BigInt(second);
  if (low === 0n) return refuse("first port must be >0, or use '*' for wildcard");
  if (high < low) return refuse('last port must be at least the first');
  return { ok: true, value: IntervalSet.of([low, high]) };
}

function isPort(text: string): boolean {
  return /^[0-9]{1,5}$/.test(text) && Number(text) <= 65535;
}

/** One entry of a grant's `ip`: `*`, `443`, `80-90`, `tcp:443`, `icmp:*`. A bare number is a port. */
export function parseIpEntry(written: string): Parsed<IpSpec> {
  const text = written.trim();
  const colon = text.indexOf(':');
  if (colon !== text.lastIndexOf(':')) {
    return { ok: false, message: 'expected only one colon in Internet protocol and port type' };
  }
  const protocols = parseProtocols(colon < 0 ? '' : text.slice(0, colon));
  if (!protocols.ok) return protocols;
  if (colon >= 0 && text.slice(0, colon).trim() === '') return { ok: false, message: `unknown protocol in "${text}"` };
  const ports = parsePorts(text.slice(colon + 1));
  return ports.ok ? { ok: true, value: ipSpec(protocols.value, ports.value) } : ports;
}

/**
 * A destination of an acl, `name:ports`, cut at the last colon as the API does, so `autogroup:self` without ports is
 * refused for its "port" `self`.
 */
export function splitTarget(written: string): { name: string; ports: Parsed<IntervalSet> } {
  const text = written.trim();
  const colon = text.lastIndexOf(':');
  if (colon < 0) return { name: text, ports: { ok: false, message: 'missing port' } };
  const name = text.slice(0, colon).trim();
  const bracketed = /^\[(.*)\]$/.exec(name)?.[1];
  return { name: bracketed ?? name, ports: parsePorts(text.slice(colon + 1).trim()) };
}
