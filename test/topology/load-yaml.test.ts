import { describe, expect, it } from 'vitest';
import { edited, load, places } from './support.ts';

/** What is said about a valid file with something around it or in it. */
function around(before: string, after = ''): string[] {
  const result = load(`${before}${edited(() => {})}${after}`);
  expect(result.ok).toBe(places(result).length === 0);
  return places(result);
}

describe('one document of text', () => {
  it('as it is', () => expect(around('')).toEqual([]));
  it('after a start marker and comments', () => expect(around('# a\n---\n', '# b\n...\n')).toEqual([]));
  it('after a byte order mark', () => expect(around('\uFEFF')).toEqual([]));
  it('not two', () =>
    expect(around('', '---\nversion: 1\n')).toEqual([expect.stringMatching(/topology-yaml-documents$/)]));
  it('not one after an end marker', () => expect(around('', '...\nhosts: {}\n')).toHaveLength(1));
  it('not a directive', () => expect(around('%YAML 1.1\n---\n')).toEqual(['1:1 topology-yaml-feature']));
  it('not NUL, even in a comment', () => expect(around('# \0\n')).toEqual(['1:3 topology-not-text']));
  it('not bytes that are not UTF-8', () => expect(around('# a\uFFFD\n')).toEqual(['1:4 topology-not-text']));
  it('not empty', () => {
    for (const text of ['', ' \n', '# only\n'])
      expect(places(load(text)), JSON.stringify(text)).toEqual(['1:1 topology-empty']);
  });
  it('not a list or a word', () => {
    for (const text of ['- a\n', 'cordon\n', '5\n']) expect(places(load(text))).toEqual(['1:1 topology-wrong-type']);
  });
});

describe('limits', () => {
  const nested = (depth: number) => `version: ${'['.repeat(depth)}${']'.repeat(depth)}\n`;

  it('what no field could hold is not followed down', () => {
    expect(places(load(nested(60)))).toContain('1:34 topology-yaml-syntax');
    expect(places(load(nested(20)))).not.toContain('1:34 topology-yaml-syntax');
  });

  it('of thousands of syntax errors the first ones are shown, and how many more there are', () => {
    const result = load('['.repeat(2000));
    if (result.ok) throw new Error('accepted');
    expect(result.diagnostics.length).toBeLessThanOrEqual(10);
    expect(result.diagnostics.at(-1)?.message).toMatch(/and \d+ more like it/);
  });
});

describe('scalars are those of YAML 1.2', () => {
  it('yes and no are text', () => {
    const result = load(edited((t) => (t.hosts['gw-1'].tailscaled = 'PLACE')).replace('PLACE', 'no'));
    expect(places(result)).toEqual([expect.stringMatching(/topology-wrong-type$/)]);
  });

  it('dates are text', () => {
    const result = load(edited((t) => (t.waivers[0].expires = 'PLACE')).replace('PLACE', '2027-03-01'));
    expect(result.ok && result.value.waivers[0]?.expires).toBe('2027-03-01');
  });

  it('numbers in other bases are numbers', () => {
    const result = load(edited((t) => (t.services.ollama.tcp = ['PLACE'])).replace('PLACE', '0x2CAA'));
    expect(result.ok && result.value.services.get('ollama')?.tcp).toEqual([{ first: 11434, last: 11434 }]);
  });
});
