import { z } from 'zod';
import { bad, Problems, type Read } from './read.ts';
import { type Listener, parseElsewhere, parseListeners, parseRawSockets, type RawSocket } from './sockets.ts';

/** Every socket of a host that takes packets from outside. */
export interface Listeners {
  /** The host's own network namespace. */
  readonly namespace: string;
  readonly here: readonly Listener[];
  readonly raw: readonly RawSocket[];
  /** Those of the machine's other namespaces; undefined where they could not be read. */
  readonly elsewhere: readonly Listener[] | undefined;
}

const body = z.strictObject({
  namespace: z.string().regex(/^net:\[\d+\]$/),
  everybody: z.boolean(),
  sockets: z.string(),
  raw: z.string(),
  packet: z.string(),
  elsewhere: z.string().nullable(),
});

/** Reads `host/NAME/listeners`. One line that cannot be read makes all of it unknown: it could be any listener. */
export function readListeners(value: unknown): Read<Listeners> {
  const parsed = body.safeParse(value);
  if (!parsed.success)
    return bad('the body is not {"namespace", "everybody", "sockets", "raw", "packet", "elsewhere"}');
  const { namespace, everybody, sockets, raw, packet, elsewhere } = parsed.data;
  const problems = new Problems();
  return problems.over({
    namespace,
    here: parseListeners(sockets, namespace, everybody, problems),
    raw: [
      ...parseRawSockets('raw', raw, everybody, problems),
      ...parseRawSockets('packet', packet, everybody, problems),
    ],
    elsewhere: elsewhere === null ? undefined : parseElsewhere(elsewhere, problems),
  });
}
