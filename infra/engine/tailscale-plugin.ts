import { join } from 'node:path';
import { CordonError } from '../../src/source/error.ts';
import { cachedFolder } from './engine-cache.ts';
import { pulumiHomeOfUser, resolveExecutable } from './installed-cli.ts';
import { linkTailscalePlugin, tailscalePluginPath, writeStandIn } from './launchers.ts';
import type { ReportProgress } from './progress.ts';
import type { EngineSources } from './sources.ts';
import { tailscalePluginVersion } from './versions.ts';

/** The Tailscale provider plugin that the engine will use. */
export interface TailscalePlugin {
  readonly kind: 'real' | 'stand-in';
  /** Executable in the engine's PULUMI_HOME. */
  readonly path: string;
}

/** Folder in the cache that a downloaded plugin is kept in; it is a PULUMI_HOME with nothing else. */
export function downloadedPluginName(): string {
  return `tailscale-plugin-v${tailscalePluginVersion()}-${process.platform}-${process.arch}`;
}

/** The real plugin where it is already: in the user's own Pulumi, or downloaded before. */
export async function findTailscalePlugin(cache: string, environment: NodeJS.ProcessEnv): Promise<string | undefined> {
  for (const home of [pulumiHomeOfUser(environment), join(cache, downloadedPluginName())]) {
    const path = await resolveExecutable(tailscalePluginPath(home));
    if (path !== undefined) return path;
  }
  return undefined;
}

/**
 * Provides the plugin in `home`: the real one if it is here or may be and can be downloaded, the stand-in otherwise.
 * @param download undefined = must not be tried
 * @param required true = failing to download is an error, and not a reason for the stand-in
 */
export async function provideTailscalePlugin(options: {
  readonly cache: string;
  readonly home: string;
  readonly cli: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly sources: EngineSources;
  readonly mayDownload: boolean;
  readonly required: boolean;
  readonly report: ReportProgress;
}): Promise<TailscalePlugin> {
  const { cache, home, report } = options;
  const found = (await findTailscalePlugin(cache, options.environment)) ?? (await download(options));
  if (found !== undefined) {
    const path = await linkTailscalePlugin(home, found);
    report({ piece: 'tailscale-plugin', state: 'ready', message: `Tailscale provider plugin at ${found}` });
    return { kind: 'real', path };
  }
  const path = await writeStandIn(home);
  report({
    piece: 'tailscale-plugin',
    state: 'ready',
    message: 'stand-in for the Tailscale provider plugin (the real one is not here): loopback APIs only',
  });
  return { kind: 'stand-in', path };
}

async function download(options: Parameters<typeof provideTailscalePlugin>[0]): Promise<string | undefined> {
  const { cache, cli, sources, report } = options;
  if (!options.mayDownload) return undefined;
  const working = (message: string) => report({ piece: 'tailscale-plugin', state: 'working', message });
  if (!options.required && !(await sources.isDownloadReachable(cache))) return undefined;
  try {
    const folder = await cachedFolder(
      cache,
      downloadedPluginName(),
      () => working('waiting for another process that downloads the Tailscale provider plugin'),
      async (target) => {
        working('downloading the Tailscale provider plugin');
        await sources.downloadTailscalePlugin(cli, target);
      },
    );
    return await resolveExecutable(tailscalePluginPath(folder));
  } catch (error) {
    if (options.required || !(error instanceof CordonError)) throw error;
    working(`${error.message}; going on with the stand-in`);
    return undefined;
  }
}
