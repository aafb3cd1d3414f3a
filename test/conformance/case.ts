import { readdirSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { parseAddress } from '../../src/net/address.ts';
import { parsePrefix } from '../../src/net/prefix.ts';
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

const caseSchema = z.object({
  id: z.string(),
  category: z.string(),
  policy: z.record(z.string(), z.unknown()),
  api: z.object({ code: z.number(), message: z.string().optional() }),
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
  expect: z
    .record(
      z.string(),
      z.object({
        rules: z.array(ruleSchema).optional(),
        peers: texts.optional(),
        routes: z.record(z.string(), texts).optional(),
      }),
    )
    .optional(),
  unstable: z.unknown().optional(),
  suspect: z.unknown().optional(),
});

/** A policy that was pushed to a hosted tailnet, the devices at that moment, and what the control plane answered. */
export type CaptureCase = z.infer<typeof caseSchema>;
export type CapturedRule = z.infer<typeof ruleSchema>;

/** Reads all captures of a folder. Throws when one does not have the documented form. */
export function loadCases(folder: URL): CaptureCase[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => caseSchema.parse(JSON.parse(readFileSync(new URL(name, folder), 'utf8'))));
}

/** The captured tailnet as our types; device ids are the names of the capture. */
export function factsOf(capture: CaptureCase): { devices: Device[]; users: { login: string }[] } {
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
  return { devices, users: Object.keys(capture.users).map((user) => ({ login: login(user) })) };
}

function prefix(text: string) {
  return parsePrefix(text)?.prefix ?? fail(text);
}

function fail(text: string): never {
  throw new Error(`capture with an unreadable address: ${text}`);
}
