import { setTimeout as sleep } from 'node:timers/promises';
import type { Address } from '../net/address.ts';
import { formatAddress } from '../net/address.ts';
import { CordonError } from '../source/error.ts';
import type { LabAgent } from './agent-client.ts';
import type { HttpRequest } from './command.ts';
import { ReceiverKernel } from './receiver.ts';
import type { Probed } from './reply.ts';

/** Where a probe goes. */
export interface ProbeTarget {
  readonly address: Address;
  readonly port: number;
}

export interface ProbeOptions {
  /** How long the answer may take (default 1000). */
  readonly timeoutMs?: number;
  /** Make an HTTP request; without it, a plain TCP connection is the probe. */
  readonly http?: HttpRequest;
}

/**
 * What the prober saw.
 * - `answered`: the TCP handshake was completed, and the HTTP response came if there was a request.
 * - `refused`: a reset came back.
 * - `timeout`: nothing came in time.
 * - `unreachable`: the kernel said that there is no way, or that it is not permitted.
 */
type ProbeOutcome = 'answered' | 'refused' | 'timeout' | 'unreachable';

/**
 * What shows that the receiver got something, the strongest first: a listener read the probe's id; the receiver's kernel
 * holds the connection, open or half open; the prober's handshake was completed, by whomever; nobody listens there, and
 * the receiver's kernel made a reset while the probe ran. The last two err towards "delivered".
 */
type DeliveryProof = 'id' | 'connection' | 'handshake' | 'reset';

export interface ProbeResult {
  /** Travelled in the probe's payload. */
  readonly id: string;
  /** Name of the probing host or neighbour. */
  readonly from: string;
  readonly to: ProbeTarget;
  /** Name of the host or neighbour that has the address; undefined when nobody in the lab has it. */
  readonly receiver: string | undefined;
  readonly outcome: ProbeOutcome;
  readonly delivered: boolean;
  readonly proof: DeliveryProof | undefined;
  /** Error code of the prober's kernel (errno(3)). */
  readonly error: string | undefined;
  readonly elapsedMs: number;
  readonly response: { readonly status: number; readonly body: string } | undefined;
}

/** True when no answer came back and nothing arrived: "no answer" alone would miss a flow whose answers are dropped. */
export function isBlocked(result: ProbeResult): boolean {
  return result.outcome !== 'answered' && !result.delivered;
}

/** One side of a probe: its name and the process in its namespace. */
interface ProbeEnd {
  readonly name: string;
  readonly agent: LabAgent;
}

export interface ProbeRun {
  readonly id: string;
  readonly from: ProbeEnd;
  readonly to: ProbeTarget;
  /** Interface for a link-local target. */
  readonly zone: string | undefined;
  readonly receiver: ProbeEnd | undefined;
  readonly options: ProbeOptions;
  /** Gives a source port that no other probe of the lab has. */
  readonly nextPort: () => number;
  /** Whether a listener of the lab's own is there, which reports the ids that it reads. */
  readonly expectsId: boolean;
  /** True when a listener of the lab has read this id. */
  readonly hasSeen: (id: string) => boolean;
}

const DEFAULT_TIMEOUT_MS = 1_000;
/** A listener's word travels over another process's channel than the prober's. */
const ID_GRACE_MS = 200;
const PORT_ATTEMPTS = 5;

/** Sends one probe and asks both ends what came of it. */
export async function runProbe(run: ProbeRun): Promise<ProbeResult> {
  const kernel = run.receiver === undefined ? undefined : new ReceiverKernel(run.receiver.agent.pid);
  const resetsBefore = kernel?.resetsSent() ?? 0;
  const { probed, release, localPort } = await send(run);
  try {
    const proof = await proofOf(run, probed, kernel, localPort, resetsBefore);
    return {
      id: run.id,
      from: run.from.name,
      to: run.to,
      receiver: run.receiver?.name,
      outcome: outcomeOf(probed),
      delivered: proof !== undefined,
      proof,
      error: probed.error,
      elapsedMs: probed.elapsedMs,
      response: probed.response,
    };
  } finally {
    release();
  }
}

async function send(run: ProbeRun): Promise<{ probed: Probed; release: () => void; localPort: number }> {
  const address = formatAddress(run.to.address) + (run.zone === undefined ? '' : `%${run.zone}`);
  for (let attempt = 1; ; attempt++) {
    const localPort = run.nextPort();
    const { probed, release } = await run.from.agent.probe({
      id: run.id,
      address,
      port: run.to.port,
      localPort,
      timeoutMs: run.options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
      ...(run.options.http === undefined ? {} : { http: run.options.http }),
    });
    // Somebody on the probing host uses the source port: that says nothing about the way.
    const isPortTaken = probed.error === 'EADDRINUSE' || probed.error === 'EADDRNOTAVAIL';
    if (!isPortTaken || attempt === PORT_ATTEMPTS) return { probed, release, localPort };
    release();
  }
}

async function proofOf(
  run: ProbeRun,
  probed: Probed,
  kernel: ReceiverKernel | undefined,
  localPort: number,
  resetsBefore: number,
): Promise<DeliveryProof | undefined> {
  const isConnected = probed.outcome === 'answered' || probed.outcome === 'connected';
  if (isConnected && run.expectsId) await waitFor(() => run.hasSeen(run.id), ID_GRACE_MS);
  if (run.hasSeen(run.id)) return 'id';
  if (kernel?.hasConnection(run.to.port, localPort)) return 'connection';
  if (isConnected) return 'handshake';
  if (kernel !== undefined && !kernel.isListeningOn(run.to.address, run.to.port) && kernel.resetsSent() > resetsBefore)
    return 'reset';
  return undefined;
}

async function waitFor(condition: () => boolean, limitMs: number): Promise<void> {
  for (let waited = 0; !condition() && waited < limitMs; waited += 5) await sleep(5);
}

/** What the kernel says when there is no way to the address, or none that this host may take (ip(7), tcp(7)). */
const NO_WAY = new Set(['ENETUNREACH', 'EHOSTUNREACH', 'ENETDOWN', 'EADDRNOTAVAIL', 'EACCES', 'EPERM', 'EINVAL']);

function outcomeOf(probed: Probed): ProbeOutcome {
  if (probed.outcome === 'answered' || probed.outcome === 'timeout') return probed.outcome;
  const error = probed.error ?? '';
  if (error === 'ECONNREFUSED' || error === 'ECONNRESET') return 'refused';
  if (probed.outcome === 'connected' || error === 'ETIMEDOUT') return 'timeout';
  if (NO_WAY.has(error)) return 'unreachable';
  // "Too many open files" must not look like a firewall.
  throw new CordonError('lab-probe', `a probe could not be made: ${error}`);
}
