import { buildCli } from './build-cli.ts';
import { downloadCli, downloadTailscalePlugin, isDownloadReachable } from './download.ts';
import type { GoToolchain } from './go-toolchain.ts';
import { findGo } from './go-toolchain.ts';

/** Where engines come from: what reaches beyond this machine, or takes minutes. */
export interface EngineSources {
  isDownloadReachable(cache: string | undefined): Promise<boolean>;
  downloadCli(folder: string): Promise<void>;
  downloadTailscalePlugin(cli: string, folder: string): Promise<void>;
  findGo(environment: NodeJS.ProcessEnv): Promise<GoToolchain>;
  buildCli(
    go: GoToolchain,
    folder: string,
    environment: NodeJS.ProcessEnv,
    onWork: (message: string) => void,
  ): Promise<void>;
}

export const REAL_SOURCES: EngineSources = {
  isDownloadReachable: (cache) => isDownloadReachable(cache),
  downloadCli,
  downloadTailscalePlugin,
  findGo: (environment) => findGo(environment),
  buildCli,
};
