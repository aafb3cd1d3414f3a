import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CordonError } from '../../src/source/error.ts';

/**
 * Folder of this package: the nearest one above this file that has a package.json. The same from the sources and from
 * the compiled files, which lie deeper.
 * @throws CordonError `installation-broken`
 */
export function packageRoot(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder;
    if (dirname(folder) === folder) break;
  }
  throw new CordonError('installation-broken', 'no package.json above the engine scripts', {
    hint: 'install cordon again: files of its package are missing',
  });
}

/**
 * Path of a module of ours to hand to another Node process, given without its ending: TypeScript when we run from the
 * sources (Node strips the types), JavaScript when we run compiled.
 * @param path relative to this folder, such as `language-host/main`
 */
export function ownScript(path: string): string {
  const ending = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
  return fileURLToPath(new URL(`${path}${ending}`, import.meta.url));
}

/** Folder of the installed `@pulumi/pulumi`, whose `cmd/` starts programs and policy packs. */
export function sdkFolder(): string {
  return dirname(createRequire(import.meta.url).resolve('@pulumi/pulumi/package.json'));
}
