import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { engineCacheFolder } from '../../infra/engine/cache-folder.ts';
import { cachedFolder } from '../../infra/engine/engine-cache.ts';
import { temporaryFolder } from './folders.ts';

const noWait = () => {};

describe('place', () => {
  test.each([
    [{ XDG_CACHE_HOME: '/x/cache' }, '/x/cache/cordon/engine'],
    [{ XDG_CACHE_HOME: 'relative' }, /\/\.cache\/cordon\/engine$/],
    [{}, /\/\.cache\/cordon\/engine$/],
  ])('%o', (environment, expected) => {
    const folder = engineCacheFolder(environment);
    if (typeof expected === 'string') expect(folder).toBe(expected);
    else expect(folder).toMatch(expected);
  });
});

describe('a folder of the cache', () => {
  test('is made once, and found the second time', async () => {
    const cache = join(temporaryFolder(), 'not', 'there', 'yet');
    let made = 0;
    const make = async (folder: string) => {
      made++;
      await writeFile(join(folder, 'file'), 'content');
    };
    const first = await cachedFolder(cache, 'a', noWait, make);
    const second = await cachedFolder(cache, 'a', noWait, make);
    expect([first, second]).toEqual([join(cache, 'a'), join(cache, 'a')]);
    expect(made).toBe(1);
    expect(readFileSync(join(first, 'file'), 'utf8')).toBe('content');
    expect(readdirSync(cache)).toEqual(['a']);
  });

  test('is not there before it is complete, and two runs at the same time do the work once', async () => {
    const cache = temporaryFolder();
    let made = 0;
    let waited = 0;
    const make = async (folder: string) => {
      made++;
      await writeFile(join(folder, 'first'), '');
      expect(existsSync(join(cache, 'a'))).toBe(false);
      await setTimeout(300);
      await writeFile(join(folder, 'last'), '');
    };
    const runs = [1, 2, 3].map(() => cachedFolder(cache, 'a', () => waited++, make));
    for (const path of await Promise.all(runs)) expect(readdirSync(path)).toEqual(['first', 'last']);
    expect(made).toBe(1);
    expect(waited).toBe(2);
  });

  test('leaves nothing behind when making it fails, and can be tried again', async () => {
    const cache = temporaryFolder();
    const failing = cachedFolder(cache, 'a', noWait, async (folder) => {
      await writeFile(join(folder, 'half'), '');
      throw new Error('no network');
    });
    await expect(failing).rejects.toThrow('no network');
    expect(readdirSync(cache)).toEqual([]);
    await cachedFolder(cache, 'a', noWait, async () => {});
    expect(readdirSync(cache)).toEqual(['a']);
  });

  test('does not wait for a process that has ended', async () => {
    const cache = temporaryFolder();
    const { stdout: pid } = await execa('sh', ['-c', 'echo $$']);
    writeFileSync(join(cache, 'a.lock'), JSON.stringify({ token: 't', pid: Number(pid), host: hostname() }));
    await cachedFolder(cache, 'a', noWait, async () => {});
    expect(readdirSync(cache)).toEqual(['a']);
  });

  test('does not wait for a lock without a sign of life: of another machine, or unreadable', async () => {
    for (const content of [JSON.stringify({ token: 't', pid: process.pid, host: 'elsewhere' }), 'garbage']) {
      const cache = temporaryFolder();
      writeFileSync(join(cache, 'a.lock'), content);
      const minuteAgo = new Date(Date.now() - 60_000);
      utimesSync(join(cache, 'a.lock'), minuteAgo, minuteAgo);
      await cachedFolder(cache, 'a', noWait, async () => {});
      expect(readdirSync(cache)).toEqual(['a']);
    }
  });

  test('waits for a lock that is alive', async () => {
    const cache = temporaryFolder();
    writeFileSync(join(cache, 'a.lock'), JSON.stringify({ token: 't', pid: process.pid, host: hostname() }));
    let made = false;
    const controller = new AbortController();
    const waiting = cachedFolder(
      cache,
      'a',
      () => controller.abort(),
      async () => {
        made = true;
      },
    );
    await expect.poll(() => controller.signal.aborted).toBe(true);
    await setTimeout(600);
    expect(made).toBe(false);
    await mkdir(join(cache, 'a'));
    writeFileSync(join(cache, 'a.lock'), JSON.stringify({ token: 't', pid: 0x7ffffff, host: hostname() }));
    expect(await waiting).toBe(join(cache, 'a'));
    expect(made).toBe(false);
  });

  test('removes what a run left half done a day ago, and nothing younger', async () => {
    const cache = temporaryFolder();
    await mkdir(join(cache, 'x.unfinished-1-aa'));
    await mkdir(join(cache, 'y.unfinished-2-bb'));
    const old = new Date(Date.now() - 25 * 3_600_000);
    utimesSync(join(cache, 'x.unfinished-1-aa'), old, old);
    await cachedFolder(cache, 'a', noWait, async () => {});
    expect(readdirSync(cache).sort()).toEqual(['a', 'y.unfinished-2-bb']);
  });

  test('a cache that cannot be written says where it was and what to do', async () => {
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, '');
    await expect(cachedFolder(join(file, 'cache'), 'a', noWait, async () => {})).rejects.toMatchObject({
      code: 'cache-unusable',
      message: expect.stringContaining(file),
      hint: expect.stringContaining('XDG_CACHE_HOME'),
    });
  });
});
