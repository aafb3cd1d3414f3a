import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * Our folder in the user's cache folder (XDG Base Directory Specification: $XDG_CACHE_HOME if it is an absolute path, else
 * ~/.cache).
 */
function cacheFolder(environment: NodeJS.ProcessEnv): string {
  const xdg = environment['XDG_CACHE_HOME'] ?? '';
  return join(xdg.startsWith('/') ? xdg : join(homedir(), '.cache'), 'cordon');
}

/** Folder for engines. */
export function engineCacheFolder(environment: NodeJS.ProcessEnv): string {
  return join(cacheFolder(environment), 'engine');
}

/** Folder for what Node made of our modules. */
export function compiledFolder(environment: NodeJS.ProcessEnv): string {
  return join(cacheFolder(environment), 'compiled');
}
