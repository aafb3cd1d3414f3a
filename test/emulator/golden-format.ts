import { readFileSync } from 'node:fs';
import { z } from 'zod';

const scalarOrShape = z.unknown();
const expectation = z.object({
  status: z.int(),
  text: z.string().optional(),
  etag: z.string().optional(),
  shape: scalarOrShape.optional(),
  match: z.unknown().optional(),
  parsed: z.union([z.boolean(), z.literal('raw')]),
});

const line = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('header'),
    shapes: z.record(z.string(), z.unknown()),
    fixture: z.object({
      defaultPolicy: z.string(),
      devices: z.array(z.looseObject({ hostname: z.string(), id: z.string(), nodeId: z.string() })),
      users: z.array(z.looseObject({ loginName: z.string() })),
      contacts: z.record(z.string(), z.string()),
      settings: z.record(z.string(), z.unknown()),
    }),
  }),
  z.object({ kind: z.literal('scenario'), name: z.string() }),
  z.strictObject({
    kind: z.literal('request'),
    phase: z.string(),
    times: z.int().default(1),
    method: z.string(),
    path: z.string(),
    query: z.record(z.string(), z.string()).optional(),
    auth: z.enum(['basic', 'bearer']),
    accept: z.string().optional(),
    contentType: z.string().optional(),
    ifMatch: z.string().optional(),
    json: z.unknown().optional(),
    form: z.record(z.string(), z.string()).optional(),
    text: z.string().optional(),
    capture: z.record(z.string(), z.string()).optional(),
    expect: expectation,
  }),
  z.looseObject({ kind: z.literal('control'), phase: z.string(), action: z.string() }),
  z.object({ kind: z.literal('hujson-format'), in: z.string(), out: z.string(), sha256: z.string() }),
]);

type GoldenLine = z.infer<typeof line>;
export type GoldenHeader = Extract<GoldenLine, { kind: 'header' }>;
export type GoldenRequest = Extract<GoldenLine, { kind: 'request' }>;
export type GoldenControl = Extract<GoldenLine, { kind: 'control' }>;
export interface Scenario {
  readonly name: string;
  readonly steps: readonly (GoldenRequest | GoldenControl)[];
}

/** The recorded traffic of the real provider code, with the replies expected from the emulator. */
export function readGolden(): { header: GoldenHeader; scenarios: readonly Scenario[] } {
  const file = new URL('fixtures/provider-traces.jsonl', import.meta.url);
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .filter((l) => l !== '')
    .map((l) => line.parse(JSON.parse(l)));
  const header = lines.find((l) => l.kind === 'header');
  if (header === undefined) throw new Error('the recording has no header');
  const scenarios: { name: string; steps: (GoldenRequest | GoldenControl)[] }[] = [];
  for (const l of lines) {
    if (l.kind === 'scenario') scenarios.push({ name: l.name, steps: [] });
    if (l.kind === 'request' || l.kind === 'control') scenarios.at(-1)?.steps.push(l);
  }
  return { header, scenarios };
}

const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

/** What does not fit: one text for each place. Extra keys are allowed, missing ones are not unless marked `?`. */
export function shapeFaults(
  value: unknown,
  shape: unknown,
  shapes: Readonly<Record<string, unknown>>,
  at = '$',
): string[] {
  if (typeof shape === 'string' && shape.startsWith('$')) return shapeFaults(value, shapes[shape.slice(1)], shapes, at);
  if (typeof shape === 'string')
    return fitsScalar(value, shape) ? [] : [`${at}: ${JSON.stringify(value)} is not ${shape}`];
  if (Array.isArray(shape)) {
    if (!Array.isArray(value)) return [`${at}: not a list`];
    const [item] = shape;
    return item === undefined ? [] : value.flatMap((v, i) => shapeFaults(v, item, shapes, `${at}[${i}]`));
  }
  if (typeof shape !== 'object' || shape === null) return [`${at}: unknown shape ${JSON.stringify(shape)}`];
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${at}: not an object`];
  return Object.entries(shape).flatMap(([key, inner]) => {
    const name = key.replace(/\?$/, '');
    if (!Object.hasOwn(value, name)) return key.endsWith('?') ? [] : [`${at}.${name}: missing`];
    return shapeFaults((value as Record<string, unknown>)[name], inner, shapes, `${at}.${name}`);
  });
}

function fitsScalar(value: unknown, type: string): boolean {
  switch (type) {
    case 'string':
    case 'boolean':
    case 'number':
      return typeof value === type;
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    case 'array':
      return Array.isArray(value);
    case 'timestamp':
      return typeof value === 'string' && TIMESTAMP.test(value);
    case 'timestamp|""':
      return value === '' || (typeof value === 'string' && TIMESTAMP.test(value));
    default:
      return value === type;
  }
}

/** Equal on the keys given, arrays element by element. */
export function matchFaults(value: unknown, wanted: unknown, at = '$'): string[] {
  if (Array.isArray(wanted)) {
    if (!Array.isArray(value) || value.length !== wanted.length) {
      return [`${at}: ${JSON.stringify(value)} has not the length of ${JSON.stringify(wanted)}`];
    }
    return wanted.flatMap((w, i) => matchFaults(value[i], w, `${at}[${i}]`));
  }
  if (typeof wanted === 'object' && wanted !== null) {
    if (typeof value !== 'object' || value === null) return [`${at}: not an object`];
    return Object.entries(wanted).flatMap(([k, w]) =>
      matchFaults((value as Record<string, unknown>)[k], w, `${at}.${k}`),
    );
  }
  return value === wanted ? [] : [`${at}: ${JSON.stringify(value)} instead of ${JSON.stringify(wanted)}`];
}
