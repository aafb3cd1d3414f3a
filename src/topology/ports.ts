import type { PortRange } from './model.ts';

/** Reads a port (`443`) or a range (`"8000-8010"`); undefined outside 1..65535 and for a range that ends before it starts. */
export function parsePorts(value: number | string): PortRange | undefined {
  const [first, last = first] = String(value).split('-').map(Number);
  if (first === undefined || last === undefined || !isPort(first) || !isPort(last) || last < first) return undefined;
  return { first, last };
}

/** `443` or `8000-8010`: the spelling of grants, and of this format. */
export function formatPorts({ first, last }: PortRange): string {
  return first === last ? String(first) : `${first}-${last}`;
}

/** Sorted, disjoint and non-adjacent ranges that cover the same ports. */
export function normalisePorts(ranges: readonly PortRange[]): PortRange[] {
  const result: PortRange[] = [];
  for (const range of [...ranges].sort((a, b) => a.first - b.first || a.last - b.last)) {
    const last = result.at(-1);
    if (last !== undefined && range.first <= last.last + 1) {
      result[result.length - 1] = { first: last.first, last: Math.max(last.last, range.last) };
    } else {
      result.push(range);
    }
  }
  return result;
}

/** True when a port is in one of the ranges. */
export function hasPort(ranges: readonly PortRange[], port: number): boolean {
  return ranges.some((r) => port >= r.first && port <= r.last);
}

function isPort(n: number): boolean {
  return Number.isInteger(n) && n >= 1 && n <= 65535;
}
