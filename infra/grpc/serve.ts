import { setTimeout } from 'node:timers/promises';
import type {
  handleServerStreamingCall,
  handleUnaryCall,
  sendUnaryData,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import type { Answer } from './calls.ts';
import { callsOf } from './calls.ts';
import type { EngineLog } from './engine-log.ts';
import { connectEngineLog } from './engine-log.ts';
import { ProviderError, status } from './errors.ts';
import { emptyMessages, pluginMessages, providerService } from './proto.ts';
import type { ProviderDefinition } from './provider.ts';
import { toServiceError } from './status.ts';

/** Message size the engine itself allows (pulumi sdk/go/common/util/rpcutil: 400 MB); the state of a stack is large. */
const MAX_MESSAGE_BYTES = 400 * 1024 * 1024;

/** Longest time for answers to leave once there is nothing more to wait for. */
const FLUSH_MS = 500;

/** A provider that answers on loopback. */
export interface RunningProvider {
  readonly port: number;
  /** Aborts the calls that run and closes the port at once. */
  stop(): void;
  /** Aborts the calls that run, waits until they have answered, but no longer than `graceMs`, and closes the port. */
  finish(graceMs: number): Promise<void>;
}

/**
 * Serves a provider on a free port of 127.0.0.1. Needs no engine, so tests drive it directly.
 * @param engineAddress where its log messages go; undefined drops them
 * @throws ProviderError if loopback cannot be listened on
 */
export async function startProvider(
  definition: ProviderDefinition,
  engineAddress: string | undefined,
): Promise<RunningProvider> {
  const engine = connectEngineLog(engineAddress);
  const cancelled = new AbortController();
  const running = new Set<Promise<void>>();
  const server = new Server({
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
  });
  server.addService(providerService.ResourceProviderService, serviceOf(definition, engine, cancelled, running));
  const port = await listenOnLoopback(server);
  const close = () => {
    engine.close();
    server.forceShutdown();
  };
  return {
    port,
    stop() {
      cancelled.abort();
      close();
    },
    async finish(graceMs) {
      cancelled.abort();
      await Promise.race([Promise.allSettled(running), setTimeout(graceMs, undefined, { ref: false })]);
      // The last answers are still on their way out.
      await Promise.race([
        new Promise((resolve) => server.tryShutdown(resolve)),
        setTimeout(FLUSH_MS, undefined, { ref: false }),
      ]);
      close();
    },
  };
}

/**
 * Binds a gRPC server to a free port of 127.0.0.1.
 * @throws ProviderError (unavailable) with the reason as cause
 */
export function listenOnLoopback(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port);
      else reject(new ProviderError('cannot listen on 127.0.0.1', { cause: error, code: status.UNAVAILABLE }));
    });
  });
}

function serviceOf(
  definition: ProviderDefinition,
  engine: EngineLog,
  cancelled: AbortController,
  running: Set<Promise<void>>,
): UntypedServiceImplementation {
  const track = (work: Promise<void>) => {
    running.add(work);
    void work.finally(() => running.delete(work));
  };
  const answers: Readonly<Record<string, Answer | undefined>> = {
    ...callsOf(definition.handlers),
    getPluginInfo: async () => new pluginMessages.PluginInfo().setVersion(definition.version),
    cancel: async () => {
      cancelled.abort();
      return new emptyMessages.Empty();
    },
  };
  const service: UntypedServiceImplementation = {};
  for (const [key, method] of Object.entries(providerService.ResourceProviderService)) {
    const answer = answers[key] ?? unimplemented(String(method.path).split('/').at(-1) ?? key);
    const unary: handleUnaryCall<unknown, unknown> = (call, callback) => {
      track(respond(answer, call.request, engine, cancelled.signal, callback));
    };
    // The one stream, List, is only ever refused: a refusal is all that its handler has to be able to send.
    const refuse: handleServerStreamingCall<unknown, unknown> = (call) => {
      track(respond(answer, call.request, engine, cancelled.signal, (error) => call.emit('error', error)));
    };
    service[key] = method.responseStream ? refuse : unary;
  }
  return service;
}

async function respond(
  answer: Answer,
  message: unknown,
  engine: EngineLog,
  signal: AbortSignal,
  callback: sendUnaryData<unknown>,
): Promise<void> {
  const urn = urnOf(message);
  try {
    callback(
      null,
      await answer(message, { signal, log: (severity, text) => engine.log({ severity, message: text, urn }) }),
    );
  } catch (error) {
    const { status: failed, fullText } = toServiceError(error);
    if (fullText !== undefined) await engine.log({ severity: 'error', message: fullText, urn });
    callback(failed);
  }
}

function urnOf(message: unknown): string {
  const carries = typeof message === 'object' && message !== null && 'getUrn' in message;
  return carries && typeof message.getUrn === 'function' ? String(message.getUrn()) : '';
}

function unimplemented(rpcName: string): Answer {
  return async () => {
    throw new ProviderError(`${rpcName} is not yet implemented`, { code: status.UNIMPLEMENTED });
  };
}
