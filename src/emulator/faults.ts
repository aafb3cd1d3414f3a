import { z } from 'zod';

const problem = z.object({
  user: z.string(),
  errors: z.array(z.string()).optional(),
  warnings: z.array(z.string()).optional(),
});

/** What goes wrong. Everything but `slow`, `edit-policy` and `auto-approve` takes the place of the true answer. */
const what = z.discriminatedUnion('kind', [
  /** A JSON error, as the service would send it; `retryAfter` in seconds goes into the header. */
  z.strictObject({
    kind: z.literal('status'),
    status: z.int().min(400).max(599),
    message: z.string().optional(),
    data: z.array(problem).optional(),
    retryAfter: z.number().min(0).optional(),
  }),
  /** A page of a proxy in front of the service. */
  z.strictObject({ kind: z.literal('html'), status: z.int().min(200).max(599).default(502) }),
  /** The true answer, late. */
  z.strictObject({ kind: z.literal('slow'), delayMs: z.int().min(0).max(600_000) }),
  /** 200 with a list of no devices. */
  z.strictObject({ kind: z.literal('empty-devices') }),
  /** 200 with nothing in it. */
  z.strictObject({ kind: z.literal('empty-body') }),
  /** 200 with the first half of the true body, complete as far as HTTP can tell. */
  z.strictObject({ kind: z.literal('truncated') }),
  /** 200 and text that is not JSON. */
  z.strictObject({ kind: z.literal('garbage') }),
  /** The connection ends without an answer. */
  z.strictObject({ kind: z.literal('disconnect') }),
  /** Somebody edits the policy in the console just before the request is handled: the lost race. */
  z.strictObject({ kind: z.literal('edit-policy'), text: z.string() }),
  /** When routes of a device are set: an auto-approver enables what it advertises, on top of what was asked for. */
  z.strictObject({ kind: z.literal('auto-approve') }),
]);

/** Body of `POST /_emulator/fault`. */
export const faultRequest = z.object({
  /**
   * `METHOD PATTERN`: the method or `*`, then the path without `/api/v2` and without `/tailnet/{t}`, in which `*` stands
   * for any text: `POST /acl`, `GET /device/*`, `* *`.
   */
  route: z.string().regex(/^(\*|[A-Z]+) (\*|\/\S*)$/),
  /** How many requests it meets, or all until cleared. */
  times: z.union([z.int().min(1), z.literal('all')]).default(1),
  fault: what,
});
type FaultRequest = z.infer<typeof faultRequest>;
export type Fault = z.infer<typeof what>;

/** The faults that wait for their requests. In memory only: a restart heals. */
export interface FaultBook {
  add(request: FaultRequest): void;
  clear(): void;
  list(): readonly FaultRequest[];
  /** The first fault that meets this request; counts it. */
  take(method: string, path: string): Fault | undefined;
}

/** `/api/v2/tailnet/T/acl` and `/api/v2/device/N` as a fault's pattern sees them: `/acl`, `/device/N`. */
export function faultPath(url: string): string {
  const path = (url.split('?')[0] ?? '').replace(/\/{2,}/g, '/').replace(/^\/api\/v2/, '');
  return path.replace(/^\/tailnet\/[^/]+/, '');
}

function matches(pattern: string, path: string): boolean {
  const parts = pattern.split('*').map((p) => p.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`).test(path);
}

/** An empty fault book. */
export function faultBook(): FaultBook {
  let waiting: FaultRequest[] = [];
  return {
    add(request) {
      waiting = [...waiting, request];
    },
    clear() {
      waiting = [];
    },
    list() {
      return waiting;
    },
    take(method, path) {
      const index = waiting.findIndex((f) => {
        const [wanted, pattern] = f.route.split(' ', 2);
        return (wanted === '*' || wanted === method) && matches(pattern ?? '', path);
      });
      const found = waiting[index];
      if (found === undefined) return undefined;
      if (found.times !== 'all') {
        const left = found.times - 1;
        waiting = waiting.flatMap((f, i) => (i !== index ? [f] : left === 0 ? [] : [{ ...found, times: left }]));
      }
      return found.fault;
    },
  };
}
