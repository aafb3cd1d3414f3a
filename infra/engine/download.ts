import { existsSync } from 'node:fs';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { CordonError } from '../../src/source/error.ts';
import { tailscalePluginVersion } from './versions.ts';

/** Where Pulumi's installers get everything from; asked only to learn whether it can be reached. */
export const DOWNLOAD_HOST = 'https://get.pulumi.com/';
/** A network that answers, answers within this time. */
const PROBE_MS = 3_000;
/** How long a failed probe is remembered, so that closed networks do not pay for it on every run. */
const REMEMBER_MS = 10 * 60 * 1_000;
const MARK = 'download-host-unreachable';

/**
 * True if Pulumi's download host answers at all.
 * @param cache folder that remembers a failure for ten minutes; undefined = neither look nor remember
 */
export async function isDownloadReachable(cache: string | undefined, url = DOWNLOAD_HOST): Promise<boolean> {
  const mark = cache === undefined ? undefined : join(cache, MARK);
  if (mark !== undefined && (await isRecent(mark))) return false;
  try {
    // Any answer will do, an error status too: the question is whether the network lets us through.
    await fetch(url, { method: 'HEAD', redirect: 'manual', signal: AbortSignal.timeout(PROBE_MS) });
    return true;
  } catch {
    if (cache !== undefined && mark !== undefined) {
      await mkdir(cache, { recursive: true });
      await writeFile(mark, '');
    }
    return false;
  }
}

async function isRecent(mark: string): Promise<boolean> {
  try {
    return Date.now() - (await stat(mark)).mtimeMs < REMEMBER_MS;
  } catch {
    return false;
  }
}

/**
 * Downloads the Pulumi CLI with the SDK's own installer into `folder`, as `bin/pulumi` with its language hosts beside it.
 * @throws CordonError `engine-download-failed`
 */
export async function downloadCli(folder: string): Promise<void> {
  try {
    // Loaded here only: it brings the whole SDK, and most runs need none of it.
    const { PulumiCommand } = await import('@pulumi/pulumi/automation/index.js');
    await PulumiCommand.install({ root: folder });
  } catch (error) {
    throw downloadFailed('the Pulumi CLI', (error as Error).message, error);
  }
  if (!existsSync(join(folder, 'bin', 'pulumi'))) throw downloadFailed('the Pulumi CLI', 'the installer left no CLI');
}

/**
 * Lets the CLI acquire the Tailscale provider plugin into `folder` (then a PULUMI_HOME with that plugin).
 * @throws CordonError `engine-download-failed`
 */
export async function downloadTailscalePlugin(cli: string, folder: string): Promise<void> {
  const version = tailscalePluginVersion();
  const { exitCode, stderr } = await execa(cli, ['plugin', 'install', 'resource', 'tailscale', version], {
    env: { PULUMI_HOME: folder, PULUMI_SKIP_UPDATE_CHECK: 'true', NO_COLOR: '1' },
    stdin: 'ignore',
    timeout: 10 * 60 * 1_000,
    reject: false,
  });
  if (exitCode !== 0) {
    throw downloadFailed(`the Tailscale provider plugin ${version}`, stderr.trim().split('\n').slice(-3).join(' '));
  }
}

function downloadFailed(what: string, why: string, cause?: unknown): CordonError {
  return new CordonError('engine-download-failed', `cannot download ${what}: ${why}`, {
    cause,
    hint: `check that ${DOWNLOAD_HOST} can be reached, or build the engine instead: CORDON_ENGINE=build (needs Go)`,
  });
}
