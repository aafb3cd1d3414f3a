import { z } from 'zod';

const seq = z.int().nonnegative();

const probedSchema = z.strictObject({
  kind: z.literal('probed'),
  seq,
  /** `connected`: the handshake was completed, and no answer to the request came in time. */
  outcome: z.enum(['answered', 'connected', 'failed', 'timeout']),
  /** Error code of the kernel (errno(3)) for `failed`. */
  error: z.string().optional(),
  elapsedMs: z.number(),
  response: z.strictObject({ status: z.int(), body: z.string() }).optional(),
});

/** What an agent says; read with a schema although both ends are ours, since half a message is no message. */
export const replySchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('ready') }),
  z.strictObject({ kind: z.literal('listening'), seq }),
  z.strictObject({ kind: z.literal('spawned'), seq, pid: z.int().positive() }),
  z.strictObject({ kind: z.literal('refused'), seq, error: z.string() }),
  probedSchema,
  /** A listener of the agent read a probe's id. */
  z.strictObject({ kind: z.literal('seen'), id: z.string() }),
]);

export type Reply = z.infer<typeof replySchema>;

export type Probed = z.infer<typeof probedSchema>;
