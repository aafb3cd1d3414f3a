import type { SourceEntry } from '../state/evidence.ts';
import type { TailnetClient } from './tailnet-client.ts';
import type { Read } from './tailnet-read.ts';
import { readJson, readText } from './tailnet-read.ts';
import { policyDetails } from './tailnet-shapes.ts';

/** The tailnet policy as the API holds it: HuJSON, never the JSON view, which loses comments. */
export interface ObservedPolicy {
  readonly text: string;
  /** Without the quotes of the header. */
  readonly etag: string;
  readonly warnings?: readonly string[] | null;
  readonly errors?: readonly string[] | null;
}

/** The value of an `ETag` header: 64 hex digits, quoted or not. */
function etagOf(headers: Headers): string | undefined {
  return /^(?:W\/)?"?([0-9a-f]{64})"?$/.exec(headers.get('etag')?.trim() ?? '')?.[1];
}

function noEtag<T>(at: string): Read<T> {
  return { ok: false, entry: { status: 'failed', at, why: 'the policy came without an ETag' } };
}

/** Reads the policy as text. */
export async function readPolicyText(client: TailnetClient, now: () => Date): Promise<Read<ObservedPolicy>> {
  const read = await readText(client, client.tailnetPath('/acl'), now, { accept: 'application/hujson' });
  if (!read.ok) return read;
  const etag = etagOf(read.headers);
  return etag === undefined ? noEtag(read.at) : { ...read, value: { text: read.value, etag } };
}

/** Reads the policy with what the service has to say about it. */
export async function readPolicyDetails(client: TailnetClient, now: () => Date): Promise<Read<ObservedPolicy>> {
  const read = await readJson(client, client.tailnetPath('/acl'), policyDetails, now, { details: 'true' });
  if (!read.ok) return read;
  const etag = etagOf(read.headers);
  if (etag === undefined) return noEtag(read.at);
  const { acl, warnings = null, errors = null } = read.value;
  return { ...read, value: { text: Buffer.from(acl, 'base64').toString('utf8'), etag, warnings, errors } };
}

/**
 * What two readings at both ends of an observation say together.
 * - `changed`: somebody wrote in between, so what was read in the meantime belongs to two policies;
 * - otherwise the entry: `ok` only if both readings succeeded and agree to the byte.
 */
export function joinReadings(before: Read<ObservedPolicy>, after: Read<ObservedPolicy>): SourceEntry | 'changed' {
  if (!before.ok) return before.entry;
  if (!after.ok) return { ...after.entry, why: `when read again: ${after.entry.why ?? after.entry.status}` };
  if (before.value.etag !== after.value.etag) return 'changed';
  if (before.value.text !== after.value.text) {
    return { status: 'failed', at: before.at, why: 'two readings with one ETag have different texts' };
  }
  return { status: 'ok', at: before.at, body: after.value };
}

/** One reading of the policy, for who needs nothing else (the guard before a deployment). */
export async function observePolicy(client: TailnetClient, now: () => Date): Promise<SourceEntry> {
  const read = await readPolicyDetails(client, now);
  return read.ok ? { status: 'ok', at: read.at, body: read.value } : read.entry;
}
