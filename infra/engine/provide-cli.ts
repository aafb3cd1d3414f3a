import { join } from 'node:path';
import { CordonError } from '../../src/source/error.ts';
import { builtCliName } from './build-cli.ts';
import { cachedFolder } from './engine-cache.ts';
import { cliVersion, findInstalledCli, resolveExecutable } from './installed-cli.ts';
import type { ReportProgress } from './progress.ts';
import type { EngineSources } from './sources.ts';
import { engineVersion } from './versions.ts';

/** Ways to get an engine, in the order in which they are tried. */
export const ENGINE_WAYS = ['installed', 'download', 'build'] as const;
export type EngineWay = (typeof ENGINE_WAYS)[number];

/** A Pulumi CLI to run. */
export interface EngineCli {
  readonly kind: EngineWay;
  readonly path: string;
  /** Without `v`. */
  readonly version: string;
}

interface CliOptions {
  readonly cache: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly sources: EngineSources;
  readonly report: ReportProgress;
}

/** Folder in the cache that a downloaded CLI is kept in. */
export function downloadedCliName(): string {
  return `download-v${engineVersion()}-${process.platform}-${process.arch}`;
}

/**
 * What is here already and can be used without network or building: installed, downloaded before, built before.
 * @param way only this way counts
 */
export async function cliAtHand(
  options: Omit<CliOptions, 'sources' | 'report'>,
  way?: EngineWay,
): Promise<EngineCli | undefined> {
  const { cache, environment } = options;
  if (way === undefined || way === 'installed') {
    const usable = (await findInstalledCli(environment, cache)).find((cli) => cli.usable);
    if (usable !== undefined) return { kind: 'installed', path: usable.path, version: usable.version };
  }
  const kept = { download: join(cache, downloadedCliName(), 'bin'), build: join(cache, await builtCliName()) };
  for (const kind of ['download', 'build'] as const) {
    if (way !== undefined && way !== kind) continue;
    const path = join(kept[kind], 'pulumi');
    if ((await resolveExecutable(path)) !== undefined) return { kind, path, version: engineVersion() };
  }
  return undefined;
}

/**
 * Provides a CLI.
 * @param way forces one way; undefined = the first that works
 * @throws CordonError with a hint what to do
 */
export async function provideCli(options: CliOptions, way: EngineWay | undefined): Promise<EngineCli> {
  const { cache, report, sources } = options;
  report({ piece: 'cli', state: 'looking', message: 'looking for a Pulumi CLI' });
  const here = await cliAtHand(options, way);
  if (here !== undefined) return here;
  if (way === 'installed') throw await nothingInstalled(options);
  if (way === 'download' || (way === undefined && (await sources.isDownloadReachable(cache))))
    return downloaded(options);
  return built(options);
}

async function downloaded({ cache, report, sources }: CliOptions): Promise<EngineCli> {
  const working = (message: string) => report({ piece: 'cli', state: 'working', message });
  const folder = await cachedFolder(
    cache,
    downloadedCliName(),
    () => working('waiting for another process that downloads the Pulumi CLI'),
    async (target) => {
      working(`downloading the Pulumi CLI ${engineVersion()}`);
      await sources.downloadCli(target);
      await requireVersion(join(target, 'bin', 'pulumi'));
    },
  );
  return { kind: 'download', path: join(folder, 'bin', 'pulumi'), version: engineVersion() };
}

async function built({ cache, environment, report, sources }: CliOptions): Promise<EngineCli> {
  const working = (message: string) => report({ piece: 'cli', state: 'working', message });
  const go = await sources.findGo(environment);
  const folder = await cachedFolder(
    cache,
    await builtCliName(),
    () => working('waiting for another process that builds the Pulumi CLI'),
    async (target) => {
      await sources.buildCli(go, target, environment, working);
      await requireVersion(join(target, 'pulumi'));
    },
  );
  return { kind: 'build', path: join(folder, 'pulumi'), version: engineVersion() };
}

/** A CLI goes into the cache only if it runs there and is what it should be. */
async function requireVersion(cli: string): Promise<void> {
  const version = await cliVersion(cli).catch((error: unknown) => {
    throw new CordonError('engine-unusable', `the Pulumi CLI at ${cli} cannot be executed`, {
      cause: error,
      hint: 'set XDG_CACHE_HOME to a folder on a file system that allows to execute files (not mounted noexec)',
    });
  });
  if (version === engineVersion()) return;
  throw new CordonError('engine-unusable', `the Pulumi CLI at ${cli} says it is version ${version || '(none)'}`, {
    hint: `version ${engineVersion()} was asked for; remove ${cli} and try again`,
  });
}

async function nothingInstalled({ cache, environment }: CliOptions): Promise<CordonError> {
  const unusable = await findInstalledCli(environment, cache);
  const found = unusable.map((cli) => `${cli.path}: ${cli.why ?? ''}`).join('; ');
  return new CordonError(
    'engine-missing',
    found === '' ? 'no Pulumi CLI is installed' : `no Pulumi CLI that can be used is installed (${found})`,
    { hint: `install Pulumi ${engineVersion()} or a newer 3.x and have it on the PATH, or unset CORDON_ENGINE` },
  );
}
