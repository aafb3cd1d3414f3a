import type { z } from 'zod';
import type { SourceEntry } from '../state/evidence.ts';
import type { Exchange, ReadOptions, TailnetClient } from './tailnet-client.ts';
import { jsonOf } from './tailnet-client.ts';

/** A read that gave what it should, or the entry that says why not. */
export type Read<T> =
  | { readonly ok: true; readonly value: T; readonly headers: Headers; readonly at: string }
  | { readonly ok: false; readonly entry: SourceEntry };

/** `message` of an API error body; the beginning of anything else. */
function messageOf(data: unknown): string {
  if (typeof data === 'object' && data !== null && 'message' in data && typeof data.message === 'string') {
    return data.message;
  }
  if (typeof data !== 'string' || data.trim() === '') return 'no message';
  return /^\s*</.test(data) ? 'an HTML page instead of the API' : data.trim().slice(0, 200);
}

/**
 * What became of a call, as a source's status: 401 and 403 are `denied`, a missed deadline is `late`, everything else
 * without a usable answer is `failed`.
 */
function entryOf(
  exchange: Exclude<Exchange, { kind: 'ok' }>,
  at: string,
  scrub: (text: string) => string,
): SourceEntry {
  switch (exchange.kind) {
    case 'late':
      return { status: 'late', at, why: exchange.why };
    case 'broken':
      return { status: 'failed', at, why: exchange.why };
    case 'refused': {
      const status = exchange.status === 401 || exchange.status === 403 ? 'denied' : 'failed';
      return { status, at, why: `HTTP ${exchange.status}: ${scrub(messageOf(exchange.data))}` };
    }
  }
}

/** A GET whose body is taken as text; empty and HTML bodies are refused. */
export async function readText(
  client: TailnetClient,
  path: string,
  now: () => Date,
  options: ReadOptions,
): Promise<Read<string>> {
  const at = now().toISOString();
  const exchange = await client.get(path, options);
  if (exchange.kind !== 'ok') return { ok: false, entry: entryOf(exchange, at, (t) => client.scrub(t)) };
  const { text, headers } = exchange;
  if (text.trim() === '') return { ok: false, entry: { status: 'failed', at, why: 'an empty answer' } };
  if (headers.get('content-type')?.includes('text/html') === true || /^\s*<(!doctype|html)/i.test(text)) {
    return { ok: false, entry: { status: 'failed', at, why: 'an HTML page instead of the API' } };
  }
  return { ok: true, value: text, headers, at };
}

/** A GET whose body is JSON of a certain shape; the value returned is the whole body, unknown fields included. */
export async function readJson<S extends z.ZodType>(
  client: TailnetClient,
  path: string,
  shape: S,
  now: () => Date,
  query?: Readonly<Record<string, string>>,
): Promise<Read<z.infer<S>>> {
  const read = await readText(client, path, now, query === undefined ? {} : { query });
  if (!read.ok) return read;
  const json = jsonOf(read.value);
  if (json === undefined) return { ok: false, entry: { status: 'failed', at: read.at, why: 'the answer is not JSON' } };
  const parsed = shape.safeParse(json);
  if (!parsed.success) {
    const first = parsed.error.issues[0];
    const where = first === undefined || first.path.length === 0 ? '' : ` at ${first.path.join('.')}`;
    const why = `the answer has another shape than expected${where}: ${first?.message ?? 'unknown'}`;
    return { ok: false, entry: { status: 'failed', at: read.at, why } };
  }
  // The answer itself, not the schema's copy: member order and unknown members stay as they came.
  return { ok: true, value: json as z.infer<S>, headers: read.headers, at: read.at };
}
