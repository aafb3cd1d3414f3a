import { readdirSync, utimesSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { downloadTailscalePlugin, isDownloadReachable } from '../../infra/engine/download.ts';
import { temporaryFolder, writeProgram } from './folders.ts';

/** A server on loopback that answers every connection with this text, or never. */
async function serve(answer: string | undefined): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    if (answer !== undefined) socket.end(answer);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

describe('whether the download host can be reached', () => {
  test.each(['200 OK', '404 Not Found', '403 Forbidden'])('%s: yes', async (status) => {
    const url = await serve(`HTTP/1.1 ${status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`);
    expect(await isDownloadReachable(undefined, url)).toBe(true);
  });

  test('a redirect is an answer too, and not followed', async () => {
    const url = await serve('HTTP/1.1 302 Found\r\nlocation: http://192.0.2.1/\r\ncontent-length: 0\r\n\r\n');
    expect(await isDownloadReachable(undefined, url)).toBe(true);
  });

  test('nobody there: no, at once; a network that swallows everything: no, after three seconds', async () => {
    const start = Date.now();
    expect(await isDownloadReachable(undefined, 'http://127.0.0.1:9/')).toBe(false);
    expect(Date.now() - start).toBeLessThan(2_000);
    const silent = await serve(undefined);
    const asked = Date.now();
    expect(await isDownloadReachable(undefined, silent)).toBe(false);
    expect(Date.now() - asked).toBeGreaterThan(2_500);
    expect(Date.now() - asked).toBeLessThan(6_000);
  });

  test('a no is remembered for ten minutes', async () => {
    const cache = join(temporaryFolder(), 'cache');
    expect(await isDownloadReachable(cache, 'http://127.0.0.1:9/')).toBe(false);
    const url = await serve('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
    expect(await isDownloadReachable(cache, url)).toBe(false);
    const [mark = ''] = readdirSync(cache);
    const before = new Date(Date.now() - 11 * 60_000);
    utimesSync(join(cache, mark), before, before);
    expect(await isDownloadReachable(cache, url)).toBe(true);
  });
});

describe('acquiring the plugin through the CLI', () => {
  test('asks for the version of the SDK, in the given home', async () => {
    const folder = temporaryFolder();
    const cli = writeProgram(join(folder, 'pulumi'), `echo "$PULUMI_HOME $*" > ${folder}/asked`);
    await downloadTailscalePlugin(cli, '/some/home');
    const { readFileSync } = await import('node:fs');
    expect(readFileSync(join(folder, 'asked'), 'utf8')).toMatch(
      /^\/some\/home plugin install resource tailscale \d+\.\d+\.\d+\n$/,
    );
  });

  test('a failure carries what the CLI said and what to do', async () => {
    const cli = writeProgram(join(temporaryFolder(), 'pulumi'), 'echo "error: 403 HTTP error" >&2; exit 1');
    await expect(downloadTailscalePlugin(cli, '/some/home')).rejects.toMatchObject({
      code: 'engine-download-failed',
      message: expect.stringContaining('403 HTTP error'),
      hint: expect.stringContaining('CORDON_ENGINE=build'),
    });
  });
});
