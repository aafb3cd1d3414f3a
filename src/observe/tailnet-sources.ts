import pLimit from 'p-limit';
import type { z } from 'zod';
import type { SourceEntry } from '../state/evidence.ts';
import { withoutKeyMaterial } from './secret.ts';
import type { TailnetClient } from './tailnet-client.ts';
import type { Read } from './tailnet-read.ts';
import { readJson } from './tailnet-read.ts';
import {
  devicesReply,
  dnsReply,
  keysReply,
  SETTING_NAMES,
  serviceHostsReply,
  servicesReply,
  settingsReply,
  usersReply,
} from './tailnet-shapes.ts';

/** The answers that are read between the two readings of the policy. */
export interface TailnetAnswers {
  readonly settings: SourceEntry;
  readonly devices: SourceEntry;
  readonly keys: SourceEntry;
  readonly users: SourceEntry;
  readonly dns: SourceEntry;
  readonly services: SourceEntry;
}

export interface SourceOptions {
  /** The topology names devices, so a list without any is wrong. */
  readonly devicesDeclared: boolean;
  readonly now: () => Date;
}

/** Calls at the same time; the service's limits are not published. */
const PARALLEL = 4;

function entryFor<T>(
  read: Read<T>,
  judge: (value: T) => Pick<SourceEntry, 'status' | 'why'> = () => ({ status: 'ok' }),
): SourceEntry {
  if (!read.ok) return read.entry;
  const { status, why } = judge(read.value);
  return {
    status,
    at: read.at,
    ...(status === 'ok' || status === 'partial' ? { body: withoutKeyMaterial(read.value) } : {}),
    ...(why === undefined ? {} : { why }),
  };
}

/** A setting outside the credential's scopes comes as null or not at all; the others still count. */
function judgeSettings(settings: Record<string, unknown>): Pick<SourceEntry, 'status' | 'why'> {
  const hidden = SETTING_NAMES.filter((name) => settings[name] === null || settings[name] === undefined);
  if (hidden.length === 0) return { status: 'ok' };
  return { status: 'partial', why: `not visible to this credential: ${hidden.join(', ')}` };
}

/**
 * An empty list where devices are declared is `failed`, not `partial`: a body would say that nobody is there, and about
 * nobody every claim holds.
 */
function judgeDevices(reply: z.infer<typeof devicesReply>, declared: boolean): Pick<SourceEntry, 'status' | 'why'> {
  if ((reply.devices ?? []).length > 0 || !declared) return { status: 'ok' };
  return { status: 'failed', why: 'the device list is empty, but the topology declares devices' };
}

/** The list of Services, with the hosts of each in a member of its own. */
async function readServices(
  client: TailnetClient,
  limit: ReturnType<typeof pLimit>,
  now: () => Date,
): Promise<SourceEntry> {
  const list = await limit(() => readJson(client, client.tailnetPath('/services'), servicesReply, now));
  if (!list.ok) return list.entry;
  const names = (list.value.vipServices ?? []).map((s) => s.name);
  const reads = await Promise.all(
    names.map(async (name) => {
      const path = client.tailnetPath(`/services/${encodeURIComponent(name)}/devices`);
      return [name, await limit(() => readJson(client, path, serviceHostsReply, now))] as const;
    }),
  );
  const missing = reads.flatMap(([name, r]) => (r.ok ? [] : [`hosts of ${name}: ${r.entry.why ?? r.entry.status}`]));
  const hosts = Object.fromEntries(reads.flatMap(([name, r]) => (r.ok ? [[name, r.value.hosts ?? []]] : [])));
  return {
    status: missing.length === 0 ? 'ok' : 'partial',
    at: list.at,
    body: withoutKeyMaterial({ ...list.value, hosts }),
    ...(missing.length === 0 ? {} : { why: missing.join('; ') }),
  };
}

/** Reads everything but the policy, a few calls at a time. */
export async function readAnswers(client: TailnetClient, options: SourceOptions): Promise<TailnetAnswers> {
  const { now } = options;
  const limit = pLimit(PARALLEL);
  const at = (path: string) => client.tailnetPath(path);
  const [settings, devices, keys, users, dns, services] = await Promise.all([
    limit(() => readJson(client, at('/settings'), settingsReply, now)),
    limit(() => readJson(client, at('/devices'), devicesReply, now, { fields: 'all' })),
    limit(() => readJson(client, at('/keys'), keysReply, now, { all: 'true' })),
    limit(() => readJson(client, at('/users'), usersReply, now)),
    limit(() => readJson(client, at('/dns/configuration'), dnsReply, now)),
    readServices(client, limit, now),
  ]);
  return {
    settings: entryFor(settings, judgeSettings),
    devices: entryFor(devices, (reply) => judgeDevices(reply, options.devicesDeclared)),
    keys: entryFor(keys),
    users: entryFor(users),
    dns: entryFor(dns),
    services,
  };
}
