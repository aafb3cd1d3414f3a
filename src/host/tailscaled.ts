import { z } from 'zod';
import { type Address, parseAddress } from '../net/address.ts';
import { type Prefix, parsePrefix, prefixOf } from '../net/prefix.ts';
import { bad, Problems, type Read } from './read.ts';

/** What a host's tailnet daemon is told to do. */
export interface DaemonPrefs {
  readonly controlUrl: string;
  readonly wantRunning: boolean;
  /** Uses the subnet routes that others advertise. */
  readonly acceptsRoutes: boolean;
  /** Takes the tailnet's DNS settings. */
  readonly acceptsDns: boolean;
  /** Sends everything through this node; undefined: through none. */
  readonly exitNode: string | undefined;
  readonly exitNodeAllowsLan: boolean;
  readonly advertisedRoutes: readonly Prefix[];
  readonly advertisedTags: readonly string[];
  readonly advertisedServices: readonly string[];
  /** Answers SSH inside the daemon, where no input rule sees it. */
  readonly runsSsh: boolean;
  readonly runsWebClient: boolean;
  readonly shieldsUp: boolean;
  /** Hides the sources of what it routes behind its own address. */
  readonly snat: boolean;
  readonly netfilter: 'off' | 'nodivert' | 'on';
  /** Unix user who may change all of this; undefined: root alone. */
  readonly operator: string | undefined;
}

/** The daemon of a host: its value, or the certainty that none runs in the host's namespace. */
export type OfDaemon<T> = { readonly running: false } | { readonly running: true; readonly value: T };

/**
 * `ipn.Prefs` as `tailscale debug prefs` prints it (tailscale/tailscale ipn/prefs.go). Fields that Go leaves out where
 * they are empty (`omitempty`) may be absent; all others have to be there.
 */
const prefsSchema = z.looseObject({
  ControlURL: z.string(),
  WantRunning: z.boolean(),
  RouteAll: z.boolean(),
  CorpDNS: z.boolean(),
  ExitNodeID: z.string(),
  ExitNodeIP: z.string(),
  ExitNodeAllowLANAccess: z.boolean(),
  AdvertiseRoutes: z.array(z.string()).nullable(),
  AdvertiseTags: z.array(z.string()).nullable(),
  AdvertiseServices: z.array(z.string()).nullish(),
  RunSSH: z.boolean(),
  RunWebClient: z.boolean(),
  ShieldsUp: z.boolean(),
  NoSNAT: z.boolean(),
  NetfilterMode: z.literal([0, 1, 2]),
  OperatorUser: z.string().optional(),
});

/** `preftype.NetfilterMode` (tailscale/tailscale types/preftype/netfiltermode.go). */
const NETFILTER = ['off', 'nodivert', 'on'] as const;

/** Reads `host/NAME/tailscale.prefs`. */
export function readPrefs(value: unknown): Read<OfDaemon<DaemonPrefs>> {
  return ofDaemon(value, 'prefs', (prefs) => {
    const parsed = prefsSchema.safeParse(prefs);
    if (!parsed.success) return bad(...issues(parsed.error));
    const p = parsed.data;
    const problems = new Problems();
    return problems.over({
      controlUrl: p.ControlURL,
      wantRunning: p.WantRunning,
      acceptsRoutes: p.RouteAll,
      acceptsDns: p.CorpDNS,
      exitNode: p.ExitNodeID || p.ExitNodeIP || undefined,
      exitNodeAllowsLan: p.ExitNodeAllowLANAccess,
      advertisedRoutes: (p.AdvertiseRoutes ?? []).flatMap((t) => prefix(t, problems)),
      advertisedTags: p.AdvertiseTags ?? [],
      advertisedServices: p.AdvertiseServices ?? [],
      runsSsh: p.RunSSH,
      runsWebClient: p.RunWebClient,
      shieldsUp: p.ShieldsUp,
      snat: !p.NoSNAT,
      netfilter: NETFILTER[p.NetfilterMode],
      operator: p.OperatorUser || undefined,
    });
  });
}

/** Reads `host/NAME/tailscale.serve`: what the daemon answers itself; its shape is the daemon's (`ipn.ServeConfig`). */
export function readServe(value: unknown): Read<OfDaemon<Readonly<Record<string, unknown>>>> {
  return ofDaemon(value, 'serve', (serve) => ({ ok: true, value: serve }));
}

/** A node as another one sees it. */
export interface NetmapNode {
  /** MagicDNS name with its dot. */
  readonly name: string;
  readonly addresses: readonly Address[];
  readonly tags: readonly string[];
  /** Where its packets may come from and go to: its addresses and its routes. */
  readonly allowed: readonly Prefix[];
  /** `10.99.0.11:41641`: addresses of its networks that it tells its peers. */
  readonly endpoints: readonly string[];
}

/** A rule of the packet filter as the control plane sent it. */
export interface WireRule {
  readonly sources: readonly string[];
  readonly destinations: readonly { readonly ip: string; readonly first: number; readonly last: number }[];
  /** Protocol numbers; empty: TCP, UDP, ICMP and ICMPv6 (tailcfg.FilterRule). */
  readonly protocols: readonly number[];
  /** Application capabilities, as sent. */
  readonly capabilities: readonly unknown[];
}

/** What a node knows of its tailnet. */
export interface Netmap {
  readonly domain: string | undefined;
  readonly self: NetmapNode;
  readonly peers: readonly NetmapNode[];
  readonly filter: readonly WireRule[];
  readonly hasSshPolicy: boolean;
}

const strings = z
  .array(z.string())
  .nullish()
  .transform((list) => list ?? []);
const nodeSchema = z.looseObject({
  Name: z.string().default(''),
  Addresses: z.array(z.string()).nullable(),
  Tags: strings,
  AllowedIPs: strings,
  Endpoints: strings,
});
/** Strict: a field that nobody here knows could widen or narrow the rule (tailcfg.FilterRule, tailcfg.NetPortRange). */
const ruleSchema = z.strictObject({
  SrcIPs: z
    .array(z.string())
    .nullable()
    .transform((list) => list ?? []),
  SrcBits: z.null().optional(),
  DstPorts: z
    .array(
      z.strictObject({
        IP: z.string(),
        Bits: z.null().optional(),
        Ports: z.object({ First: z.int().min(0), Last: z.int().max(65535) }),
      }),
    )
    .nullish()
    .transform((list) => list ?? []),
  IPProto: z
    .array(z.int().min(0).max(255))
    .nullish()
    .transform((list) => list ?? []),
  CapGrant: z
    .array(z.unknown())
    .nullish()
    .transform((list) => list ?? []),
});
const netmapSchema = z.looseObject({
  Domain: z.string().optional(),
  SelfNode: nodeSchema,
  Peers: z.array(nodeSchema).nullable(),
  PacketFilterRules: z.array(ruleSchema).nullable(),
  SSHPolicy: z.unknown().optional(),
});

/**
 * Reads `host/NAME/tailscale.netmap`: `tailscale debug netmap` (tailscale/tailscale types/netmap/netmap.go). The wire form
 * of the filter counts: the parsed one beside it lacks what the node did not understand.
 */
export function readNetmap(value: unknown): Read<OfDaemon<Netmap>> {
  return ofDaemon(value, 'netmap', (netmap) => {
    const parsed = netmapSchema.safeParse(netmap);
    if (!parsed.success) return bad(...issues(parsed.error));
    const { Domain, SelfNode, Peers, PacketFilterRules, SSHPolicy } = parsed.data;
    const problems = new Problems();
    const node = (n: z.infer<typeof nodeSchema>): NetmapNode => ({
      name: n.Name,
      addresses: (n.Addresses ?? []).flatMap((t) => {
        const block = prefix(t, problems)[0];
        return block === undefined ? [] : [{ family: block.family, value: block.first }];
      }),
      tags: n.Tags,
      allowed: n.AllowedIPs.flatMap((t) => prefix(t, problems)),
      endpoints: n.Endpoints,
    });
    return problems.over({
      domain: Domain,
      self: node(SelfNode),
      peers: (Peers ?? []).map(node),
      filter: (PacketFilterRules ?? []).map((r) => ({
        sources: r.SrcIPs,
        destinations: r.DstPorts.map(({ IP, Ports }) => ({ ip: IP, first: Ports.First, last: Ports.Last })),
        protocols: r.IPProto,
        capabilities: r.CapGrant,
      })),
      hasSshPolicy: SSHPolicy !== undefined && SSHPolicy !== null,
    });
  });
}

function ofDaemon<T>(
  value: unknown,
  name: string,
  read: (value: Readonly<Record<string, unknown>>) => Read<T>,
): Read<OfDaemon<T>> {
  const body = z.looseObject({ running: z.boolean() }).safeParse(value);
  if (!body.success) return bad(`the body is not {"running", "${name}"}`);
  if (!body.data.running) return { ok: true, value: { running: false } };
  const inner = z.record(z.string(), z.unknown()).safeParse(body.data[name]);
  if (!inner.success) return bad(`a daemon runs, and its ${name} is no object`);
  const result = read(inner.data);
  return result.ok ? { ok: true, value: { running: true, value: result.value } } : result;
}

function prefix(text: string, problems: Problems): Prefix[] {
  const address = parseAddress(text);
  const found = address === undefined ? parsePrefix(text)?.prefix : prefixOf(address);
  return found === undefined ? (problems.add(`${JSON.stringify(text)} is no prefix`) ?? []) : [found];
}

function issues(error: z.ZodError): string[] {
  return error.issues.map((issue) => `${issue.path.map(String).join('.')}: ${issue.message}`);
}
