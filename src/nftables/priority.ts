import type { Hook, TableFamily } from './ruleset.ts';

interface NamedPriority {
  readonly name: string;
  readonly value: number;
  /** Undefined: at every hook. */
  readonly hook?: Hook;
}

/** nft(8), "Standard priority names": inet, ip, ip6, arp, netdev. */
const STANDARD: readonly NamedPriority[] = [
  { name: 'raw', value: -300 },
  { name: 'mangle', value: -150 },
  { name: 'dstnat', value: -100, hook: 'prerouting' },
  { name: 'filter', value: 0 },
  { name: 'security', value: 50 },
  { name: 'srcnat', value: 100, hook: 'postrouting' },
];

/** nft(8), "Standard priority names": bridge. */
const BRIDGE: readonly NamedPriority[] = [
  { name: 'dstnat', value: -300, hook: 'prerouting' },
  { name: 'filter', value: -200 },
  { name: 'out', value: 100, hook: 'output' },
  { name: 'srcnat', value: 300, hook: 'postrouting' },
];

/** nft names a priority that is at most this far from a standard one (rule.c prio2str). */
const REACH = 10;

function namesAt(family: TableFamily, hook: Hook): readonly NamedPriority[] {
  if (family === 'bridge') return BRIDGE.filter((p) => p.hook === undefined || p.hook === hook);
  // arp and netdev tables know `filter` only (rule.c std_prio_lookup).
  if (family === 'arp' || family === 'netdev') return STANDARD.filter((p) => p.name === 'filter');
  return STANDARD.filter((p) => p.hook === undefined || p.hook === hook);
}

/** The priority as nft prints it: `300`, `filter`, `mangle + 10`. */
export function printPriority(family: TableFamily, hook: Hook, priority: number): string {
  const near = namesAt(family, hook).find((p) => Math.abs(priority - p.value) <= REACH);
  if (near === undefined) return String(priority);
  const offset = priority - near.value;
  if (offset === 0) return near.name;
  return `${near.name} ${offset > 0 ? '+' : '-'} ${Math.abs(offset)}`;
}

/** Reads what `printPriority` writes; undefined when it is no priority at this hook. */
export function parsePriority(family: TableFamily, hook: Hook, text: string): number | undefined {
  if (/^-?[0-9]{1,10}$/.test(text)) return Number(text);
  const parts = /^([a-z]+)(?: ([+-]) ([0-9]{1,10}))?$/.exec(text);
  const named = namesAt(family, hook).find((p) => p.name === parts?.[1]);
  if (parts === null || named === undefined) return undefined;
  const offset = Number(parts[3] ?? 0);
  return named.value + (parts[2] === '-' ? -offset : offset);
}
