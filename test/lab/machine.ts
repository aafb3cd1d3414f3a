import { execFileSync } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { labAvailability } from '../../src/lab/availability.ts';

/** Why no lab can run here; undefined when one can. */
export const LAB_MISSING = missing();

/** Starting and stopping takes a second, and on a machine with other things to do up to this. */
export const HOOK_MS = 60_000;

function missing(): string | undefined {
  const availability = labAvailability();
  return availability.ok ? undefined : `a lab needs ${availability.missing.join('; ')}`;
}

/** Named namespaces of one run: other tests make theirs at the same time. */
export function namespacesOfRun(run: string): readonly string[] {
  const lines = execFileSync('ip', ['netns', 'list'], { encoding: 'utf8', stdio: 'pipe' }).split('\n');
  return lines.map((line) => line.split(' ')[0] ?? '').filter((name) => name.includes(run));
}

/** Runs a program in a namespace and returns its output. */
export function execIn(namespace: string, argv: readonly string[], input = ''): string {
  return execFileSync('ip', ['netns', 'exec', namespace, ...argv], { encoding: 'utf8', input, stdio: 'pipe' });
}

/** Pids of processes whose command line contains the text. */
export function processesWith(text: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(text);
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** Pids of all processes in the named namespaces of a run. */
export function processesIn(run: string): readonly number[] {
  return namespacesOfRun(run).flatMap((name) =>
    execFileSync('ip', ['netns', 'pids', name], { encoding: 'utf8', stdio: 'pipe' })
      .split('\n')
      .filter((l) => l !== '')
      .map(Number),
  );
}

/** Waits until the condition holds; false when it does not within the time. */
export async function eventually(condition: () => boolean, limitMs = 5_000): Promise<boolean> {
  for (let waited = 0; waited < limitMs; waited += 20) {
    if (condition()) return true;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return condition();
}

/**
 * Writes a program named `ollama` that does what the tests look at: it answers on OLLAMA_HOST, says what environment it
 * sees, writes below HOME, and starts a child that outlives it unless its process group is ended. Told to end, it leaves
 * a file `ended` beside it.
 */
export function writeFakeOllama(directory: string, body = FAKE): void {
  const file = join(directory, 'ollama');
  writeFileSync(file, `#!${process.execPath}\n${body}`);
  chmodSync(file, 0o755);
}

const FAKE = `
const { spawn } = require('node:child_process');
const { writeFileSync } = require('node:fs');
const { createServer } = require('node:http');
process.on('SIGTERM', () => {
  writeFileSync(__dirname + '/ended', 'in good order');
  process.exit(0);
});
const [, host, port] = /^\\[?(.*?)\\]?:(\\d+)$/.exec(process.env.OLLAMA_HOST);
writeFileSync(process.env.HOME + '/key', 'private');
spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', 'runner-of', process.env.HOME], { stdio: 'ignore' });
const about = JSON.stringify({ environment: process.env, args: process.argv.slice(2), cwd: process.cwd() });
createServer((request, response) => response.end(about)).listen(Number(port), host);
`;
