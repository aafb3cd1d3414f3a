import { dirname, join } from 'node:path';
import { CordonError } from '../../src/source/error.ts';
import { engineCacheFolder } from './cache-folder.ts';
import { findGo, requiredGoVersion } from './go-toolchain.ts';
import { findInstalledCli, resolveExecutable } from './installed-cli.ts';
import { nodeExecutable } from './node-runtime.ts';
import type { EngineWay } from './provide-cli.ts';
import { cliAtHand } from './provide-cli.ts';
import { engineWay } from './provision.ts';
import { findTailscalePlugin } from './tailscale-plugin.ts';
import { engineVersion, tailscalePluginVersion } from './versions.ts';

/** One line of `cordon doctor` about the engine. */
export interface PieceStatus {
  readonly piece: 'node' | 'go' | 'cli' | 'language-host' | 'tailscale-plugin';
  /** `obtainable` = not here, but the next run that needs it will get it by itself. */
  readonly state: 'found' | 'stand-in' | 'obtainable' | 'missing';
  /** What it is: way and version, in words. */
  readonly what: string;
  readonly path?: string;
  /** What to do about it, if something is to be done. */
  readonly hint?: string;
}

export interface EngineStatus {
  readonly cacheDir: string;
  /** What CORDON_ENGINE forces. */
  readonly way: EngineWay | undefined;
  readonly pieces: readonly PieceStatus[];
}

/**
 * Which pieces of the engine are on this machine, of which kind, and what is missing. Looks only: nothing is written, no
 * host is asked, nothing is built.
 * @throws CordonError `engine-way-unknown`, `sdk-unusable`
 */
export async function engineStatus(
  options: { readonly environment?: NodeJS.ProcessEnv; readonly cacheDir?: string } = {},
): Promise<EngineStatus> {
  const environment = options.environment ?? process.env;
  const cache = options.cacheDir ?? engineCacheFolder(environment);
  const way = engineWay(environment);
  const go = await goStatus(environment);
  const cli = await cliStatus(cache, environment, way, go);
  const pieces = [nodeStatus(), go, cli, await languageHostStatus(cli), await pluginStatus(cache, environment, way)];
  return { cacheDir: cache, way, pieces };
}

function nodeStatus(): PieceStatus {
  try {
    const path = nodeExecutable();
    return { piece: 'node', state: 'found', what: `Node for programs and plugins`, path };
  } catch (error) {
    return { piece: 'node', state: 'missing', what: messageOf(error), hint: hintOf(error) };
  }
}

async function goStatus(environment: NodeJS.ProcessEnv): Promise<PieceStatus> {
  try {
    const go = await findGo(environment);
    return { piece: 'go', state: 'found', what: `Go ${go.version} (needed only to build the CLI)`, path: go.path };
  } catch (error) {
    if (!(error instanceof CordonError)) throw error;
    const what = `no Go ${await requiredGoVersion()} or newer (needed only to build the CLI)`;
    return { piece: 'go', state: 'missing', what, hint: hintOf(error) };
  }
}

async function cliStatus(
  cache: string,
  environment: NodeJS.ProcessEnv,
  way: EngineWay | undefined,
  go: PieceStatus,
): Promise<PieceStatus> {
  const here = await cliAtHand({ cache, environment }, way);
  if (here !== undefined) {
    return {
      piece: 'cli',
      state: 'found',
      what: `Pulumi CLI ${here.version} (${WAY_WORDS[here.kind]})`,
      path: here.path,
    };
  }
  const unusable = (await findInstalledCli(environment, cache)).map((cli) => `${cli.path}: ${cli.why ?? ''}`);
  const beside = unusable.length === 0 ? '' : `; not usable: ${unusable.join('; ')}`;
  const what = `no Pulumi CLI ${engineVersion()}${beside}`;
  if (way === 'installed') {
    return { piece: 'cli', state: 'missing', what, hint: `install Pulumi ${engineVersion()}, or unset CORDON_ENGINE` };
  }
  if (way === 'download')
    return { piece: 'cli', state: 'obtainable', what, hint: 'it is downloaded when it is needed' };
  if (go.state === 'found') {
    const hint =
      way === 'build'
        ? 'it is built when it is needed (about four minutes, once)'
        : 'it is downloaded when it is needed, or built (about four minutes, once) where the network does not allow that';
    return { piece: 'cli', state: 'obtainable', what, hint };
  }
  const state = way === 'build' ? 'missing' : 'obtainable';
  return {
    piece: 'cli',
    state,
    what,
    hint:
      way === 'build'
        ? (go.hint ?? '')
        : 'it is downloaded when it is needed; where the network does not allow that, install Go',
  };
}

async function languageHostStatus(cli: PieceStatus): Promise<PieceStatus> {
  const real = cli.path === undefined ? undefined : await resolveExecutable(cli.path);
  const bundled =
    real === undefined ? undefined : await resolveExecutable(join(dirname(real), 'pulumi-language-nodejs'));
  if (bundled !== undefined) return { piece: 'language-host', state: 'found', what: "the CLI's own", path: bundled };
  return { piece: 'language-host', state: 'found', what: "cordon's own, used with a CLI that brings none" };
}

async function pluginStatus(
  cache: string,
  environment: NodeJS.ProcessEnv,
  way: EngineWay | undefined,
): Promise<PieceStatus> {
  const version = tailscalePluginVersion();
  const path = await findTailscalePlugin(cache, environment);
  if (path !== undefined) {
    return { piece: 'tailscale-plugin', state: 'found', what: `Tailscale provider plugin ${version}`, path };
  }
  return {
    piece: 'tailscale-plugin',
    state: 'stand-in',
    what: `no Tailscale provider plugin ${version}: the stand-in takes its place, for loopback APIs only`,
    hint:
      way === 'build'
        ? `for a real tailnet: pulumi plugin install resource tailscale ${version}`
        : `it is downloaded when the network allows; by hand: pulumi plugin install resource tailscale ${version}`,
  };
}

const WAY_WORDS: Readonly<Record<EngineWay, string>> = {
  installed: 'installed',
  download: 'downloaded by cordon',
  build: 'built by cordon from its Go module',
};

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function hintOf(error: unknown): string {
  return (error instanceof CordonError ? error.hint : undefined) ?? '';
}
