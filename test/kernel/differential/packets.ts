import { parseAddress } from '../../../src/net/address.ts';
import type { Random } from './random.ts';

/** What a packet of the comparison is and how it gets into the kernel. */
export interface TestPacket {
  /** As `cordon host eval` takes it, without the hook and the interfaces. */
  readonly fields: Readonly<Record<string, unknown>>;
  readonly way: Way;
  readonly family: 4 | 6;
  readonly uid: number;
  readonly mark: number;
  /** The whole IP packet. */
  readonly bytes: Buffer;
  /** Packets that make the connection before the ruleset is loaded: the same, and its answer. */
  readonly before: readonly { readonly way: Way; readonly bytes: Buffer }[];
}

/** `in` from t0 to the host, `through` from t0 to t1, `back` from t1 to t0, `out` from the host to t0. */
export type Way = 'in' | 'through' | 'back' | 'out';

export const MARKS: readonly number[] = [0, 1, 0x10, 0x80000, 0xff0005];
export const UIDS: readonly number[] = [0, 1000, 2000];
const DSCP_UNTRACKED = 0x28;
/** The mark of an arriving packet is told by its time to live. */
export const FIRST_TTL = 70;

const ADDRESSES = {
  4: { host: '10.9.0.1', near: ['10.9.0.2', '10.9.0.3', '10.9.0.4'], far: ['10.9.1.2', '10.9.1.3', '10.9.1.4'] },
  6: { host: 'fd09::1', near: ['fd09::2', 'fd09::3', 'fd09::4'], far: ['fd09:1::2', 'fd09:1::3', 'fd09:1::4'] },
} as const;

export const PORTS: readonly number[] = [22, 53, 80, 443, 8080, 11434];

interface Header {
  readonly family: 4 | 6;
  readonly src: string;
  readonly dst: string;
  readonly proto: number;
  readonly dscp: number;
  readonly ttl: number;
}

type Fields = { sport: number; dport: number; tcpFlags: number; icmpType: number; icmpCode: number };

/** One random packet; `index` makes its flow unlike every other and its length tells it in the trace. */
export function randomPacket(random: Random, ways: readonly Way[], index: number, length: number): TestPacket {
  const family = random.pick([4, 4, 6] as const);
  const way = random.pick(ways);
  const [src, dst] = addresses(random, family, way);
  const protocol = random.pick(['tcp', 'tcp', 'udp', 'udp', 'icmp'] as const);
  const proto = protocol === 'tcp' ? 6 : protocol === 'udp' ? 17 : family === 4 ? 1 : 58;
  const markIndex = random.below(MARKS.length);
  const mark = MARKS[markIndex] ?? 0;
  const uid = way === 'out' ? random.pick(UIDS) : 0;
  const state = random.pick(['new', 'new', 'established', 'reply', 'untracked', 'invalid'] as const);
  const unique = 20000 + (index % 40000);
  const port = random.pick(PORTS);
  const isReply = state === 'reply' && protocol !== 'icmp';
  const fields: Fields = {
    sport: isReply ? port : unique,
    dport: isReply ? unique : port,
    ...transport(random, family, state),
  };
  const ctState = stateOf(protocol, state);
  const header = {
    family,
    src,
    dst,
    proto,
    dscp: ctState === 'untracked' ? DSCP_UNTRACKED : 0,
    ttl: FIRST_TTL + markIndex,
  };
  const bytes = packet(header, fields, index, length);
  const direction =
    ctState === 'established' ? (isReply ? 'reply' : 'original') : ctState === 'new' ? 'original' : undefined;
  const connection = direction === undefined ? {} : { ctDirection: direction, ctMark: ctState === 'new' ? 0 : mark };
  return {
    way,
    family,
    uid,
    mark,
    bytes,
    fields: {
      src,
      dst,
      proto,
      mark,
      ctState,
      ...connection,
      ...(protocol === 'icmp'
        ? { icmpType: fields.icmpType, icmpCode: fields.icmpCode }
        : { sport: fields.sport, dport: fields.dport }),
      ...(protocol === 'tcp' ? { tcpFlags: fields.tcpFlags } : {}),
      ...(way === 'out' ? { skuid: uid } : {}),
    },
    before: ctState === 'established' ? connectionOf(header, fields, way, isReply) : [],
  };
}

function addresses(random: Random, family: 4 | 6, way: Way): readonly [string, string] {
  const { host, near, far } = ADDRESSES[family];
  switch (way) {
    case 'in':
      return [random.pick(near), host];
    case 'out':
      return [host, random.pick(near)];
    case 'through':
      return [random.pick(near), random.pick(far)];
    case 'back':
      return [random.pick(far), random.pick(near)];
  }
}

const ACK = 0x10;
const SYN = 0x02;

/** What makes the state: a SYN is new, an ACK of nobody's connection invalid (nf_conntrack_tcp_loose is 0). */
function transport(random: Random, family: 4 | 6, state: string): Omit<Fields, 'sport' | 'dport'> {
  const tracked = state === 'established' || state === 'reply';
  const anyFlags = random.pick([SYN, ACK, SYN | ACK, 0x01 | ACK, 0x04, 0x18, 0, 0x3f, SYN | 0x01]);
  const invalid = random.pick([ACK, SYN | ACK, 0x18, 0x01 | ACK, 0x04]);
  const flags = tracked ? random.pick([ACK, 0x18]) : state === 'new' ? SYN : state === 'invalid' ? invalid : anyFlags;
  const [request, answer] = family === 4 ? [8, 0] : [128, 129];
  const isRequest = state === 'new' || state === 'established' || state === 'untracked';
  return { tcpFlags: flags, icmpType: isRequest ? request : answer, icmpCode: 0 };
}

/** What connection tracking makes of it; echo requests of known connections are new here, answers of none invalid. */
function stateOf(protocol: string, state: string): string {
  if (state === 'untracked') return 'untracked';
  if (protocol === 'icmp') return state === 'new' || state === 'established' ? 'new' : 'invalid';
  if (protocol === 'udp' && state === 'invalid') return 'new';
  return state === 'reply' ? 'established' : state;
}

function connectionOf(header: Header, fields: Fields, way: Way, isReply: boolean): TestPacket['before'] {
  const turned: Record<Way, Way> = { in: 'out', out: 'in', through: 'back', back: 'through' };
  const same = { way, bytes: packet(header, { ...fields, tcpFlags: ACK }, 0, 60) };
  const back: Header = { ...header, src: header.dst, dst: header.src };
  const ports = { ...fields, sport: fields.dport, dport: fields.sport, tcpFlags: ACK };
  const answer = { way: turned[way], bytes: packet(back, ports, 0, 60) };
  return isReply ? [answer, same] : [same, answer];
}

/** The bytes of an IP packet of this total length (without the IPv6 header, as nft prints it). */
export function packet(header: Header, fields: Fields, id: number, length: number): Buffer {
  const { family, proto } = header;
  const size = family === 4 ? length - 20 : length;
  const body = Buffer.alloc(size);
  if (proto === 1 || proto === 58) {
    body.writeUInt8(fields.icmpType, 0);
    body.writeUInt8(fields.icmpCode, 1);
    body.writeUInt16BE(fields.sport & 0xffff, 4);
    body.writeUInt16BE(id & 0xffff, 6);
  } else {
    body.writeUInt16BE(fields.sport, 0);
    body.writeUInt16BE(fields.dport, 2);
    if (proto === 17) body.writeUInt16BE(size, 4);
    else {
      body.writeUInt32BE(1000, 4);
      body.writeUInt32BE(fields.tcpFlags & ACK ? 1000 : 0, 8);
      body.writeUInt8(5 << 4, 12);
      body.writeUInt8(fields.tcpFlags, 13);
      body.writeUInt16BE(1024, 14);
    }
  }
  return Buffer.concat([family === 4 ? header4(header, length, id) : header6(header, size), body]);
}

function header4({ src, dst, proto, dscp, ttl }: Header, length: number, id: number): Buffer {
  const h = Buffer.alloc(20);
  h.writeUInt8(0x45, 0);
  h.writeUInt8(dscp << 2, 1);
  h.writeUInt16BE(length, 2);
  h.writeUInt16BE(id & 0xffff, 4);
  h.writeUInt8(ttl, 8);
  h.writeUInt8(proto, 9);
  h.writeUInt32BE(Number(numberOf(src)), 12);
  h.writeUInt32BE(Number(numberOf(dst)), 16);
  let sum = 0;
  for (let i = 0; i < 20; i += 2) sum += h.readUInt16BE(i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  h.writeUInt16BE(~sum & 0xffff, 10);
  return h;
}

function header6({ src, dst, proto, dscp, ttl }: Header, size: number): Buffer {
  const h = Buffer.alloc(40);
  h.writeUInt32BE(((6 << 28) | (dscp << 22)) >>> 0, 0);
  h.writeUInt16BE(size, 4);
  h.writeUInt8(proto, 6);
  h.writeUInt8(ttl, 7);
  Buffer.from(numberOf(src).toString(16).padStart(32, '0'), 'hex').copy(h, 8);
  Buffer.from(numberOf(dst).toString(16).padStart(32, '0'), 'hex').copy(h, 24);
  return h;
}

function numberOf(text: string): bigint {
  const address = parseAddress(text);
  if (address === undefined) throw new Error(`no address: ${text}`);
  return address.value;
}
