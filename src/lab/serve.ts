import { join } from 'node:path';
import { type Address, formatAddress } from '../net/address.ts';
import { CordonError } from '../source/error.ts';
import type { Topology } from '../topology/model.ts';
import type { Crew } from './crew.ts';
import type { Holding } from './holding.ts';
import { allDone } from './ip.ts';
import { type LabHost, tailnetOf } from './layout.ts';
import { findOllama, type ModelServer, OLLAMA_PORT, startOllama } from './model-server.ts';

/** A port that the lab answers: one line of text for each line. */
export interface Listener {
  readonly host: string;
  readonly addresses: readonly Address[];
  readonly port: number;
}

export interface ServeModelOptions {
  /** Default: the first TCP port of a service on the host's role, or else 11434. */
  readonly port?: number;
  /** `auto` (default) takes the real program where it is installed. */
  readonly server?: 'auto' | 'ollama' | 'stand-in';
  /** Directories to look for it, before the system's own (default: the environment's PATH). */
  readonly searchPath?: string;
}

export interface Serving {
  readonly topology: Topology;
  readonly holding: Holding;
  readonly crew: Crew;
  readonly isStopping: () => boolean;
}

/**
 * Listens on a port of every address that is not link-local.
 * @throws CordonError `lab-listen`, `lab-agent`
 */
export async function serveLine(serving: Serving, host: LabHost, port: number): Promise<Listener> {
  const addresses = servedAddresses(host);
  await listenOn(serving, host, addresses, port, 'line');
  return { host: host.name, addresses, port };
}

/** The TCP ports of the topology's services on a host: the first and the last of each range. */
export function servicePorts(topology: Topology, host: string): readonly number[] {
  const role = topology.hosts.get(host)?.role;
  const ranges = [...topology.services.values()].filter((s) => s.on === role).flatMap((s) => s.tcp);
  return [...new Set(ranges.flatMap((r) => [r.first, r.last]))];
}

/**
 * Puts a model server on every address of a host that is not link-local: the real one, once for each address (it listens
 * on one, or on all there are, loopback included), or else the stand-in.
 * @throws CordonError `lab-no-ollama`, `lab-ollama`, `lab-listen`, `lab-spawn`, `lab-agent`
 */
export async function serveModel(serving: Serving, host: LabHost, options: ServeModelOptions): Promise<ModelServer> {
  const port = options.port ?? servicePorts(serving.topology, host.name)[0] ?? OLLAMA_PORT;
  const addresses = servedAddresses(host);
  const wanted = options.server ?? 'auto';
  const program = wanted === 'stand-in' ? undefined : findOllama(options.searchPath ?? process.env['PATH'] ?? '');
  if (program === undefined) {
    if (wanted === 'ollama') {
      throw new CordonError('lab-no-ollama', 'ollama is not installed on this machine', {
        hint: 'install it, or let the stand-in answer instead',
      });
    }
    await listenOn(serving, host, addresses, port, 'stand-in');
    return { kind: 'stand-in', host: host.name, addresses, port, program: undefined };
  }
  const agent = await serving.crew.agentIn(host);
  const starts = addresses.map((address, i) => {
    const name = join(serving.holding.directory, `ollama-${host.name}-${i}`);
    return startOllama({
      agent,
      program,
      address,
      port,
      home: name,
      log: `${name}.log`,
      onSpawned: (pid) => serving.holding.record(pid),
      isStopping: serving.isStopping,
    });
  });
  await allDone(starts);
  return { kind: 'ollama', host: host.name, addresses, port, program };
}

async function listenOn(
  serving: Serving,
  host: LabHost,
  addresses: readonly Address[],
  port: number,
  serves: 'line' | 'stand-in',
): Promise<void> {
  const agent = await serving.crew.agentIn(host);
  const name = host.name;
  await Promise.all(addresses.map((a) => agent.listen({ serves, name, address: formatAddress(a), port })));
}

function servedAddresses(host: LabHost): readonly Address[] {
  return [...host.links.flatMap((l) => l.addresses.map((a) => a.address)), ...tailnetOf(host)];
}
