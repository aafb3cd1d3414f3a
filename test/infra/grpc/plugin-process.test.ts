import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { connectProvider, unary } from '../../../infra/grpc/client.ts';
import { emptyMessages } from '../../../infra/grpc/proto.ts';

const SCRIPT = `
  import { runPluginProcess } from ${JSON.stringify(new URL('../../../infra/grpc/plugin-process.ts', import.meta.url).href)};
  await runPluginProcess({ name: 'demo', version: '9.8.7', handlers: {} }, process.argv.slice(1));
`;
const node = ['--input-type=module', '--eval', SCRIPT, '--'];

test('-version prints the version and ends', async () => {
  const { stdout } = await execa(process.execPath, [...node, '-version']);
  expect(stdout).toBe('9.8.7');
});

test.each(['SIGINT', 'SIGTERM'] as const)(
  'prints the port as the first line, answers there, ends on %s',
  async (signal) => {
    const plugin = execa(process.execPath, [...node, '--logtostderr', '127.0.0.1:1'], { timeout: 20_000 });
    const [line = ''] = await firstLines(plugin.stdout, 1);
    expect(line).toMatch(/^\d+$/);
    const client = connectProvider(Number(line));
    const info = await unary<{ getVersion(): string }>((done) => client.getPluginInfo(new emptyMessages.Empty(), done));
    expect(info.getVersion()).toBe('9.8.7');
    client.close();
    plugin.kill(signal);
    expect((await plugin.catch((e: { exitCode?: number }) => e)).exitCode).toBe(0);
  },
);

test('ends when its engine is gone without saying so', async () => {
  // A shell as engine: it starts the plugin, prints its process id, and is killed.
  const engine = execa('sh', ['-c', '"$@" & echo $!; wait', 'sh', process.execPath, ...node, '127.0.0.1:1'], {
    timeout: 20_000,
    reject: false,
  });
  // The process id comes from the shell, the port from the plugin once it serves.
  const [pid = 0] = (await firstLines(engine.stdout, 2)).map(Number);
  expect(isAlive(pid)).toBe(true);
  engine.kill('SIGKILL');
  await expect.poll(() => isAlive(pid), { timeout: 10_000 }).toBe(false);
});

async function firstLines(stream: Readable, count: number): Promise<string[]> {
  const lines: string[] = [];
  const reader = createInterface({ input: stream });
  reader.on('line', (line) => lines.push(line));
  while (lines.length < count) await once(reader, 'line');
  return lines;
}

/** A process that ended counts as ended, also where nobody collects orphans (containers without an init). */
function isAlive(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.[0] !== 'Z';
  } catch {
    return false;
  }
}
