import { readFileSync } from 'node:fs';
import { tailnetAccess } from '../../src/observe/tailnet-access.ts';
import { tailnetClient } from '../../src/observe/tailnet-client.ts';
import { readPolicyText } from '../../src/observe/tailnet-policy.ts';
import { CordonError } from '../../src/source/error.ts';
import type { LivePolicy } from './policy-inputs.ts';

/**
 * Reads the live policy with the credentials in the environment of this process, which the engine hands down from the
 * person or job that runs `pulumi`. They go into no input and no state.
 * @throws CordonError `live-policy-unreadable`, or what tailnetAccess throws
 */
export async function readLivePolicy(api: { readonly baseUrl: string; readonly tailnet: string }): Promise<LivePolicy> {
  const env = { ...process.env, TAILSCALE_BASE_URL: api.baseUrl };
  const access = tailnetAccess(env, (path) => readFileSync(path, 'utf8'), api.tailnet);
  const read = await readPolicyText(tailnetClient(access), () => new Date());
  if (read.ok) return read.value;
  throw new CordonError(
    'live-policy-unreadable',
    `the live policy of tailnet ${api.tailnet} cannot be read, so nothing is written over it: ${read.entry.why}`,
  );
}
