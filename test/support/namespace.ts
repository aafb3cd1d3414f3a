import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** True when this process may make network namespaces and load nftables rules into them. */
export function canUseNamespaces(): boolean {
  try {
    execFileSync('unshare', ['-n', 'nft', 'list', 'ruleset'], { stdio: 'pipe' });
    execFileSync('ip', ['netns', 'list'], { stdio: 'pipe' });
    return true;
  } catch {
    return false;
  }
}

/** A throw-away named network namespace; only the one made here is ever deleted. */
export interface TestNamespace {
  readonly name: string;
  /** Runs a program inside; throws with its stderr when it fails. */
  exec(argv: readonly string[], stdin?: string): string;
  remove(): void;
}

/** Makes a namespace whose name no other run of the tests has. */
export function makeNamespace(label: string): TestNamespace {
  const name = `cordon-test-${label}-${process.pid}-${Math.random().toString(36).slice(2, 8)}`;
  execFileSync('ip', ['netns', 'add', name], { stdio: 'pipe' });
  return {
    name,
    exec: (argv, stdin) =>
      execFileSync('ip', ['netns', 'exec', name, ...argv], { input: stdin ?? '', encoding: 'utf8', stdio: 'pipe' }),
    remove: () => {
      if (existsSync(`/run/netns/${name}`)) execFileSync('ip', ['netns', 'del', name], { stdio: 'pipe' });
    },
  };
}
