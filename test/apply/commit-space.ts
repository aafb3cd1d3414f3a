import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { replacement } from '../../src/apply/host-firewall-tables.ts';
import type { TestNamespace } from '../support/namespace.ts';
import { makeNamespace } from '../support/namespace.ts';

/** Our table with one open port, as nft prints it. */
export const table = (port: number) =>
  `table inet cordon {\n\tchain input {\n\t\ttype filter hook input priority 300; policy drop;\n\t\ttcp dport ${port} accept\n\t\tdrop\n\t}\n}\n`;

/** A namespace in which a ruleset is put in place. */
export interface CommitSpace {
  readonly space: TestNamespace;
  readonly access: { readonly kind: 'netns'; readonly name: string };
  /** Path of the state that applying keeps on this host. */
  readonly state: string;
  /** Our tables as they are now. */
  own(): string;
  load(text: string): void;
  /** Runs a script there as applying would; how it ends is not looked at. */
  script(text: string, args: readonly string[], stdin?: string): string;
  /** Waits until our tables are `text`, at most `ms`; the tables as they are then. */
  until(text: string, ms: number): Promise<string>;
  remove(): void;
}

/** Makes one, with `text` in place. */
export function commitSpace(label: string, text: string): CommitSpace {
  const space = makeNamespace(label);
  const inode = space.exec(['stat', '-L', '-c', '%i', '/proc/self/ns/net']).trim();
  const state = `/run/cordon/firewall-${inode}`;
  // The kernel gives the inodes of namespaces that are gone to new ones.
  rmSync(state, { recursive: true, force: true });
  const own = () => space.exec(['nft', '-s', 'list', 'ruleset']);
  const load = (tables: string) => space.exec(['nft', '-f', '-'], replacement(tables));
  if (text !== '') load(text);
  return {
    space,
    access: { kind: 'netns', name: space.name },
    state,
    own,
    load,
    script(body, args, stdin = '') {
      const argv = ['netns', 'exec', space.name, 'sh', '-c', body, 'cordon', ...args];
      return spawnSync('ip', argv, { input: stdin, encoding: 'utf8' }).stdout;
    },
    async until(tables, ms) {
      const end = performance.now() + ms;
      while (own() !== tables && performance.now() < end) await sleep(100);
      return own();
    },
    remove() {
      space.remove();
      rmSync(state, { recursive: true, force: true });
    },
  };
}

/**
 * The script cut off at every place where a statement begins: each text ends itself with SIGKILL there, its children
 * living on, as when somebody kills it at that moment.
 */
export function cutScripts(script: string): readonly { readonly line: number; readonly text: string }[] {
  const lines = script.split('\n');
  return lines.flatMap((_line, i) => {
    const withLine = (line: string) => [...lines.slice(0, i), line, ...lines.slice(i)].join('\n');
    // Where a lone bracket is accepted, it is inside of a quoted text.
    const isStatement = parses(withLine('kill -9 $$')) && !parses(withLine(')'));
    return isStatement ? [{ line: i, text: withLine('kill -9 $$') }] : [];
  });
}

function parses(script: string): boolean {
  return spawnSync('sh', ['-n', '-c', script], { stdio: 'ignore' }).status === 0;
}
