import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CordonError } from '../../src/source/error.ts';
import { engineCacheFolder } from './cache-folder.ts';
import { closedEnvironment, enginePath } from './environment.ts';
import { pulumiHomeOfUser, resolveExecutable } from './installed-cli.ts';
import { checkoutFolder, writeLanguageHost, writePulumi } from './launchers.ts';
import type { ReportProgress } from './progress.ts';
import type { EngineCli, EngineWay } from './provide-cli.ts';
import { ENGINE_WAYS, provideCli } from './provide-cli.ts';
import type { EngineSources } from './sources.ts';
import { REAL_SOURCES } from './sources.ts';
import type { TailscalePlugin } from './tailscale-plugin.ts';
import { provideTailscalePlugin } from './tailscale-plugin.ts';

/** An engine that is ready to run. */
export interface Engine {
  /** Pulumi CLI. */
  readonly cli: string;
  readonly cliKind: EngineWay;
  /** Without `v`. */
  readonly version: string;
  /** `bundled` with the CLI, or our `own`. */
  readonly languageHost: { readonly kind: 'bundled' | 'own'; readonly path: string };
  readonly tailscalePlugin: TailscalePlugin;
  /** PULUMI_HOME; ours, never the user's. */
  readonly home: string;
  /** Folder with a `pulumi` that brings its environment along, to put on the PATH for typing by hand. */
  readonly bin: string;
  /** To run the CLI with, on top of the process environment. */
  readonly env: Readonly<Record<string, string>>;
}

export interface ProvisionOptions {
  /** Forces one way; otherwise the environment variable CORDON_ENGINE does; otherwise the first that works is taken. */
  readonly way?: EngineWay;
  readonly onProgress?: ReportProgress;
  /** Default: `cordon/engine` in the user's cache folder. */
  readonly cacheDir?: string;
  readonly environment?: NodeJS.ProcessEnv;
  readonly sources?: EngineSources;
}

/**
 * Finds or gets the engine: CLI, language host for Node and Tailscale provider plugin. In this order: what is installed;
 * Pulumi's own downloads, where their host can be reached; the CLI built from its Go module, with our language host and
 * the stand-in. The way `build` asks no host but the Go module proxy. What was got is kept in the cache, so the next run
 * takes no time.
 * @throws CordonError with a hint what to do
 */
export async function provisionEngine(options: ProvisionOptions = {}): Promise<Engine> {
  const environment = options.environment ?? process.env;
  const way = options.way ?? engineWay(environment);
  const cache = options.cacheDir ?? engineCacheFolder(environment);
  const report = options.onProgress ?? (() => {});
  const sources = options.sources ?? REAL_SOURCES;

  const cli = await provideCli({ cache, environment, sources, report }, way);
  report({ piece: 'cli', state: 'ready', message: `Pulumi CLI ${cli.version} (${cli.kind}) at ${cli.path}` });
  const folder = checkoutFolder(cache);
  const languageHost = await provideLanguageHost(cli, folder.home);
  report({ piece: 'language-host', state: 'ready', message: `language host for Node (${languageHost.kind})` });
  const tailscalePlugin = await provideTailscalePlugin({
    cache,
    home: folder.home,
    cli: cli.path,
    environment,
    sources,
    mayDownload: way !== 'build',
    required: way === 'download',
    report,
  });
  await writePulumi(folder, cli.path);
  return {
    cli: cli.path,
    cliKind: cli.kind,
    version: cli.version,
    languageHost,
    tailscalePlugin,
    home: folder.home,
    bin: folder.bin,
    env: {
      ...closedEnvironment(folder.home),
      ...credentials(environment),
      PATH: enginePath(environment, folder.bin),
    },
  };
}

/**
 * The way that CORDON_ENGINE forces.
 * @throws CordonError `engine-way-unknown`
 */
export function engineWay(environment: NodeJS.ProcessEnv): EngineWay | undefined {
  const value = environment['CORDON_ENGINE'] ?? '';
  if (value === '') return undefined;
  const way = ENGINE_WAYS.find((w) => w === value);
  if (way !== undefined) return way;
  throw new CordonError('engine-way-unknown', `CORDON_ENGINE is ${JSON.stringify(value)}`, {
    hint: `set it to one of ${ENGINE_WAYS.join(', ')}, or unset it`,
  });
}

/** Pulumi's distributions have it beside the CLI; a CLI that somebody built does not. */
async function provideLanguageHost(cli: EngineCli, home: string): Promise<Engine['languageHost']> {
  const real = (await resolveExecutable(cli.path)) ?? cli.path;
  const bundled = await resolveExecutable(join(dirname(real), 'pulumi-language-nodejs'));
  if (bundled !== undefined) return { kind: 'bundled', path: bundled };
  return { kind: 'own', path: await writeLanguageHost(home) };
}

/** A login with Pulumi's own CLI is kept in the user's Pulumi home, and is good for ours too. */
function credentials(environment: NodeJS.ProcessEnv): Record<string, string> {
  const home = pulumiHomeOfUser(environment);
  if (environment['PULUMI_CREDENTIALS_PATH'] !== undefined || !existsSync(join(home, 'credentials.json'))) return {};
  return { PULUMI_CREDENTIALS_PATH: home };
}
