import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { CordonError } from '../../src/source/error.ts';
import type { GoToolchain } from './go-toolchain.ts';
import { cliModuleFolder, goHint, isOlder, requiredGoVersion } from './go-toolchain.ts';
import { engineVersion } from './versions.ts';

const PACKAGE = 'github.com/pulumi/pulumi/pkg/v3/cmd/pulumi';
const VERSION_SYMBOL = 'github.com/pulumi/pulumi/sdk/v3/go/common/version.Version';
const BUILD_LIMIT_MS = 45 * 60 * 1_000;
const MEBIBYTE = 1024 * 1024;
/** Room that a build from nothing needs: modules, build cache, and the CLI itself. */
const ROOM = { modules: 1_700 * MEBIBYTE, objects: 1_700 * MEBIBYTE, cli: 200 * MEBIBYTE };

/** Linker flags: the version has to be set, version checks compare with it; symbols are not needed. */
function linkerFlags(): string {
  return `-w -s -X ${VERSION_SYMBOL}=v${engineVersion()}`;
}

/** `osusergo`: no C compiler needed for user look-ups; `grpcnotrace`: upstream's own setting, for the size. */
const TAGS = 'osusergo,grpcnotrace';

/** Name of the cached build: everything that decides its content. */
export async function builtCliName(): Promise<string> {
  const hash = createHash('sha256').update(TAGS).update(linkerFlags());
  for (const file of ['go.mod', 'go.sum']) hash.update(await readFile(join(cliModuleFolder(), file)));
  return `cli-v${engineVersion()}-${process.platform}-${process.arch}-${hash.digest('hex').slice(0, 12)}`;
}

/**
 * Builds the Pulumi CLI from its Go module into `folder/pulumi`. Asks nothing but the Go module proxy, and that only for
 * modules the machine does not have yet.
 * @param onWork called with what it is doing
 * @throws CordonError `engine-module-mismatch`, `disk-full`, `engine-build-failed`
 */
export async function buildCli(
  go: GoToolchain,
  folder: string,
  environment: NodeJS.ProcessEnv,
  onWork: (message: string) => void,
): Promise<void> {
  await requireSameVersion();
  await requireRoom(go, folder);
  const run = goRunner(go, environment);
  onWork('getting the Go modules of the Pulumi CLI');
  let fetched = 0;
  const list = await run(['list', '-deps', '-tags', TAGS, PACKAGE], (line) => {
    if (line.startsWith('go: downloading')) onWork(`getting Go modules (${++fetched} so far)`);
  });
  const total = list.split('\n').length;
  let compiled = 0;
  onWork(`compiling the Pulumi CLI (${total} packages; about four minutes on two cores)`);
  await run(
    [
      'build',
      '-v',
      '-trimpath',
      '-buildvcs=false',
      '-tags',
      TAGS,
      '-ldflags',
      linkerFlags(),
      '-o',
      join(folder, 'pulumi'),
      PACKAGE,
    ],
    () => {
      compiled++;
      if (compiled % 50 === 0) onWork(`compiling the Pulumi CLI (${compiled} of ${total} packages)`);
    },
  );
}

function goRunner(go: GoToolchain, environment: NodeJS.ProcessEnv) {
  return async (args: readonly string[], onLine: (line: string) => void): Promise<string> => {
    const child = execa(go.path, args, {
      cwd: cliModuleFolder(),
      env: { ...environment, GOPROXY: go.proxy, GOFLAGS: '-mod=readonly', GOWORK: 'off' },
      extendEnv: false,
      stdin: 'ignore',
      timeout: BUILD_LIMIT_MS,
      cleanup: true,
      reject: false,
    });
    for await (const line of child.iterable({ from: 'stderr' })) onLine(String(line));
    const { exitCode, stdout, stderr, timedOut } = await child;
    if (exitCode === 0) return stdout;
    throw await buildFailed(go, timedOut ? 'it took too long' : lastLines(stderr));
  };
}

function lastLines(text: string): string {
  return text.trimEnd().split('\n').slice(-4).join('\n');
}

async function buildFailed(go: GoToolchain, why: string): Promise<CordonError> {
  const need = await requiredGoVersion();
  const hint = isOlder(go.version, need)
    ? goHint(need)
    : `modules come from ${go.proxy}: check that it can be reached (GOPROXY), and that there is room in ` +
      `${go.moduleCache} and ${go.buildCache}`;
  return new CordonError('engine-build-failed', `building the Pulumi CLI failed: ${why}`, { hint });
}

/** The module and the SDK have to be of one version; only a change of one without the other breaks this. */
async function requireSameVersion(): Promise<void> {
  const module = await moduleVersion();
  if (module === engineVersion()) return;
  throw new CordonError(
    'engine-module-mismatch',
    `infra/engine/cli/go.mod builds Pulumi ${module}, but the npm package @pulumi/pulumi is ${engineVersion()}`,
    { hint: 'bring them to the same version' },
  );
}

/** Version of the CLI that the go.mod asks for, without `v`. */
export async function moduleVersion(): Promise<string> {
  const text = await readFile(join(cliModuleFolder(), 'go.mod'), 'utf8');
  return /^\s*(?:require\s+)?github\.com\/pulumi\/pulumi\/pkg\/v3 v(\S+)/m.exec(text)?.[1] ?? '';
}

async function requireRoom(go: GoToolchain, folder: string): Promise<void> {
  const haveModules = existsSync(
    join(go.moduleCache, 'github.com', 'pulumi', 'pulumi', 'pkg', `v3@v${engineVersion()}`),
  );
  const needs: [string, number][] = [[folder, ROOM.cli]];
  if (!haveModules) needs.push([go.moduleCache, ROOM.modules], [go.buildCache, ROOM.objects]);
  const disks = new Map<number, { path: string; need: number }>();
  for (const [path, need] of needs) {
    const existing = existingParent(path);
    const { dev } = await stat(existing);
    disks.set(dev, { path: existing, need: need + (disks.get(dev)?.need ?? 0) });
  }
  for (const { path, need } of disks.values()) {
    const { bavail, bsize } = await statfs(path);
    if (bavail * bsize >= need) continue;
    const mebibytes = (bytes: number) => `${Math.round(bytes / MEBIBYTE)} MiB`;
    throw new CordonError(
      'disk-full',
      `building the Pulumi CLI needs ${mebibytes(need)} at ${path}, free are ${mebibytes(bavail * bsize)}`,
      {
        hint: 'free space, or point GOMODCACHE, GOCACHE and XDG_CACHE_HOME to a larger disk',
      },
    );
  }
}

function existingParent(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : existingParent(dirname(path));
}
