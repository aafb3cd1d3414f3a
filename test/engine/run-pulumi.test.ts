import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Engine } from '../../infra/engine/provision.ts';
import { runPulumi } from '../../infra/engine/run-pulumi.ts';
import { temporaryFolder, writeProgram } from './folders.ts';

function engineOf(body: string): { engine: Engine; cwd: string } {
  const cwd = temporaryFolder();
  const cli = writeProgram(join(cwd, 'pulumi'), body);
  return {
    cwd,
    engine: {
      cli,
      cliKind: 'build',
      version: '3.0.0',
      languageHost: { kind: 'own', path: '' },
      tailscalePlugin: { kind: 'stand-in', path: '' },
      home: cwd,
      bin: cwd,
      env: { PULUMI_HOME: '/home', NO_COLOR: '1' },
    },
  };
}

test('runs in the folder, with the engine’s environment and the caller’s on top, and never asks', async () => {
  const { engine, cwd } = engineOf('echo "$PWD|$PULUMI_HOME|$NO_COLOR|$*"; exit 7');
  const run = await runPulumi(engine, ['preview'], { cwd, env: { PULUMI_HOME: '/other' }, timeoutMs: 10_000 });
  expect(run).toMatchObject({ exitCode: 7, stdout: `${cwd}|/other|1|preview --non-interactive`, timedOut: false });
});

test('lines come one by one, from both streams', async () => {
  const { engine, cwd } = engineOf('echo one; echo two >&2; echo three');
  const lines: string[] = [];
  const run = await runPulumi(engine, [], { cwd, timeoutMs: 10_000, onLine: (s, line) => lines.push(`${s}:${line}`) });
  expect(lines.sort()).toEqual(['stderr:two', 'stdout:one', 'stdout:three']);
  expect([run.stdout, run.stderr]).toEqual(['one\nthree', 'two']);
});

test('a secret goes through stdin', async () => {
  const { engine, cwd } = engineOf('echo "$* <$(cat)>"');
  const run = await runPulumi(engine, ['config', 'set', '--secret', 'k'], { cwd, stdin: 'hunter2', timeoutMs: 10_000 });
  expect(run.stdout).toBe('config set --secret k --non-interactive <hunter2>');
});

test('too late: interrupted like with Ctrl-C, so that it can save its state', async () => {
  const { engine, cwd } = engineOf('trap "echo saved; exit 8" INT; while :; do sleep 0.1; done');
  const run = await runPulumi(engine, [], { cwd, timeoutMs: 500 });
  expect(run).toMatchObject({ exitCode: 8, stdout: 'saved', timedOut: true });
});

test('a CLI that is not there is no exception', async () => {
  const { engine, cwd } = engineOf('');
  const run = await runPulumi({ ...engine, cli: join(cwd, 'nothing') }, [], { cwd, timeoutMs: 10_000 });
  expect(run.exitCode).toBe(-1);
});
