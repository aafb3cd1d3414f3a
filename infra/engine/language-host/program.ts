import { join } from 'node:path';
import type { ProgramInfo, RunRequest } from '@pulumi/pulumi/proto/language_pb.js';
import { execa } from 'execa';
import type { Struct } from 'google-protobuf/google/protobuf/struct_pb.js';
import { fromStruct } from '../../grpc/struct.ts';
import { sdkFolder } from '../package-root.ts';

/** Exit code of the SDK's runner when the program's error has been shown already (pulumi sdk/nodejs/cmd/run/index.ts). */
const ALREADY_REPORTED = 32;

/** How a program ended. */
export interface ProgramEnd {
  /** Shown by the engine; empty = no error. */
  readonly error: string;
  /** The program failed and said why itself. */
  readonly bail: boolean;
}

/**
 * Runs a Pulumi program with the SDK's own runner, as Pulumi's language host does (pulumi
 * sdk/nodejs/cmd/pulumi-language-nodejs/main.go: execNodejs). Its output becomes ours, which the engine shows.
 * @param engineAddress what the program logs to
 */
export async function runProgram(
  request: RunRequest,
  engineAddress: string,
  cancelSignal: AbortSignal,
): Promise<ProgramEnd> {
  const info = request.getInfo();
  const options = runtimeOptions(info);
  const args = [
    ...options.nodeArgs,
    join(sdkFolder(), 'cmd', 'run'),
    ...argument('--monitor', request.getMonitorAddress()),
    ...argument('--engine', engineAddress),
    ...argument('--organization', request.getOrganization()),
    ...argument('--project', request.getProject()),
    ...argument('--stack', request.getStack()),
    ...argument('--pwd', request.getPwd()),
    ...argument('--root-directory', info?.getRootDirectory() ?? ''),
    ...(request.getDryrun() ? ['--dry-run'] : []),
    ...(request.getQuerymode() ? ['--query-mode'] : []),
    ...argument('--parallel', request.getParallel() > 0 ? String(request.getParallel()) : ''),
    info?.getEntryPoint() || request.getProgram() || '.',
    ...request.getArgsList(),
  ];
  const child = await execa(process.execPath, args, {
    cwd: info?.getProgramDirectory() || request.getPwd(),
    env: {
      PULUMI_CONFIG: JSON.stringify(Object.fromEntries(request.getConfigMap().getEntryList())),
      PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(request.getConfigsecretkeysList()),
      ...(options.typeScript ? { PULUMI_NODEJS_TYPESCRIPT: 'true' } : {}),
      ...(options.tsConfig === undefined ? {} : { PULUMI_NODEJS_TSCONFIG_PATH: options.tsConfig }),
    },
    stdio: ['ignore', 'inherit', 'inherit'],
    cancelSignal,
    reject: false,
  });
  if (child.exitCode === 0) return { error: '', bail: false };
  if (child.exitCode === ALREADY_REPORTED) return { error: '', bail: true };
  const how =
    child.exitCode === undefined ? `was ended by ${child.signal ?? 'a signal'}` : `exited with code ${child.exitCode}`;
  return { error: `the program ${how}`, bail: false };
}

/** Options under `runtime` in Pulumi.yaml. TypeScript loading is on unless switched off, as in Pulumi's own host. */
function runtimeOptions(info: ProgramInfo | undefined): { nodeArgs: string[]; typeScript: boolean; tsConfig?: string } {
  const struct = info?.getOptions();
  const options = struct === undefined ? {} : fromStruct(struct as Struct);
  const { nodeargs, typescript, tsconfig } = options;
  return {
    nodeArgs: typeof nodeargs === 'string' ? nodeargs.split(/\s+/).filter((arg) => arg !== '') : [],
    typeScript: typescript !== false,
    ...(typeof tsconfig === 'string' ? { tsConfig: tsconfig } : {}),
  };
}

function argument(name: string, value: string): string[] {
  return value === '' ? [] : [name, value];
}
