import { spawn, spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useColor } from '../../src/cli/output.ts';
import { fileProblem } from '../../src/cli/topology-file.ts';
import { requireOrSkip } from '../support/require.ts';
import { policyEntry, slippedIn, testFolder, textOf } from './folder.ts';
import { cordon, HOMELAB, PROGRAM } from './program.ts';

const folder = testFolder();
const ESCAPE = '\u001b[';

/** Runs the program on a pseudo-terminal (util-linux `script`), both streams together. */
function onTerminal(args: readonly string[], env: Record<string, string>): string {
  const command = [process.execPath, PROGRAM, ...args].map((a) => `'${a}'`).join(' ');
  const { stdout } = spawnSync('script', ['-qec', command, '/dev/null'], {
    cwd: folder.path,
    env: { PATH: process.env['PATH'] ?? '', TERM: 'xterm', ...env },
    encoding: 'utf8',
  });
  return stdout;
}

function hasTerminal(): boolean {
  return spawnSync('script', ['-qec', 'true', '/dev/null']).status === 0;
}

describe('colour', () => {
  it.each([
    [true, {}, true],
    [true, { NO_COLOR: '' }, true],
    [true, { NO_COLOR: '1' }, false],
    [true, { NO_COLOR: '0' }, false],
    [false, {}, false],
    [undefined, {}, false],
    [false, { FORCE_COLOR: '1' }, false],
  ])('terminal %s with %j: %s', (isTTY, env, expected) => {
    expect(useColor(isTTY === undefined ? {} : { isTTY }, env)).toBe(expected);
  });

  it('is on a terminal, and off there with NO_COLOR', async () => {
    requireOrSkip(hasTerminal(), 'a pseudo-terminal needs `script` of util-linux');
    await cordon(['--version']);
    expect(onTerminal(['prove'], {})).toContain(ESCAPE);
    const plain = onTerminal(['prove'], { NO_COLOR: '1' });
    expect(plain).toContain('ISOLATED');
    expect(plain).not.toContain(ESCAPE);
  });

  it.each([
    ['text', 'prove'],
    ['json', 'prove'],
    ['text', 'check'],
  ])('is in no %s of %s in a pipe or a file', async (format, command) => {
    folder.snapshot('open.json', {
      'tailnet/policy': policyEntry(slippedIn(textOf(folder.declared, 'tailnet/policy'))),
    });
    const args = command === 'prove' ? ['prove', 'open.json'] : ['check', '--snapshot', 'open.json'];
    const { code, stdout, stderr } = await cordon([...args, '--format', format], { cwd: folder.path });
    expect(code).toBe(2);
    expect(stdout + stderr).not.toContain(ESCAPE);
  });

  it('is in no file, also when the command runs on a terminal', async () => {
    requireOrSkip(hasTerminal(), 'a pseudo-terminal needs `script` of util-linux');
    await cordon(['--version']);
    onTerminal(['prove', '-o', 'report.txt'], {});
    expect(folder.read('report.txt')).toMatch(/^ISOLATED/);
  });
});

describe('stdout', () => {
  it('carries the result alone; log lines of a command that looks at the world go to stderr, as JSON in a pipe', async () => {
    const env = {
      TAILSCALE_BASE_URL: 'http://127.0.0.1:1',
      TAILSCALE_API_KEY: 'tskey-api-x-y',
      CORDON_LOG_LEVEL: 'trace',
    };
    const { code, stdout, stderr } = await cordon(['check', '--json', '--timeout', '5'], { cwd: folder.path, env });
    expect(code).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject({ schemaVersion: 1, verdict: 'unknown' });
    for (const line of stderr.split('\n').filter((l) => l !== '')) expect(() => JSON.parse(line)).not.toThrow();
  });

  it('may be closed early without a stack, and the exit code stays', async () => {
    folder.snapshot('open.json', {
      'tailnet/policy': policyEntry(slippedIn(textOf(folder.declared, 'tailnet/policy'))),
    });
    await cordon(['--version']);
    const child = spawn(process.execPath, [PROGRAM, 'prove', 'open.json', '--json', '--verbose'], {
      cwd: folder.path,
      env: { PATH: process.env['PATH'] ?? '' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.destroy();
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    const code = await new Promise((resolve) => child.once('close', resolve));
    expect({ code, stderr }).toEqual({ code: 2, stderr: '' });
  });

  it('that cannot be written is a failure: no result, no green', async () => {
    requireOrSkip(existsSync('/dev/full'), 'needs /dev/full');
    await cordon(['--version']);
    const command = `'${process.execPath}' '${PROGRAM}' prove > /dev/full`;
    const { status, stderr } = spawnSync('sh', ['-c', command], { cwd: folder.path, encoding: 'utf8' });
    expect(status).toBe(1);
    expect(stderr).toBe('cordon: the result cannot be written: ENOSPC [output-unwritable]\n');
  });
});

describe('-o FILE', () => {
  it.each([
    ['none/report.txt', 'its folder does not exist'],
    ['.', 'it is a directory'],
    ['cordon.yaml/report', 'part of the path is not a directory'],
  ])('%s cannot be written: %s', async (file, words) => {
    const { code, stdout, stderr } = await cordon(['prove', '-o', file], { cwd: folder.path });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toBe(
      `cordon: ${file} cannot be written: ${words} [output-unwritable]\nhint: give another file to -o\n`,
    );
  });

  it('gives other reasons of the system as they are', () => {
    expect(fileProblem({ code: 'EACCES' })).toBe('permission denied');
    expect(fileProblem({ code: 'EMFILE' })).toBe('EMFILE');
    expect(fileProblem(new Error('odd'))).toBe('it cannot be used');
  });
});

describe('two runs', () => {
  it.each(['text', 'json'])('over the same evidence print the same %s', async (format) => {
    folder.snapshot('open.json', {
      'tailnet/policy': policyEntry(slippedIn(textOf(folder.declared, 'tailnet/policy'))),
      'host/gw-1/nft.txt': { status: 'failed', why: 'no answer' },
    });
    const run = () => cordon(['check', '--snapshot', 'open.json', '--format', format], { cwd: folder.path });
    expect(await run()).toEqual(await run());
  });
});

describe('what a command loads', () => {
  // Packages that talk to networks, processes or the engine, and take longer to load than a proof to run.
  const HEAVY = ['execa', 'ky', 'fastify', 'pino', 'pino-pretty', '@pulumi', '@grpc', 'listr2', 'cli-table3'];

  async function loaded(args: readonly string[]): Promise<readonly string[]> {
    const hook = join(folder.path, 'hook.mjs');
    writeFileSync(
      hook,
      `import { registerHooks } from 'node:module';
import { writeFileSync } from 'node:fs';
const urls = [];
registerHooks({ load: (url, context, next) => { urls.push(url); return next(url, context); } });
process.on('exit', () => writeFileSync(${JSON.stringify(join(folder.path, 'loaded.json'))}, JSON.stringify(urls)));
`,
    );
    const env = { NODE_OPTIONS: `--import=${hook}` };
    expect((await cordon(args, { cwd: folder.path, env })).code).toBe(0);
    const urls: readonly string[] = JSON.parse(folder.read('loaded.json'));
    return [...new Set(urls.flatMap((u) => /node_modules\/(@?[^/]+)/.exec(u)?.[1] ?? []))];
  }

  it.each([
    ['prove', ['prove', HOMELAB]],
    ['check --snapshot', ['check', '--snapshot', 'same.json']],
    ['diff', ['diff', HOMELAB, HOMELAB]],
    ['compile', ['compile', HOMELAB]],
    ['schema', ['schema', 'topology']],
  ])('%s loads nothing that looks at the world', async (_name, args) => {
    folder.snapshot('same.json');
    const packages = await loaded(args);
    expect(packages).toContain('zod');
    expect(packages.filter((p) => HEAVY.includes(p))).toEqual([]);
  });
});
