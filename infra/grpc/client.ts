import type { ServiceError, UntypedServiceImplementation } from '@grpc/grpc-js';
import { credentials, Server } from '@grpc/grpc-js';
import type { LogEntry, LogSeverity } from './engine-log.ts';
import { emptyMessages, engineMessages, engineService, providerService } from './proto.ts';
import { listenOnLoopback } from './serve.ts';

/*
 * The engine's side of the plugin protocol, as far as driving one plugin without an engine needs it: tests of our
 * plugins, and replay of recordings.
 */

/** Client of the provider at 127.0.0.1:`port`. Close it when done. */
export function connectProvider(port: number) {
  return new providerService.ResourceProviderClient(`127.0.0.1:${port}`, credentials.createInsecure());
}

/**
 * Calls one unary method and waits for its answer.
 * @example await unary((done) => client.check(request, done))
 * @throws ServiceError of gRPC, with `code` and `details`
 */
export function unary<Response>(
  start: (done: (error: ServiceError | null, response: Response) => void) => unknown,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    start((error, response) => {
      if (error === null) resolve(response);
      else reject(error);
    });
  });
}

/** An engine that only collects what plugins log. */
export interface LogCollector {
  /** What a plugin takes as its last argument. */
  readonly address: string;
  readonly entries: LogEntry[];
  stop(): void;
}

/** Starts a log collector on loopback. */
export async function startLogCollector(): Promise<LogCollector> {
  const entries: LogEntry[] = [];
  const { LogSeverity: S } = engineMessages;
  const names: Record<number, LogSeverity> = {
    [S.DEBUG]: 'debug',
    [S.INFO]: 'info',
    [S.WARNING]: 'warning',
    [S.ERROR]: 'error',
  };
  const server = new Server();
  const service: UntypedServiceImplementation = {};
  for (const key of Object.keys(engineService.EngineService)) {
    service[key] = (call: { request: unknown }, callback: (error: null, response: unknown) => void) => {
      if (call.request instanceof engineMessages.LogRequest) {
        const urn = call.request.getUrn();
        entries.push({
          severity: names[call.request.getSeverity()] ?? 'error',
          message: call.request.getMessage(),
          ...(urn === '' ? {} : { urn }),
        });
      }
      callback(null, emptyAnswerOf(key));
    };
  }
  server.addService(engineService.EngineService, service);
  const port = await listenOnLoopback(server);
  return { address: `127.0.0.1:${port}`, entries, stop: () => server.forceShutdown() };
}

function emptyAnswerOf(method: string) {
  if (method === 'log') return new emptyMessages.Empty();
  if (method === 'getRootResource') return new engineMessages.GetRootResourceResponse();
  if (method === 'setRootResource') return new engineMessages.SetRootResourceResponse();
  if (method === 'requirePulumiVersion') return new engineMessages.RequirePulumiVersionResponse();
  return new emptyMessages.Empty();
}
