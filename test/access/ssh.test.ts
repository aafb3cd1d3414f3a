import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { failureOf, succeeded } from '../../src/access/outcome.ts';
import { run } from '../../src/access/run.ts';
import { quoteForShell } from '../../src/access/ssh.ts';
import { requireOrSkip } from '../support/require.ts';
import type { TestSshd } from './sshd.ts';
import { canRunSshd, startSshd } from './sshd.ts';

const able = canRunSshd();
const needs = 'a real sshd in a network namespace needs root, iproute2, nftables and openssh-server';
const limit = { timeoutMs: 10_000 };

let sshd: TestSshd | undefined;
beforeAll(async () => {
  if (able) sshd = await startSshd('ssh');
});
afterAll(() => sshd?.stop());

function server(): TestSshd {
  requireOrSkip(able && sshd !== undefined, needs);
  return sshd;
}
const over = (target: string) => ({ kind: 'ssh', target }) as const;

describe('run over ssh', () => {
  it('hands over argv and standard input as they are', async () => {
    const { target } = server();
    const words = ['%s|', '$HOME', "'; exit 9 #", '*', 'a\nb\\n', '', '"`\\', '-n', 'é\t!!'];
    const outcome = await run(over(target), ['printf', ...words], limit);
    expect(outcome).toMatchObject({ kind: 'ran', exitCode: 0, stderr: '' });
    expect(outcome.kind === 'ran' && outcome.stdout).toBe(
      words
        .slice(1)
        .map((w) => `${w}|`)
        .join(''),
    );
    const text = `a\nb\u00e9${'x'.repeat(300_000)}\n`;
    expect(await run(over(target), ['cat'], { ...limit, stdin: text })).toMatchObject({ stdout: text });
  });

  it('runs on the other side, and shows the command nothing of our environment', async () => {
    const { target, space } = server();
    process.env['CORDON_TEST_SECRET'] = 'planted-secret';
    const outcome = await run(over(target), ['sh', '-c', 'readlink /proc/self/ns/net; env'], limit);
    delete process.env['CORDON_TEST_SECRET'];
    const there = space.exec(['readlink', '/proc/self/ns/net']);
    expect(outcome.kind === 'ran' && outcome.stdout.startsWith(there)).toBe(true);
    expect(outcome.kind === 'ran' && outcome.stdout).not.toMatch(/planted-secret|SSH_/);
  });

  it('reports exit codes as the command’s own, also the one that ssh uses for itself', async () => {
    const { target } = server();
    const codes = [0, 1, 127, 255];
    const outcomes = await Promise.all(
      codes.map((code) => run(over(target), ['sh', '-c', `echo out; echo no >&2; exit ${code}`], limit)),
    );
    for (const [i, outcome] of outcomes.entries()) {
      expect(outcome).toMatchObject({ kind: 'ran', exitCode: codes[i], stdout: 'out\n', stderr: 'no\n' });
      expect(succeeded(outcome)).toBe(codes[i] === 0);
    }
  });

  it('keeps output without a final newline, and none', async () => {
    const { target } = server();
    const outcome = await run(over(target), ['sh', '-c', 'printf o; printf e >&2'], limit);
    expect(outcome).toMatchObject({ stdout: 'o', stderr: 'e' });
    expect(await run(over(target), ['true'], limit)).toMatchObject({ stdout: '', stderr: '' });
  });

  it('says that a program is not installed there', async () => {
    const { target } = server();
    const names = ['no-such-program-anywhere', '/usr/bin/no-such-program', '../bin/true', '-rf', ''];
    for (const outcome of await Promise.all(names.map((name) => run(over(target), [name], limit)))) {
      expect(outcome).toMatchObject({ kind: 'unreachable', reason: 'no-command' });
    }
  });

  it.each([
    ['a key that the host does not know', 'strangerTarget', 'Permission denied'],
    ['another host key than the known one', 'impostorTarget', 'Host key verification failed'],
    ['a port at which nobody listens', 'deafTarget', 'ssh root@cordon-deaf'],
  ] as const)('is unreachable with %s, in the words of ssh', async (_what, which, words) => {
    const { [which]: target } = server();
    const outcome = await run(over(target), ['true'], limit);
    expect(outcome).toMatchObject({ kind: 'unreachable', reason: 'not-connected' });
    expect(outcome.kind === 'unreachable' && outcome.why).toContain(words);
  });

  it('ends the command at the time limit, on the other side too', async () => {
    const { target, space } = server();
    const started = performance.now();
    const outcome = await run(over(target), ['sh', '-c', 'echo early; sleep 31 & sleep 31'], { timeoutMs: 1000 });
    expect(performance.now() - started).toBeLessThan(5_000);
    expect(outcome).toMatchObject({ kind: 'ran', timedOut: true, exitCode: undefined, stdout: 'early\n' });
    const sleeping = () =>
      execFileSync('ip', ['netns', 'pids', space.name], { encoding: 'utf8' })
        .trim()
        .split('\n')
        .filter((pid) => commandLine(pid) === 'sleep 31');
    for (let tries = 0; sleeping().length > 0 && tries < 100; tries++) await new Promise((d) => setTimeout(d, 50));
    expect(sleeping()).toEqual([]);
  });

  it('says that the connection was lost, and does not claim to know how the command ended', async () => {
    const { target, sessions } = server();
    const before = new Set(sessions());
    const going = run(over(target), ['sh', '-c', 'echo begun; sleep 5; echo done'], limit);
    await new Promise((done) => setTimeout(done, 700));
    for (const pid of sessions()) if (!before.has(pid)) process.kill(pid, 'SIGKILL');
    const outcome = await going;
    expect(outcome).toMatchObject({ kind: 'ran', lost: true, exitCode: undefined, stdout: 'begun\n' });
    expect(succeeded(outcome)).toBe(false);
    expect(outcome.kind === 'ran' && failureOf('nft', outcome, 1000)).toContain('the connection was lost while nft');
  });

  it('ends at the output limit, and takes output of exactly the limit as complete', async () => {
    const { target } = server();
    expect(await run(over(target), ['yes'], { ...limit, maxOutput: 1000 })).toMatchObject({ truncated: true });
    const exactly = await run(over(target), ['printf', '%s', 'x'.repeat(1000)], { ...limit, maxOutput: 1000 });
    expect(exactly).toMatchObject({ truncated: false, exitCode: 0, stdout: 'x'.repeat(1000) });
  });

  it('opens a connection of its own where one is to be shown, although another is kept open', async () => {
    const { sharedTarget, folder } = server();
    const control = ['-F', `${folder}/client.conf`, '-O'];
    expect(await run(over(sharedTarget), ['true'], limit)).toMatchObject({ exitCode: 0 });
    execFileSync('ssh', [...control, 'check', sharedTarget], { stdio: 'pipe' });
    const count = () => server().sessions().length;
    const kept = count();
    for (const newConnection of [false, true]) {
      const during = run(over(sharedTarget), ['sleep', '1.5'], { ...limit, newConnection });
      await new Promise((done) => setTimeout(done, 1000));
      expect(count()).toBe(kept + (newConnection ? 1 : 0));
      await during;
    }
    execFileSync('ssh', [...control, 'exit', sharedTarget], { stdio: 'pipe' });
  });

  it('refuses a destination that ssh would take for an option', async () => {
    for (const target of ['-oProxyCommand=x', '']) {
      expect(await run(over(target), ['true'], limit)).toMatchObject({ kind: 'unreachable', reason: 'bad-name' });
    }
  });
});

describe('a host whose login shell talks or refuses', () => {
  const rc = (text: string) => writeFileSync(server().startup, text);
  afterEach(() => {
    if (sshd !== undefined) rmSync(sshd.startup, { force: true });
  });

  it('drops what is printed before the command', async () => {
    const { target, hasStartup } = server();
    requireOrSkip(hasStartup, 'the login shell is not bash, and reads no startup file here');
    rc('echo welcome; echo cordon-0 >&2; printf half');
    expect(await run(over(target), ['sh', '-c', 'printf o; printf e >&2'], limit)).toMatchObject({
      stdout: 'o',
      stderr: 'e',
    });
  });

  it('is unreachable where the shell ends before the command, whatever its exit code', async () => {
    const { target, hasStartup } = server();
    requireOrSkip(hasStartup, 'the login shell is not bash, and reads no startup file here');
    rc('echo not available; echo gone >&2; exit 0');
    const outcome = await run(over(target), ['true'], limit);
    expect(outcome).toMatchObject({ kind: 'unreachable', reason: 'no-shell' });
    expect(outcome.kind === 'unreachable' && outcome.why).toContain('did not start the command: gone');
  });
});

describe('quoteForShell', () => {
  it('gives any word back through a shell', () => {
    const shells = ['sh', 'bash'];
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: fc.constantFrom(...'\'\\"$`! \n*a~#;&|<>(){}') }), { maxLength: 6 }),
        (words) => {
          for (const shell of shells) {
            const out = execFileSync(shell, ['-c', `printf '%s\\0' ${['x', ...words].map(quoteForShell).join(' ')}`]);
            expect(out.toString()).toBe(['x', ...words].map((w) => `${w}\0`).join(''));
          }
        },
      ),
      { seed: 1, numRuns: 30 },
    );
  });
});

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim();
  } catch {
    return '';
  }
}
