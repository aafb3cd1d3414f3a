import { LAST_VALUE, parseAddress } from '../../src/net/address.ts';
import { AddressSet } from '../../src/net/address-set.ts';
import { type Interval, IntervalSet } from '../../src/net/interval-set.ts';
import { parsePrefix } from '../../src/net/prefix.ts';
import type { CapturedRule } from './case.ts';

/** Packets of one label (a protocol, or a capability with its value): a box over source, destination and port. */
export interface Box {
  readonly label: string;
  readonly src: AddressSet;
  readonly dst: AddressSet;
  readonly ports: IntervalSet;
}

const ALL_PORTS = IntervalSet.of([0n, 65535n]);
const DEFAULT_PROTOCOLS = [1, 6, 17, 58];

/** The captured rules as boxes; an absent protocol list is the client's default set. */
export function capturedBoxes(rules: readonly CapturedRule[]): Box[] {
  return rules.flatMap((rule) => {
    const src = addresses(rule.src);
    const packets = (rule.dst ?? []).flatMap(([dst, ports]) =>
      (rule.proto ?? DEFAULT_PROTOCOLS).map((p) => ({
        label: `${p}`,
        src,
        dst: addresses([dst]),
        ports: portSet(ports),
      })),
    );
    const caps = (rule.cap ?? []).flatMap(({ dst, caps }) =>
      Object.entries(caps).map(([name, values]) => ({
        label: capabilityLabel(name, values),
        src,
        dst: addresses(dst),
        ports: ALL_PORTS,
      })),
    );
    return [...packets, ...caps];
  });
}

/** Canonical label of a capability and its value. */
export function capabilityLabel(name: string, values: unknown): string {
  return `${name} ${JSON.stringify(values, (_, v: unknown) => sorted(v))}`;
}

function sorted(value: unknown): unknown {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * Compares two unions of boxes exactly: every axis is cut at all interval ends of both sides, then cell by cell.
 * @returns undefined when they mean the same, else one cell that only one side has
 */
export function firstDifference(got: readonly Box[], want: readonly Box[]): string | undefined {
  for (const label of new Set([...got, ...want].map((b) => b.label))) {
    const sides = [got, want].map((side) => side.filter((b) => b.label === label).map(axes));
    const cuts = ([0, 1, 2] as const).map((axis) => cutPoints(sides.flat().map((b) => b[axis])));
    const [srcCuts = [], dstCuts = [], portCuts = []] = cuts;
    const [gotCells = new Set<number>(), wantCells = new Set<number>()] = sides.map((boxes) => cells(boxes, cuts));
    const odd = [...gotCells].find((c) => !wantCells.has(c)) ?? [...wantCells].find((c) => !gotCells.has(c));
    if (odd === undefined) continue;
    const port = portCuts[odd % portCuts.length];
    const dst = dstCuts[Math.floor(odd / portCuts.length) % dstCuts.length];
    const src = srcCuts[Math.floor(odd / portCuts.length / dstCuts.length)];
    const side = gotCells.has(odd) ? 'only ours' : 'only captured';
    return `${side}: ${label} ${show(src)} -> ${show(dst)} port ${port}`;
  }
  return undefined;
}

type Axes = readonly [readonly Interval[], readonly Interval[], readonly Interval[]];

/** Both families on one line: IPv6 begins after IPv4. */
const V6 = LAST_VALUE[4] + 1n;

function axes(box: Box): Axes {
  const line = (set: AddressSet) => [
    ...set.v4.intervals,
    ...set.v6.intervals.map(([low, high]): Interval => [low + V6, high + V6]),
  ];
  return [line(box.src), line(box.dst), box.ports.intervals];
}

function show(value: bigint | undefined): string {
  if (value === undefined) return 'none';
  return value < V6 ? `v4:${value.toString(16)}` : `v6:${(value - V6).toString(16)}`;
}

/** Starts of the elementary intervals, ascending. */
function cutPoints(intervals: readonly (readonly Interval[])[]): bigint[] {
  const points = new Set(intervals.flat().flatMap(([low, high]) => [low, high + 1n]));
  return [...points].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

function cells(boxes: readonly Axes[], cuts: readonly (readonly bigint[])[]): Set<number> {
  const [srcCuts = [], dstCuts = [], portCuts = []] = cuts;
  const found = new Set<number>();
  for (const [src, dst, ports] of boxes) {
    const [ss, ds, ps] = [within(src, srcCuts), within(dst, dstCuts), within(ports, portCuts)];
    for (const s of ss)
      for (const d of ds) for (const p of ps) found.add((s * dstCuts.length + d) * portCuts.length + p);
  }
  return found;
}

function within(intervals: readonly Interval[], cuts: readonly bigint[]): number[] {
  return cuts.flatMap((cut, i) => (intervals.some(([low, high]) => cut >= low && cut <= high) ? [i] : []));
}

function addresses(texts: readonly string[]): AddressSet {
  return texts.reduce((sum, text) => sum.union(addressSet(text)), AddressSet.empty);
}

function addressSet(text: string): AddressSet {
  if (text === '*') return AddressSet.all;
  const prefix = parsePrefix(text)?.prefix;
  if (prefix !== undefined) return AddressSet.ofPrefixes(prefix);
  const [first, last] = text.split('-').map(parseAddress);
  if (first === undefined || last === undefined) throw new Error(`capture with an unreadable address: ${text}`);
  return AddressSet.ofRange(first, last);
}

function portSet(text: string): IntervalSet {
  if (text === '*') return ALL_PORTS;
  const [first = '', last = first] = text.split('-');
  return IntervalSet.of([BigInt(first), BigInt(last)]);
}
