import { execFile } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { formatCreator, lifeOf, parseCreator, startTicks, thisProcess } from '../../src/lab/identity.ts';

const self = thisProcess();

describe('lifeOf', () => {
  it('knows this process, and not one with its pid from another time', () => {
    expect(lifeOf(self)).toBe('running');
    expect(lifeOf({ ...self, startTicks: self.startTicks - 1 })).toBe('gone');
    expect(lifeOf({ ...self, bootId: '00000000-0000-0000-0000-000000000000' })).toBe('gone');
  });

  it('does not judge a pid of another pid namespace', () => {
    expect(lifeOf({ ...self, pidNamespace: '1' })).toBe('elsewhere');
    expect(lifeOf({ ...self, pidNamespace: '1', startTicks: 1 })).toBe('elsewhere');
  });

  it('sees a child end', async () => {
    const child = execFile('sleep', ['60']);
    const made = { ...self, pid: child.pid ?? 0, startTicks: startTicks(child.pid ?? 0) ?? 0 };
    expect(lifeOf(made)).toBe('running');
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
    expect(lifeOf(made)).toBe('gone');
  });
});

describe('startTicks', () => {
  it('agrees with a program whose name has brackets and blanks', async () => {
    // Field 2 of /proc/PID/stat is the name: a parser that counts fields from the left goes wrong here.
    const child = execFile('bash', ['-c', 'echo ") R 1 (" > /proc/self/comm; read -r line']);
    try {
      const ticks = startTicks(child.pid ?? 0);
      expect(ticks).toBeGreaterThanOrEqual(self.startTicks);
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(startTicks(child.pid ?? 0)).toBe(ticks);
    } finally {
      child.kill('SIGKILL');
    }
  });

  it('has none where there is no process', () => {
    expect(startTicks(2 ** 30)).toBeUndefined();
  });
});

describe('parseCreator', () => {
  it('is the opposite of formatCreator', () => {
    expect(parseCreator(formatCreator(self))).toEqual(self);
  });

  it.each([
    '',
    'a/b/c/d',
    `${formatCreator(self)}/1`,
    formatCreator(self).replace(/\/\d+$/, ''),
    formatCreator(self).replace(/\d+$/, '-1'),
  ])('refuses %j', (text) => {
    expect(parseCreator(text)).toBeUndefined();
  });
});
