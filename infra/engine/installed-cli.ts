import { constants } from 'node:fs';
import { access, realpath } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { execa } from 'execa';
import { engineVersion } from './versions.ts';

/** A Pulumi CLI found on this machine. */
export interface FoundCli {
  readonly path: string;
  /** Without `v`; empty if it could not be asked. */
  readonly version: string;
  readonly usable: boolean;
  /** Why it is not usable. */
  readonly why?: string;
}

/**
 * Pulumi CLIs on the PATH and where Pulumi's own installers put them, best place first.
 * @param except folder whose content does not count: the launchers we write ourselves
 */
export async function findInstalledCli(environment: NodeJS.ProcessEnv, except: string): Promise<FoundCli[]> {
  const home = pulumiHomeOfUser(environment);
  const folders = [
    ...(environment['PATH'] ?? '').split(delimiter).filter((folder) => folder !== ''),
    join(home, 'bin'),
    join(home, 'versions', engineVersion(), 'bin'),
  ];
  const found = new Map<string, FoundCli>();
  for (const folder of folders) {
    const path = join(folder, 'pulumi');
    const real = await resolveExecutable(path);
    if (real === undefined || real.startsWith(`${except}/`) || found.has(real)) continue;
    found.set(real, await inspect(path));
  }
  return [...found.values()];
}

/** Where the user's own Pulumi keeps plugins and credentials. */
export function pulumiHomeOfUser(environment: NodeJS.ProcessEnv): string {
  const home = environment['PULUMI_HOME'];
  return home === undefined || home === '' ? join(homedir(), '.pulumi') : home;
}

/** Path without symbolic links, or undefined if there is nothing to execute. */
export async function resolveExecutable(path: string): Promise<string | undefined> {
  try {
    await access(path, constants.X_OK);
    return await realpath(path);
  } catch {
    return undefined;
  }
}

/** Asks a CLI for its version: `v3.259.0`, perhaps with a suffix. */
export async function cliVersion(path: string): Promise<string> {
  const { stdout, exitCode } = await execa(path, ['version'], {
    env: { PULUMI_SKIP_UPDATE_CHECK: 'true' },
    timeout: 20_000,
    reject: false,
  });
  return exitCode === 0 ? (/^v?(\d+\.\d+\.\d+)/.exec(stdout.trim())?.[1] ?? '') : '';
}

async function inspect(path: string): Promise<FoundCli> {
  const version = await cliVersion(path);
  if (version === '') return { path, version, usable: false, why: '`pulumi version` says no version' };
  const why = versionComplaint(version, engineVersion());
  return why === undefined ? { path, version, usable: true } : { path, version, usable: false, why };
}

/** A CLI must not be older than the SDK that programs use, and of the same major version. */
export function versionComplaint(version: string, sdk: string): string | undefined {
  const have = version.split('.').map(Number);
  const need = sdk.split('.').map(Number);
  if (have[0] !== need[0]) return `version ${version} is another major version than the SDK's ${sdk}`;
  for (let i = 1; i < 3; i++) {
    const difference = (have[i] ?? 0) - (need[i] ?? 0);
    if (difference > 0) return undefined;
    if (difference < 0) return `version ${version} is older than the SDK's ${sdk}`;
  }
  return undefined;
}
