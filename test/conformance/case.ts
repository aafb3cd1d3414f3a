import { readdirSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { parseAddress } from '../../src/net/address.ts';
import { parsePrefix } from '../../src/net/prefix.ts';
import type { TailnetFacts } from '../../src/tailnet/compile.ts';
import type { Device } from '../../src/tailnet/device.ts';
import { isExitRoute } from '../../src/tailnet/device.ts';

const texts = z.array(z.string());

/** One rule as the control plane sent it: packet access (`dst`) or application capabilities (`cap`). */
const ruleSchema = z.object({
  src: texts,
  dst: z.array(z.tuple([z.string(), z.string()])).optional(),
  proto: z.array(z.number()).optional(),
  cap: z.array(z.object({ dst: texts, caps: z.record(z.string(), z.unknown()) })).optional(),
});

/** One rule of Tailscale SSH, in the order of the device. */
const sshSchema = z.object({
  action: z.enum(['accept', 'check']),
  from: texts,
  users: z.record(z.string(), z.string()),
  acceptEnv: texts.optional(),
});

const capsSchema = z.record(z.string(), z.unknown());

/** What one device was sent; a key that is absent means none. */
const deviceSchema = z.object({
  rules: z.array(ruleSchema).optional(),
  ssh: z.array(sshSchema).optional(),
  peers: texts.optional(),
  routes: z.record(z.string(), texts).optional(),
  caps: capsSchema.optional(),
  peerCaps: z.record(z.string(), capsSchema).optional(),
  addresses: texts.optional(),
});

const caseSchema = z.object({
  id: z.string(),
  category: z.string(),
  policy: z.record(z.string(), z.unknown()),
  /** Absent where only the question is given. */
  api: z.object({ code: z.number(), message: z.string().optional() }).optional(),
  users: z.record(z.string(), z.string()),
  nodes: z.record(
    z.string(),
    z.object({
      tags: texts.optional(),
      user: z.string().optional(),
      ips: texts,
      advertised: texts.optional(),
      approved: texts.optional(),
      primary: texts.optional(),
    }),
  ),
  expect: z.record(z.string(), deviceSchema).optional(),
  unstable: z.unknown().optional(),
  suspect: z.unknown().optional(),
});

/** A policy that was pushed to a hosted tailnet, the devices at that moment, and what the control plane answered. */
export type CaptureCase = z.infer<typeof caseSchema>;
export type CapturedRule = z.infer<typeof ruleSchema>;
export type CapturedSsh = z.infer<typeof sshSchema>;
export type CapturedDevice = z.infer<typeof deviceSchema>;
/** The same, with nothing left out. */
export type DeviceAnswer = { readonly [K in keyof CapturedDevice]-?: NonNullable<CapturedDevice[K]> };

/** Reads all captures under a folder, sorted by path. Those without the documented form are told by file. */
export function readCases(folder: URL): { cases: CaptureCase[]; problems: { file: string; why: string }[] } {
  const cases: CaptureCase[] = [];
  const problems: { file: string; why: string }[] = [];
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  for (const file of names.filter((name) => name.endsWith('.json')).sort()) {
    try {
      cases.push(caseSchema.parse(JSON.parse(readFileSync(new URL(encodeURI(file), folder), 'utf8'))));
    } catch (e) {
      problems.push({ file, why: e instanceof Error ? e.message.replace(/\s+/g, ' ') : String(e) });
    }
  }
  return { cases, problems };
}

/** Reads all captures under a folder. Throws when one does not have the documented form. */
export function loadCases(folder: URL): CaptureCase[] {
  const { cases, problems } = readCases(folder);
  if (problems.length > 0) throw new Error(problems.map((p) => `${p.file}: ${p.why}`).join('\n'));
  return cases;
}

/**
 * Owner of the captured tailnet, where the others are administrators: no key of a capture says so, but the attributes
 * `is-owner` and `is-admin` of their devices do.
 */
const OWNER = 'odin';

/** The captured tailnet as our types; device ids are the names of the capture. */
export function factsOf(capture: CaptureCase): TailnetFacts {
  const login = (user: string) => capture.users[user] || user;
  const devices = Object.entries(capture.nodes).map(([name, node]): Device => {
    const advertised = (node.advertised ?? []).map(prefix);
    const approved = (node.approved ?? []).map(prefix);
    return {
      id: name,
      name,
      hostname: name,
      user: node.user === undefined ? undefined : login(node.user),
      tags: node.tags ?? [],
      addresses: node.ips.map((ip) => parseAddress(ip) ?? fail(ip)),
      advertisedRoutes: advertised,
      enabledRoutes: approved,
      primaryRoutes: node.primary?.map(prefix) ?? approved.filter((r) => !isExitRoute(r)),
      authorized: true,
      isExternal: false,
    };
  });
  const role = (user: string) => (user === OWNER ? 'owner' : 'admin');
  return { devices, users: Object.keys(capture.users).map((user) => ({ login: login(user), role: role(user) })) };
}

function prefix(text: string) {
  return parsePrefix(text)?.prefix ?? fail(text);
}

function fail(text: string): never {
  throw new Error(`capture with an unreadable address: ${text}`);
}
