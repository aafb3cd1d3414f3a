import { readFileSync } from 'node:fs';
import { z } from 'zod';

/*
 * The recording of the real plugin, test/infra/tailscale-stand-in/fixtures/provider-grpc.jsonl: what is stored in
 * references is looked up here, so that a test sees whole requests, replies and responses. The header of the file
 * explains the notation.
 */

const json = z.json();
export type Json = z.infer<typeof json>;
const object = z.record(z.string(), json);

const replySchema = z.strictObject({
  status: z.number().optional(),
  contentType: z.string().optional(),
  headers: z.record(z.string(), z.string()).optional(),
  json: json.optional(),
  text: z.string().optional(),
  destroyed: z.literal(true).optional(),
});
export type RecordedReply = z.infer<typeof replySchema>;

const replyReference = z.strictObject({ $replyOf: z.number(), index: z.number().optional() });

const exchangeSchema = z.strictObject({
  call: z.string(),
  query: z.record(z.string(), z.union([z.string(), z.array(z.string())])).optional(),
  headers: z.record(z.string(), z.string()).optional(),
  json: json.optional(),
  text: z.string().optional(),
  reply: z.union([replyReference, replySchema]),
});
export type RecordedExchange = Omit<z.infer<typeof exchangeSchema>, 'reply'> & { reply: RecordedReply };

const recordSchema = z.strictObject({
  n: z.number(),
  phase: z.string(),
  method: z.string(),
  name: z.string().optional(),
  request: object.optional(),
  response: object.optional(),
  error: z.strictObject({ code: z.number(), message: z.string() }).optional(),
  http: z.array(exchangeSchema).optional(),
  log: z.array(z.strictObject({ severity: z.string(), message: z.string(), urn: z.boolean().optional() })).optional(),
  pluginExited: z.strictObject({ code: z.number() }).optional(),
  do: z.string().optional(),
});
type RawRecord = z.infer<typeof recordSchema>;

export interface RecordedCall extends Omit<RawRecord, 'http'> {
  readonly http: readonly RecordedExchange[];
}

const headerSchema = z.looseObject({ kind: z.literal('header'), types: z.record(z.string(), z.string()) });

const FILE = new URL('../fixtures/provider-grpc.jsonl', import.meta.url);

/** One recorded run of the engine. */
const engineSchema = z.strictObject({
  n: z.number(),
  phase: z.string(),
  method: z.literal('engine'),
  name: z.string(),
  command: z.string(),
  exitCode: z.number(),
  calls: z.array(z.string()),
  http: z.array(z.string()),
  summary: z.array(z.string()),
  tagsAfterwards: json.optional(),
});

/** All calls, by phase, in order; and the runs of the engine. */
export function readRecording() {
  const [first = '', ...lines] = readFileSync(FILE, 'utf8').trimEnd().split('\n');
  const header = headerSchema.parse(JSON.parse(first));
  const phases = new Map<string, RecordedCall[]>();
  const engine: z.infer<typeof engineSchema>[] = [];
  const raw = new Map<number, RawRecord>();
  for (const line of lines) {
    const content = JSON.parse(line);
    if (content.method === 'engine') {
      engine.push(engineSchema.parse(content));
      continue;
    }
    const record = recordSchema.parse(content);
    raw.set(record.n, record);
    const calls = phases.get(record.phase) ?? [];
    calls.push({ ...record, http: (record.http ?? []).map((e) => ({ ...e, reply: replyOf(raw, e.reply) })) });
    phases.set(record.phase, calls);
  }
  return { types: header.types, phases, engine, total: lines.length, sameAs: (n: number) => raw.get(n) };
}

function replyOf(
  records: ReadonlyMap<number, RawRecord>,
  reply: z.infer<typeof exchangeSchema>['reply'],
): RecordedReply {
  const reference = replyReference.safeParse(reply);
  if (!reference.success) return replySchema.parse(reply);
  const { $replyOf, index = 0 } = reference.data;
  const exchange = records.get($replyOf)?.http?.[index];
  if (exchange === undefined) throw new Error(`no reply in record ${$replyOf}`);
  return replyOf(records, exchange.reply);
}
