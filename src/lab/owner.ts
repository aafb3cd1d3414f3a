import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { CordonError } from '../source/error.ts';
import { type Creator, formatCreator, parseCreator } from './identity.ts';
import { ip } from './ip.ts';
import { isPlainName } from './name.ts';

/** Where `ip netns` keeps named namespaces (iproute2 ip/ipnetns.c: NETNS_RUN_DIR). */
const NETNS_DIRECTORY = '/run/netns';

/**
 * Whose a named namespace is. Every namespace of a lab carries its maker in the alias of its loopback device, so the
 * answer lives and dies with the namespace itself.
 * - `lab`: a lab made it.
 * - `untouched`: nobody did anything in it since it was made: no device but loopback, which is down, and no process.
 * - `no-namespace`: a file of that name without a namespace, as a power cut leaves it where /run is on a disk.
 * - `foreign`: everything else.
 */
export type Owner =
  | { readonly kind: 'lab'; readonly prefix: string; readonly creator: Creator }
  | { readonly kind: 'untouched' }
  | { readonly kind: 'no-namespace' }
  | { readonly kind: 'foreign' };

const linksSchema = z.array(
  z.object({ ifname: z.string(), flags: z.array(z.string()), ifalias: z.string().optional() }),
);

/** True when `ip netns` knows the name. */
export function namespaceExists(name: string): boolean {
  return existsSync(join(NETNS_DIRECTORY, name));
}

/** Every named namespace of this machine. */
export function namespaceNames(): ReadonlySet<string> {
  return new Set(existsSync(NETNS_DIRECTORY) ? readdirSync(NETNS_DIRECTORY) : []);
}

/** Looks into an existing namespace. */
export async function ownerOf(name: string): Promise<Owner> {
  let listing: string;
  try {
    listing = await ip(['-n', name, '-j', 'link', 'show']);
  } catch (error) {
    if (error instanceof CordonError) return { kind: 'no-namespace' };
    throw error;
  }
  const links = linksSchema.safeParse(JSON.parse(listing));
  if (!links.success) return { kind: 'foreign' };
  const loopback = links.data.find((link) => link.ifname === 'lo');
  const made = loopback?.ifalias === undefined ? undefined : parseAlias(loopback.ifalias);
  if (made !== undefined) return { kind: 'lab', ...made };
  const isBare = links.data.length === 1 && loopback?.ifalias === undefined && loopback?.flags.includes('UP') === false;
  if (isBare && (await ip(['netns', 'pids', name])).trim() === '') return { kind: 'untouched' };
  return { kind: 'foreign' };
}

/** The alias of the loopback device in a namespace of this lab. */
export function formatAlias(prefix: string, creator: Creator): string {
  return `cordon-lab:${prefix}:${formatCreator(creator)}`;
}

function parseAlias(alias: string): { prefix: string; creator: Creator } | undefined {
  const [mark, prefix, made, ...rest] = alias.split(':');
  if (mark !== 'cordon-lab' || prefix === undefined || !isPlainName(prefix) || rest.length > 0) return undefined;
  const creator = parseCreator(made ?? '');
  return creator === undefined ? undefined : { prefix, creator };
}
