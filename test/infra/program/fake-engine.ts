import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { ServerUnaryCall, sendUnaryData } from '@grpc/grpc-js';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import resourceService from '@pulumi/pulumi/proto/resource_grpc_pb.js';
import resourceMessages from '@pulumi/pulumi/proto/resource_pb.js';
import emptyMessages from 'google-protobuf/google/protobuf/empty_pb.js';
import { compiledFolder } from '../../../infra/engine/cache-folder.ts';
import type { PropertyObject } from '../../../infra/grpc/property-value.ts';
import { engineMessages, engineService } from '../../../infra/grpc/proto.ts';
import { fromOptionalStruct, toStruct } from '../../../infra/grpc/struct.ts';

/** What Node compiles is kept from run to run, as the engine's environment has it. */
const COMPILED = compiledFolder(process.env);

/** One resource as the program registered it. */
export interface Registration {
  readonly type: string;
  readonly name: string;
  readonly urn: string;
  readonly parent: string;
  readonly provider: string;
  readonly inputs: PropertyObject;
  readonly dependencies: readonly string[];
  readonly retainOnDelete: boolean;
  readonly protect: boolean;
  readonly importId: string;
  readonly version: string;
  /** Position among all beginnings and ends: `began` of one after `ended` of another means that it waited for it. */
  readonly began: number;
  ended: number;
}

export interface ProgramRun {
  readonly exitCode: number;
  readonly resources: readonly Registration[];
  readonly outputs: PropertyObject;
  readonly log: readonly string[];
  /** Everything the program sent to the engine and printed, to search for what must not be there. */
  readonly everything: string;
}

/** Types that the engine does not keep as custom resources of a provider. */
const isProvider = (type: string) => type.startsWith('pulumi:providers:');

/**
 * Runs a Pulumi program the way a language host does, against an engine that accepts every registration and remembers it.
 * Outputs are the inputs; each registration takes a moment, so that what waits for what can be seen.
 * @param entry the program's entry point
 */
export async function runProgram(
  entry: string,
  setup: {
    readonly config: Readonly<Record<string, string>>;
    readonly rootDirectory: string;
    readonly env?: Readonly<Record<string, string>>;
  },
): Promise<ProgramRun> {
  const engine = await startEngine();
  try {
    const sdk = dirname(createRequire(import.meta.url).resolve('@pulumi/pulumi/package.json'));
    const argv = [
      join(sdk, 'cmd', 'run'),
      ...['--monitor', engine.address, '--engine', engine.address, '--project', 'cordon', '--stack', 'dev'],
      ...['--root-directory', setup.rootDirectory, '--pwd', dirname(entry), '--parallel', '8', entry],
    ];
    const config = Object.fromEntries(Object.entries(setup.config).map(([key, value]) => [`cordon:${key}`, value]));
    const env = {
      PATH: process.env['PATH'] ?? '',
      NODE_COMPILE_CACHE: COMPILED,
      ...setup.env,
      PULUMI_CONFIG: JSON.stringify(config),
    };
    const { exitCode, printed } = await run(argv, env);
    return { exitCode, ...engine.seen(), everything: printed + engine.raw() };
  } finally {
    engine.stop();
  }
}

function run(argv: readonly string[], env: Record<string, string>): Promise<{ exitCode: number; printed: string }> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, argv, { env, timeout: 60_000 }, (_error, stdout, stderr) => {
      resolve({ exitCode: child.exitCode ?? -1, printed: stdout + stderr });
    });
  });
}

class Unimplemented extends Error {}

async function startEngine() {
  const resources: Registration[] = [];
  const log: string[] = [];
  const raw: string[] = [];
  let outputs: PropertyObject = {};
  let clock = 0;
  let root = '';

  const answers: Record<string, (request: never) => Promise<unknown>> = {
    // So that the SDK asks feature by feature instead.
    getDeploymentInfo: () => Promise.reject(new Unimplemented()),
    async supportsFeature() {
      return new resourceMessages.SupportsFeatureResponse().setHassupport(true);
    },
    async registerResource(request: InstanceType<typeof resourceMessages.RegisterResourceRequest>) {
      const type = request.getType();
      const urn = `urn:pulumi:dev::cordon::${type}::${request.getName()}`;
      const entry: Registration = {
        type,
        name: request.getName(),
        urn,
        parent: request.getParent(),
        provider: request.getProvider(),
        inputs: fromOptionalStruct(request.getObject()) ?? {},
        dependencies: request.getDependenciesList(),
        retainOnDelete: request.getRetainondelete() ?? false,
        protect: request.getProtect() ?? false,
        importId: request.getImportid(),
        version: request.getVersion(),
        began: clock++,
        ended: Number.POSITIVE_INFINITY,
      };
      resources.push(entry);
      if (request.getCustom()) await new Promise((done) => setTimeout(done, 30));
      entry.ended = clock++;
      const response = new resourceMessages.RegisterResourceResponse().setUrn(urn).setObject(toStruct(entry.inputs));
      return request.getCustom() || isProvider(type) ? response.setId(`id-${request.getName()}`) : response;
    },
    async registerResourceOutputs(request: InstanceType<typeof resourceMessages.RegisterResourceOutputsRequest>) {
      if (request.getUrn() === root) outputs = fromOptionalStruct(request.getOutputs()) ?? {};
      return new emptyMessages.Empty();
    },
    async registerPackage() {
      return new resourceMessages.RegisterPackageResponse().setRef('package');
    },
    async log(request: InstanceType<typeof engineMessages.LogRequest>) {
      const severities = Object.entries(engineMessages.LogSeverity);
      const severity = severities.find(([, number]) => number === request.getSeverity())?.[0] ?? '?';
      if (severity !== 'DEBUG') log.push(`${severity.toLowerCase()}: ${request.getMessage()}`);
      return new emptyMessages.Empty();
    },
    async getRootResource() {
      return new engineMessages.GetRootResourceResponse().setUrn(root);
    },
    async setRootResource(request: InstanceType<typeof engineMessages.SetRootResourceRequest>) {
      root = request.getUrn();
      return new engineMessages.SetRootResourceResponse();
    },
    async requirePulumiVersion() {
      return new engineMessages.RequirePulumiVersionResponse();
    },
  };

  const server = new Server();
  for (const service of [resourceService.ResourceMonitorService, engineService.EngineService]) {
    const methods: [string, { responseType: new () => unknown }][] = Object.entries(service) as never;
    const handlers = methods.map(([key, { responseType: Response }]) => {
      const answer = answers[key] ?? (async () => new Response());
      const handler = (call: ServerUnaryCall<{ toObject(): unknown }, unknown>, done: sendUnaryData<unknown>) => {
        raw.push(JSON.stringify(call.request.toObject()));
        answer(call.request as never).then(
          (response) => done(null, response),
          (error: Error) => done({ code: error instanceof Unimplemented ? 12 : 2, details: error.message }),
        );
      };
      return [key, handler] as const;
    });
    server.addService(service, Object.fromEntries(handlers));
  }
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return {
    address: `127.0.0.1:${port}`,
    seen: () => ({ resources, outputs, log }),
    raw: () => raw.join('\n'),
    stop: () => server.forceShutdown(),
  };
}
