import { join } from 'node:path';
import type { ServerWritableStream } from '@grpc/grpc-js';
import type { RunPluginRequest, RunPluginResponse } from '@pulumi/pulumi/proto/language_pb.js';
import { execa } from 'execa';
import { languageMessages } from '../../grpc/proto.ts';
import { sdkFolder } from '../package-root.ts';

/**
 * Runs a plugin that is a Node project (a policy pack, or a folder with PulumiPlugin.yaml) and passes its output to the
 * engine, which reads the plugin's port from it. Ends the plugin when the engine ends the call.
 *
 * A policy pack runs in its own folder, because `@pulumi/policy` reads name and version from the package.json there; other
 * plugins run where the engine says.
 */
export async function runHostedPlugin(call: ServerWritableStream<RunPluginRequest, RunPluginResponse>): Promise<void> {
  const { request } = call;
  const folder = request.getInfo()?.getProgramDirectory() || request.getProgram();
  const ended = new AbortController();
  call.on('cancelled', () => ended.abort());
  const isPolicyPack = request.getKind() === 'analyzer';
  const args = isPolicyPack
    ? [join(sdkFolder(), 'cmd', 'run-policy-pack'), ...request.getArgsList(), folder]
    : [join(sdkFolder(), 'cmd', 'run-plugin'), folder, ...request.getArgsList()];
  const child = execa(process.execPath, args, {
    cwd: isPolicyPack ? folder : request.getPwd(),
    env: environmentOf(request.getEnvList()),
    extendEnv: false,
    stdio: ['ignore', 'pipe', 'pipe'],
    buffer: false,
    encoding: 'buffer',
    cancelSignal: ended.signal,
    reject: false,
  });
  child.stdout.on('data', (part: Buffer) => call.write(new languageMessages.RunPluginResponse().setStdout(part)));
  child.stderr.on('data', (part: Buffer) => call.write(new languageMessages.RunPluginResponse().setStderr(part)));
  const { exitCode } = await child;
  if (ended.signal.aborted) return;
  call.write(new languageMessages.RunPluginResponse().setExitcode(exitCode ?? 1));
  call.end();
}

/** The engine sends the whole environment as `NAME=VALUE` lines. */
function environmentOf(lines: readonly string[]): NodeJS.ProcessEnv {
  const entries = lines.map((line): [string, string] => {
    const at = line.indexOf('=', 1);
    return at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at + 1)];
  });
  return lines.length === 0 ? process.env : Object.fromEntries(entries);
}
