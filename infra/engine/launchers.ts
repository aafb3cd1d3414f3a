import { createHash, randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { closedEnvironment } from './environment.ts';
import { nodeExecutable } from './node-runtime.ts';
import { ownScript, packageRoot } from './package-root.ts';
import { engineVersion, tailscalePluginVersion } from './versions.ts';

/** Folder of one checkout in the cache: what depends on where our scripts and our Node are. */
export interface CheckoutFolder {
  /** Has a `pulumi` to put on the PATH. */
  readonly bin: string;
  /** PULUMI_HOME. */
  readonly home: string;
}

/** The folders, named by all that the launchers in them depend on; nothing is written. */
export function checkoutFolder(cache: string): CheckoutFolder {
  const key = [
    packageRoot(),
    nodeExecutable(),
    ownScript('language-host/main'),
    engineVersion(),
    tailscalePluginVersion(),
  ];
  const name = `checkout-${createHash('sha256').update(key.join('\n')).digest('hex').slice(0, 12)}`;
  return { bin: join(cache, name, 'bin'), home: join(cache, name, 'home') };
}

/** Executable of a plugin in a PULUMI_HOME (pulumi sdk/go/common/workspace/plugins.go: PluginSpec.Dir, File). */
export function pluginPath(home: string, kind: 'language' | 'resource', name: string, version: string): string {
  return join(home, 'plugins', `${kind}-${name}-v${version}`, `pulumi-${kind}-${name}`);
}

export function languageHostPath(home: string): string {
  return pluginPath(home, 'language', 'nodejs', engineVersion());
}

export function tailscalePluginPath(home: string): string {
  return pluginPath(home, 'resource', 'tailscale', tailscalePluginVersion());
}

/** Marks a plugin folder as holding the stand-in. */
export function standInMark(path: string): string {
  return join(dirname(path), 'STAND-IN');
}

/** Our language host as the engine's plugin. */
export async function writeLanguageHost(home: string): Promise<string> {
  const path = languageHostPath(home);
  await writeScript(path, `exec ${quoted(nodeExecutable())} ${quoted(ownScript('language-host/main'))} "$@"`);
  return path;
}

/** The stand-in as the engine's plugin, under the real plugin's name and version, and marked. */
export async function writeStandIn(home: string): Promise<string> {
  const path = tailscalePluginPath(home);
  const script = ownScript('../tailscale-stand-in/main');
  await writeScript(path, `exec ${quoted(nodeExecutable())} ${quoted(script)} "$@"`);
  await writeFile(
    standInMark(path),
    "cordon's stand-in for the Tailscale provider plugin, used because the real one could not be had.\n",
  );
  return path;
}

/**
 * The real plugin, from where it is. The engine does not look into folders that are symbolic links, so the folder is one
 * and the executable is the link.
 */
export async function linkTailscalePlugin(home: string, executable: string): Promise<string> {
  const path = tailscalePluginPath(home);
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${randomBytes(4).toString('hex')}`;
  await symlink(executable, temporary);
  await rename(temporary, path);
  await rm(standInMark(path), { force: true });
  return path;
}

/** `pulumi` for the PATH: the CLI with the environment it needs, except where the user has set something else. */
export async function writePulumi(folder: CheckoutFolder, cli: string): Promise<string> {
  const path = join(folder.bin, 'pulumi');
  const defaults = Object.entries(closedEnvironment(folder.home))
    .filter(([name]) => name !== 'NO_COLOR')
    .map(([name, value]) => `[ -n "\${${name}+set}" ] || ${name}=${quoted(value)}; export ${name}`);
  await writeScript(path, [...defaults, `exec ${quoted(cli)} "$@"`].join('\n'));
  return path;
}

/** Replaces the file in one step, and only if it is not as it should be: a run beside us may be executing it. */
async function writeScript(path: string, body: string): Promise<void> {
  const content = `#!/bin/sh\n${body}\n`;
  if ((await readFile(path, 'utf8').catch(() => undefined)) === content) return;
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${randomBytes(4).toString('hex')}`;
  await writeFile(temporary, content);
  await chmod(temporary, 0o755);
  await rename(temporary, path);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
