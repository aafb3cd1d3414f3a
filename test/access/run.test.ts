import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { failureOf, succeeded } from '../../src/access/outcome.ts';
import { describeAccess, run } from '../../src/access/run.ts';
import type { TestNamespace } from '../support/namespace.ts';
import { canUseNamespaces, makeNamespace } from '../support/namespace.ts';
import { requireOrSkip } from '../support/require.ts';

const local = { kind: 'local' } as const;
const limit = { timeoutMs: 10_000 };

describe('run on this machine', () => {
  it('hands over argv and standard input as they are, without a shell', async () => {
    const outcome = await run(local, ['printf', '%s|', '$HOME', '; exit 9', '*'], limit);
    expect(outcome).toMatchObject({ kind: 'ran', exitCode: 0, stdout: '$HOME|; exit 9|*|', stderr: '' });
    expect(await run(local, ['cat'], { ...limit, stdin: 'a\nb\u00e9\n' })).toMatchObject({ stdout: 'a\nb\u00e9\n' });
  });

  it('keeps the final newline: a listing is compared byte for byte', async () => {
    expect(await run(local, ['echo', 'x'], limit)).toMatchObject({ stdout: 'x\n' });
  });

  it('reports exit codes and stderr of a program that fails', async () => {
    const outcome = await run(local, ['sh', '-c', 'echo out; echo no >&2; exit 3'], limit);
    expect(outcome).toMatchObject({ kind: 'ran', exitCode: 3, stdout: 'out\n', stderr: 'no\n', timedOut: false });
    expect(succeeded(outcome)).toBe(false);
  });

  it('does not fail when the program ends without reading its input', async () => {
    expect(await run(local, ['true'], { ...limit, stdin: 'x'.repeat(5_000_000) })).toMatchObject({ exitCode: 0 });
  });

  it('ends a program and what it started at the time limit', async () => {
    const started = performance.now();
    const outcome = await run(local, ['sh', '-c', 'echo early; sleep 20 & sleep 20'], { timeoutMs: 300 });
    expect(performance.now() - started).toBeLessThan(5_000);
    expect(outcome).toMatchObject({ kind: 'ran', timedOut: true, exitCode: undefined, stdout: 'early\n' });
    expect(succeeded(outcome)).toBe(false);
  });

  it('ends a program that ignores being asked to end', async () => {
    const started = performance.now();
    await run(local, ['sh', '-c', 'trap "" TERM; sleep 20; sleep 20'], { timeoutMs: 300 });
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  it('ends a program at the output limit and says that the output is a beginning', async () => {
    const outcome = await run(local, ['yes'], { ...limit, maxOutput: 1000 });
    expect(outcome).toMatchObject({ kind: 'ran', truncated: true });
    expect(succeeded(outcome)).toBe(false);
    expect(outcome.kind === 'ran' && outcome.stdout.length <= 1000).toBe(true);
  });

  it('takes output of exactly the limit as complete', async () => {
    const outcome = await run(local, ['printf', '%s', 'x'.repeat(100)], { ...limit, maxOutput: 100 });
    expect(outcome).toMatchObject({ truncated: false, exitCode: 0 });
  });

  it('shows the program nothing of our environment', async () => {
    process.env['CORDON_TEST_SECRET'] = 'planted-secret';
    const outcome = await run(local, ['env'], limit);
    delete process.env['CORDON_TEST_SECRET'];
    expect(outcome.kind === 'ran' && outcome.stdout).not.toContain('planted-secret');
    expect(outcome.kind === 'ran' && outcome.stdout).toContain('LC_ALL=C\n');
  });

  it.each([['no-such-program-anywhere'], ['/usr/bin/no-such-program'], ['../bin/true'], ['-rf'], ['']])(
    'says that %j is not installed',
    async (name) => {
      expect(await run(local, [name], limit)).toMatchObject({ kind: 'unreachable', reason: 'no-command' });
    },
  );

  it('says that a folder cannot be started', async () => {
    expect(await run(local, ['/usr/bin'], limit)).toMatchObject({ kind: 'unreachable', reason: 'not-started' });
  });
});

describe('hosts that are not reached this way', () => {
  it('never contacts a render-only host', async () => {
    expect(await run({ kind: 'render-only' }, ['true'], limit)).toMatchObject({
      kind: 'unreachable',
      reason: 'render-only',
    });
  });

  it('says that a namespace does not exist', async () => {
    expect(await run({ kind: 'netns', name: 'cordon-test-nowhere' }, ['true'], limit)).toMatchObject({
      kind: 'unreachable',
      reason: 'no-namespace',
    });
  });

  it.each(['-all', '../etc', 'a/b', '', '.', '..', 'a b', '.hidden'])('refuses the namespace name %j', async (name) => {
    expect(await run({ kind: 'netns', name }, ['true'], limit)).toMatchObject({
      kind: 'unreachable',
      reason: 'bad-name',
    });
  });
});

describe('run in a network namespace', () => {
  let namespace: TestNamespace | undefined;
  beforeAll(() => {
    if (canUseNamespaces()) namespace = makeNamespace('run');
  });
  afterAll(() => namespace?.remove());

  it('runs inside, with input, and reports exit codes as they are', async () => {
    requireOrSkip(namespace !== undefined, 'network namespaces need root, iproute2 and nftables');
    namespace.exec(['ip', 'link', 'add', 'here0', 'type', 'bridge']);
    const access = { kind: 'netns', name: namespace.name } as const;
    const links = await run(access, ['ip', '-o', 'link'], limit);
    expect(links.kind === 'ran' && links.stdout).toContain('here0');
    expect(await run(access, ['cat'], { ...limit, stdin: 'through' })).toMatchObject({ stdout: 'through' });
    expect(await run(access, ['sh', '-c', 'exit 255'], limit)).toMatchObject({ kind: 'ran', exitCode: 255 });
    expect(await run(access, ['no-such-program'], limit)).toMatchObject({ reason: 'no-command' });
    expect(await run(access, ['sleep', '20'], { timeoutMs: 300 })).toMatchObject({ kind: 'ran', timedOut: true });
  });

  it('says that a namespace may not be entered, instead of blaming the program', async () => {
    requireOrSkip(namespace !== undefined, 'network namespaces need root, iproute2 and nftables');
    const script = `
      import { run } from ${JSON.stringify(new URL('../../src/access/run.ts', import.meta.url).pathname)};
      process.setgid(65534); process.setuid(65534);
      const outcome = await run({ kind: 'netns', name: ${JSON.stringify(namespace.name)} }, ['true'], { timeoutMs: 5000 });
      process.stdout.write(JSON.stringify(outcome));`;
    const outcome = await run(local, [process.execPath, '--input-type=module', '-e', script], limit);
    expect(outcome.kind === 'ran' && JSON.parse(outcome.stdout || outcome.stderr)).toMatchObject({
      kind: 'unreachable',
      reason: 'not-permitted',
    });
  });
});

describe('messages', () => {
  it('names the access', () => {
    expect(describeAccess({ kind: 'netns', name: 'gw-1' })).toBe('network namespace gw-1');
    expect(describeAccess({ kind: 'local' })).toBe('this machine');
  });

  it('says why a run failed', () => {
    const base = { kind: 'ran', exitCode: 1, stdout: '', stderr: ' no\n', timedOut: false, truncated: false } as const;
    expect(failureOf('nft', base, 1000)).toBe('nft ended with exit code 1: no');
    expect(failureOf('nft', { ...base, timedOut: true }, 1500)).toBe('nft did not end within 1.5 s');
    expect(failureOf('nft', { ...base, truncated: true }, 1000)).toBe('nft printed more than the output limit');
    expect(failureOf('nft', { ...base, exitCode: undefined, stderr: '' }, 1000)).toBe('nft was ended by a signal');
  });
});
