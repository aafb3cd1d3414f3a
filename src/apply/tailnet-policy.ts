import { z } from 'zod';
import type { Exchange, TailnetClient } from '../observe/tailnet-client.ts';

/** One refused statement or test of a policy, in the service's words. */
interface PolicyProblem {
  readonly user: string;
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
}

/** What became of a write. */
export type PolicyWrite =
  /** The tailnet now holds exactly the bytes that were sent. */
  | { readonly kind: 'written'; readonly etag: string }
  /** The policy is no longer the one that was observed; nothing was written. */
  | { readonly kind: 'conflict'; readonly why: string }
  /** The service, or we ourselves, refused the policy; nothing was written. */
  | { readonly kind: 'rejected'; readonly message: string; readonly data: readonly PolicyProblem[] }
  /** Anything else. `mayHaveWritten` tells whether the tailnet must be read again to know what it holds. */
  | { readonly kind: 'failed'; readonly why: string; readonly mayHaveWritten: boolean };

export interface PolicyWriteRequest {
  /** Canonical HuJSON, to the byte. */
  readonly text: string;
  /** The ETag of the policy that this one replaces, as observed; without quotes. */
  readonly replaces: string;
}

const words = z
  .array(z.string())
  .nullish()
  .transform((list) => list ?? []);
const refusal = z.object({
  message: z.string().default('refused without a message'),
  data: z
    .array(z.object({ user: z.string().default(''), errors: words, warnings: words }))
    .nullish()
    .transform((data) => data ?? []),
});

function rejected(data: unknown, scrub: (text: string) => string): PolicyWrite {
  const parsed = refusal.safeParse(data);
  if (!parsed.success) return { kind: 'rejected', message: 'refused without a message', data: [] };
  return { kind: 'rejected', message: scrub(parsed.data.message), data: parsed.data.data };
}

function unsuccessful(exchange: Exclude<Exchange, { kind: 'ok' }>, scrub: (text: string) => string): PolicyWrite {
  switch (exchange.kind) {
    case 'late':
    case 'broken':
      return { kind: 'failed', why: exchange.why, mayHaveWritten: true };
    case 'refused': {
      if (exchange.status === 412) return { kind: 'conflict', why: 'the policy was changed by somebody else' };
      if (exchange.status === 400 || exchange.status === 422) return rejected(exchange.data, scrub);
      // A gateway in front of the service answers 5xx for a request that the service may have taken.
      const why = `HTTP ${exchange.status}: ${scrub(rejectionText(exchange.data))}`;
      return { kind: 'failed', why, mayHaveWritten: exchange.status >= 500 };
    }
  }
}

function rejectionText(data: unknown): string {
  const parsed = refusal.safeParse(data);
  return parsed.success ? parsed.data.message : 'no message';
}

/**
 * Replaces the tailnet policy, if it is still the one that was observed. The request is sent once: a write is never
 * repeated without looking. An empty text is refused here, because to the service it means "back to the default", which
 * lets everybody reach everybody.
 */
export async function writePolicy(client: TailnetClient, request: PolicyWriteRequest): Promise<PolicyWrite> {
  if (request.text.trim() === '') {
    return { kind: 'rejected', message: 'an empty policy would reset the tailnet to allow everything', data: [] };
  }
  if (!/^[0-9a-f]{64}$/.test(request.replaces)) {
    return { kind: 'rejected', message: 'the ETag of the policy to replace is not known', data: [] };
  }
  const exchange = await client.post(client.tailnetPath('/acl'), {
    body: request.text,
    contentType: 'application/hujson',
    headers: { accept: 'application/hujson', 'if-match': `"${request.replaces}"` },
  });
  if (exchange.kind !== 'ok') return unsuccessful(exchange, (t) => client.scrub(t));
  const etag = /^(?:W\/)?"?([0-9a-f]{64})"?$/.exec(exchange.headers.get('etag') ?? '')?.[1];
  if (etag === undefined || exchange.text !== request.text) {
    return { kind: 'failed', why: 'the tailnet holds another text than the one that was sent', mayHaveWritten: true };
  }
  return { kind: 'written', etag };
}
