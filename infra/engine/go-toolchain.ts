import { readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { execa } from 'execa';
import { CordonError } from '../../src/source/error.ts';
import { resolveExecutable } from './installed-cli.ts';
import { packageRoot } from './package-root.ts';

/** First Go that can fetch a newer toolchain for a module that asks for one. */
const FIRST_SWITCHING = '1.21';

/** A Go that can build the CLI. */
export interface GoToolchain {
  readonly path: string;
  /** Such as `1.26.8`. */
  readonly version: string;
  readonly moduleCache: string;
  readonly buildCache: string;
  /** Where modules come from, without `direct`: only registries are asked, no source hosts. */
  readonly proxy: string;
}

/** Folder with the go.mod that builds the CLI. */
export function cliModuleFolder(): string {
  return join(packageRoot(), 'infra', 'engine', 'cli');
}

/** Version in the `go` line of the CLI's go.mod. */
export async function requiredGoVersion(): Promise<string> {
  const text = await readFile(join(cliModuleFolder(), 'go.mod'), 'utf8');
  return /^go (\S+)$/m.exec(text)?.[1] ?? '';
}

/** Where Go's own archive is unpacked, and where it therefore is without being on the PATH. */
const USUAL_PLACES = ['/usr/local/go/bin'];

/**
 * Finds the Go to build with.
 * @param places folders to look into after the PATH
 * @throws CordonError `go-missing`, `go-too-old`
 */
export async function findGo(
  environment: NodeJS.ProcessEnv,
  places: readonly string[] = USUAL_PLACES,
): Promise<GoToolchain> {
  const need = await requiredGoVersion();
  const path = await locateGo(environment, places);
  if (path === undefined) {
    throw new CordonError('go-missing', 'Go is not installed, and the Pulumi CLI has to be built', {
      hint: goHint(need),
    });
  }
  const variables = ['GOVERSION', 'GOMODCACHE', 'GOCACHE', 'GOPROXY', 'GOTOOLCHAIN'];
  // Outside of any module: inside one, an old Go would answer for the toolchain it has to fetch first.
  const asked = await execa(path, ['env', ...variables], {
    cwd: '/',
    env: environment,
    extendEnv: false,
    reject: false,
  });
  const [goVersion = '', moduleCache = '', buildCache = '', proxy = '', toolchain = ''] = asked.stdout.split('\n');
  const version = goVersion.replace(/^go/, '');
  const canSwitch = toolchain !== 'local' && !isOlder(version, FIRST_SWITCHING);
  if (asked.exitCode !== 0 || version === '' || (isOlder(version, need) && !canSwitch)) {
    throw new CordonError('go-too-old', `Go ${version || '(unknown version)'} at ${path} cannot build the Pulumi CLI`, {
      hint: goHint(need),
    });
  }
  return { path, version, moduleCache, buildCache, proxy: withoutDirect(proxy) };
}

async function locateGo(environment: NodeJS.ProcessEnv, places: readonly string[]): Promise<string | undefined> {
  const folders = [...(environment['PATH'] ?? '').split(delimiter).filter((f) => f !== ''), ...places];
  for (const folder of folders) {
    if ((await resolveExecutable(join(folder, 'go'))) !== undefined) return join(folder, 'go');
  }
  return undefined;
}

/** What to do about a Go that is missing or too old. */
export function goHint(need: string): string {
  return (
    `install Go ${need} or newer (Debian and Ubuntu: apt-get install golang-go, if that is new enough; otherwise unpack ` +
    'the archive from go.dev into /usr/local), or install the Pulumi CLI itself and have it on the PATH'
  );
}

/** Compares versions such as `1.26` and `1.26.8`; anything behind the numbers does not count. */
export function isOlder(version: string, than: string): boolean {
  const a = version.split('.').map((part) => Number.parseInt(part, 10));
  const b = than.split('.').map((part) => Number.parseInt(part, 10));
  for (let i = 0; i < 3; i++) {
    const difference = (a[i] || 0) - (b[i] || 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

function withoutDirect(proxy: string): string {
  const kept = proxy.split(/[,|]/).filter((entry) => entry !== 'direct' && entry !== '');
  return kept.length === 0 ? proxy : kept.join(',');
}
