import { readFileSync } from 'node:fs';
import type { Evidence } from '../state/evidence.ts';
import type { Topology } from '../topology/model.ts';
import { observeHosts } from './host.ts';
import { observeTailnetFrom } from './tailnet.ts';
import type { ClientLimits } from './tailnet-client.ts';

/** What one look at the world gave. */
export interface WorldObservation {
  readonly evidence: Evidence;
  /** The tailnet's answers came from cordon's own emulator. */
  readonly emulated: boolean;
}

export interface ObserveWorldOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly now: () => Date;
  /** Limit of every single command on a host. */
  readonly hostTimeoutMs?: number;
  readonly tailnetLimits?: ClientLimits;
}

/**
 * Reads everything the topology names: the tailnet with the credentials of the environment, and each host over its
 * access. Never throws for a source that does not answer: that is an entry of the evidence.
 */
export async function observeWorld(topology: Topology, options: ObserveWorldOptions): Promise<WorldObservation> {
  const { env, now } = options;
  const hosts = [...topology.hosts.values()].map(({ name, access }) => ({ name, access }));
  const [tailnet, hostSources] = await Promise.all([
    observeTailnetFrom(env, (path) => readFileSync(path, 'utf8'), {
      tailnetId: topology.tailnet.id,
      devicesDeclared: [...topology.hosts.values()].some((h) => h.device !== undefined),
      now,
      ...(options.tailnetLimits === undefined ? {} : { limits: options.tailnetLimits }),
    }),
    observeHosts(hosts, {
      now: () => now().toISOString(),
      ...(options.hostTimeoutMs === undefined ? {} : { timeoutMs: options.hostTimeoutMs }),
    }),
  ]);
  return { evidence: { sources: { ...tailnet.sources, ...hostSources } }, emulated: tailnet.emulated };
}
