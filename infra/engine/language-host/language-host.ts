import type {
  handleServerStreamingCall,
  handleUnaryCall,
  ServerWritableStream,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { Server } from '@grpc/grpc-js';
import type {
  GenerateProgramRequest,
  RunPluginRequest,
  RunPluginResponse,
  RunRequest,
} from '@pulumi/pulumi/proto/language_pb.js';
import { ProviderError, status } from '../../grpc/errors.ts';
import { emptyMessages, languageMessages, languageService, pluginMessages } from '../../grpc/proto.ts';
import { listenOnLoopback } from '../../grpc/serve.ts';
import { toServiceError } from '../../grpc/status.ts';
import { engineVersion } from '../versions.ts';
import { importedDeclarations } from './generated-code.ts';
import { runHostedPlugin } from './hosted-plugin.ts';
import { runProgram } from './program.ts';

/** A language host that answers on loopback. */
export interface RunningLanguageHost {
  readonly port: number;
  stop(): void;
}

/**
 * The language host for Node programs, for engines that come without Pulumi's own: a thin server of the LanguageRuntime
 * service (pulumi proto/pulumi/language.proto), since everything that matters is in the npm package `@pulumi/pulumi`. What
 * it does not implement answers UNIMPLEMENTED, and the engine takes that for "does not have it": dependencies are not
 * looked up (our plugins are found by their names), templates and `pulumi install` do nothing.
 * @param engineAddress address of the engine that started it
 */
export async function startLanguageHost(engineAddress: string): Promise<RunningLanguageHost> {
  const ended = new AbortController();
  const server = new Server();
  server.addService(languageService.LanguageRuntimeService, serviceOf(engineAddress, ended));
  const port = await listenOnLoopback(server);
  return {
    port,
    stop() {
      ended.abort();
      server.forceShutdown();
    },
  };
}

function serviceOf(engineAddress: string, ended: AbortController): UntypedServiceImplementation {
  const answers: Record<string, (request: unknown) => Promise<unknown>> = {
    handshake: async () => new languageMessages.LanguageHandshakeResponse(),
    getPluginInfo: async () => new pluginMessages.PluginInfo().setVersion(engineVersion()),
    getRequiredPlugins: async () => new languageMessages.GetRequiredPluginsResponse(),
    about: async () =>
      new languageMessages.AboutResponse().setExecutable(process.execPath).setVersion(process.versions.node),
    generateProgram: async (request) => generateProgram(request as GenerateProgramRequest),
    async run(request) {
      const { error, bail } = await runProgram(request as RunRequest, engineAddress, ended.signal);
      return new languageMessages.RunResponse().setError(error).setBail(bail);
    },
    async cancel() {
      ended.abort();
      return new emptyMessages.Empty();
    },
  };
  const service: UntypedServiceImplementation = {};
  for (const [key, method] of Object.entries(languageService.LanguageRuntimeService)) {
    const answer = answers[key];
    if (key === 'runPlugin') service[key] = runPlugin;
    else if (answer !== undefined) service[key] = unary(answer);
    else service[key] = method.responseStream ? refuseStream(key) : unary(refuse(key));
  }
  return service;
}

function unary(answer: (request: unknown) => Promise<unknown>): handleUnaryCall<unknown, unknown> {
  return (call, callback) => {
    answer(call.request).then(
      (response) => callback(null, response),
      (error: unknown) => callback(toServiceError(error).status),
    );
  };
}

const runPlugin: handleServerStreamingCall<unknown, unknown> = (call) => {
  const stream = call as ServerWritableStream<RunPluginRequest, RunPluginResponse>;
  runHostedPlugin(stream).catch((error: unknown) => stream.emit('error', toServiceError(error).status));
};

function refuse(method: string): (request: unknown) => Promise<never> {
  return async () => {
    throw new ProviderError(`${method} is not available from cordon's language host`, { code: status.UNIMPLEMENTED });
  };
}

function refuseStream(method: string): handleServerStreamingCall<unknown, unknown> {
  return (call) => {
    refuse(method)(undefined).catch((error: unknown) => call.emit('error', toServiceError(error).status));
  };
}

async function generateProgram(request: GenerateProgramRequest) {
  const response = new languageMessages.GenerateProgramResponse();
  const sources = new Map(request.getSourceMap().getEntryList());
  const encoder = new TextEncoder();
  for (const [name, text] of importedDeclarations(sources)) response.getSourceMap().set(name, encoder.encode(text));
  return response;
}
