import { z } from 'zod';
import type { TailnetClient } from '../observe/tailnet-client.ts';
import { jsonOf } from '../observe/tailnet-client.ts';

/** What became of a write to one device. */
export type DeviceWrite =
  | { readonly kind: 'written' }
  /** The service refused it (a tag without an owner, a malformed route); nothing was written. */
  | { readonly kind: 'rejected'; readonly message: string }
  | { readonly kind: 'failed'; readonly why: string; readonly mayHaveWritten: boolean };

const message = z.object({ message: z.string() });
const routesReply = z.object({ enabledRoutes: z.array(z.string()).nullish() });

type Step = { readonly done: false; readonly result: DeviceWrite } | { readonly done: true; readonly text: string };

async function post(client: TailnetClient, deviceId: string, what: 'tags' | 'routes', body: unknown): Promise<Step> {
  const exchange = await client.post(`/device/${encodeURIComponent(deviceId)}/${what}`, {
    body: JSON.stringify(body),
    contentType: 'application/json',
  });
  if (exchange.kind === 'ok') return { done: true, text: exchange.text };
  if (exchange.kind !== 'refused') {
    return { done: false, result: { kind: 'failed', why: exchange.why, mayHaveWritten: true } };
  }
  const said = client.scrub(message.safeParse(exchange.data).data?.message ?? 'no message');
  if (exchange.status === 400) return { done: false, result: { kind: 'rejected', message: said } };
  const why = `HTTP ${exchange.status}: ${said}`;
  return { done: false, result: { kind: 'failed', why, mayHaveWritten: exchange.status >= 500 } };
}

/**
 * Replaces the tags of a device. The API has no condition for this: whoever writes last wins, so look again afterwards.
 * @param deviceId `nodeId`
 */
export async function writeDeviceTags(
  client: TailnetClient,
  deviceId: string,
  tags: readonly string[],
): Promise<DeviceWrite> {
  const step = await post(client, deviceId, 'tags', { tags });
  return step.done ? { kind: 'written' } : step.result;
}

/**
 * Replaces the approved routes of a device; `[]` approves none. Written only if the answer shows exactly these: an
 * auto-approver may put some back at once.
 * @param deviceId `nodeId`
 * @param routes canonical prefixes (`10.0.0.0/24`)
 */
export async function writeDeviceRoutes(
  client: TailnetClient,
  deviceId: string,
  routes: readonly string[],
): Promise<DeviceWrite> {
  const step = await post(client, deviceId, 'routes', { routes });
  if (!step.done) return step.result;
  const reply = routesReply.safeParse(jsonOf(step.text));
  const enabled = (reply.data?.enabledRoutes ?? []).toSorted();
  if (reply.success && enabled.join(' ') === routes.toSorted().join(' ')) return { kind: 'written' };
  const why = reply.success ? `approved routes are now [${enabled.join(', ')}]` : 'an answer without routes';
  return { kind: 'failed', why, mayHaveWritten: true };
}
