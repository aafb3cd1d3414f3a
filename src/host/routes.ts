import { z } from 'zod';
import { type Address, parseAddress } from '../net/address.ts';
import { type Prefix, parsePrefix, prefixOf } from '../net/prefix.ts';
import { bad, Problems, type Read, shown } from './read.ts';

/** One route of one table. */
export interface Route {
  readonly family: 4 | 6;
  /** `main`, `local`, `52` … */
  readonly table: string;
  /** `unicast`, `local`, `blackhole`, … */
  readonly type: string;
  readonly to: Prefix;
  /** Ways out; empty for a route that discards. More than one: spread over all of them. */
  readonly hops: readonly { readonly device: string | undefined; readonly gateway: Address | undefined }[];
  readonly metric: number | undefined;
}

/** One rule that chooses a table. */
export interface RoutingRule {
  readonly family: 4 | 6;
  readonly priority: number;
  /** Undefined for a rule that does something else than look up a table. */
  readonly table: string | undefined;
  /** Every condition as `ip` names it (`src`, `fwmark`, `iif`, `not` …), `src: "all"` included. */
  readonly conditions: Readonly<Record<string, unknown>>;
}

export interface Routing {
  readonly routes: readonly Route[];
  /** In the order in which the kernel asks them. */
  readonly rules: readonly RoutingRule[];
}

const list = z.array(z.unknown());
const body = z.strictObject({ '4': list, '6': list, rules4: list, rules6: list });

const hop = { dev: z.string().optional(), gateway: z.string().optional() };
const via = z.looseObject({ host: z.string() });
const routeInfo = z.looseObject({
  dst: z.string(),
  type: z.string().optional(),
  table: z.union([z.string(), z.int()]).optional(),
  metric: z.int().optional(),
  ...hop,
  via: via.optional(),
  nexthops: z.array(z.looseObject({ ...hop, via: via.optional() })).optional(),
});

const ruleInfo = z.looseObject({ priority: z.int(), table: z.union([z.string(), z.int()]).optional() });

/** Reads `host/NAME/routes`: all routing tables and rules of both families (iproute2 ip/iproute.c, ip/iprule.c). */
export function readRoutes(value: unknown): Read<Routing> {
  const parsed = body.safeParse(value);
  if (!parsed.success) return bad('the body is not {"4", "6", "rules4", "rules6"}, a list each');
  const problems = new Problems();
  const { data } = parsed;
  return problems.over({
    routes: ([4, 6] as const).flatMap((family) =>
      data[family].flatMap(
        (item, i) =>
          readRoute(family, item) ??
          problems.add(`IPv${family} route ${i} cannot be read: ${shown(JSON.stringify(item))}`) ??
          [],
      ),
    ),
    rules: ([4, 6] as const).flatMap((family) =>
      data[`rules${family}`].flatMap(
        (item, i) => readRule(family, item) ?? problems.add(`IPv${family} routing rule ${i} cannot be read`) ?? [],
      ),
    ),
  });
}

function readRoute(family: 4 | 6, item: unknown): Route | undefined {
  const parsed = routeInfo.safeParse(item);
  if (!parsed.success) return undefined;
  const { dst, type = 'unicast', table = 'main', metric, dev, nexthops } = parsed.data;
  const to = destination(family, dst);
  if (to === undefined) return undefined;
  const ways = nexthops ?? (dev === undefined ? [] : [parsed.data]);
  const hops = ways.map((way) => {
    const text = way.gateway ?? way.via?.host;
    return { device: way.dev, gateway: text === undefined ? undefined : parseAddress(text), text };
  });
  if (hops.some((h) => h.text !== undefined && h.gateway === undefined)) return undefined;
  return {
    family,
    table: String(table),
    type,
    to,
    hops: hops.map(({ device, gateway }) => ({ device, gateway })),
    metric,
  };
}

function destination(family: 4 | 6, text: string): Prefix | undefined {
  if (text === 'default') return { family, first: 0n, length: 0 };
  const address = parseAddress(text);
  const prefix = address === undefined ? parsePrefix(text)?.prefix : prefixOf(address);
  return prefix?.family === family ? prefix : undefined;
}

function readRule(family: 4 | 6, item: unknown): RoutingRule | undefined {
  const parsed = ruleInfo.safeParse(item);
  if (!parsed.success) return undefined;
  const { priority, table, ...conditions } = parsed.data;
  return { family, priority, table: table === undefined ? undefined : String(table), conditions };
}
