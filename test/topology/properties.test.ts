import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { compileTopology } from '../../src/topology/compile.ts';
import { loadTopology } from '../../src/topology/load.ts';
import { accepted, EXAMPLES, edited, type Loose, load, plain, readIfThere } from './support.ts';

const BASE = readFileSync(`${EXAMPLES}homelab/tailnet.base.hujson`, 'utf8');

/** The same data with the keys of every map in another order; lists stay. */
function permuted(value: Loose, pick: (n: number) => number): Loose {
  if (Array.isArray(value)) return value.map((item) => permuted(item, pick));
  if (typeof value !== 'object' || value === null) return value;
  const keys = Object.keys(value);
  const result: Record<string, unknown> = {};
  while (keys.length > 0) {
    const [key] = keys.splice(pick(keys.length), 1);
    if (key !== undefined) result[key] = permuted(value[key], pick);
  }
  return result;
}

/** Everything that ends in a file: order of sources included. */
function bytesOf(text: string): string {
  return JSON.stringify(accepted(compileTopology(accepted(loadTopology('cordon.yaml', text, () => BASE)))));
}

describe('compiled evidence', () => {
  it('does not depend on the order of keys, nor on layout', () => {
    const data = plain();
    data.tailnet.base = './base.hujson';
    const expected = bytesOf(stringify(data));
    fc.assert(
      fc.property(fc.infiniteStream(fc.nat()), fc.boolean(), (numbers, flow) => {
        const pick = (n: number) => (numbers.next().value ?? 0) % n;
        expect(bytesOf(stringify(permuted(data, pick), flow ? { collectionStyle: 'flow' } : {}))).toBe(expected);
      }),
      { numRuns: 25 },
    );
  });

  it('does not depend on the order of flows, hosts’ addresses or ports', () => {
    const data = plain();
    const expected = bytesOf(stringify(data));
    const shuffled = fc.tuple(
      fc.shuffledSubarray(data.flows, { minLength: data.flows.length }),
      fc.shuffledSubarray(data.hosts['orch-1'].addresses, { minLength: 4 }),
      fc.shuffledSubarray(data.services.gateway.tcp, { minLength: 2 }),
    );
    fc.assert(
      fc.property(shuffled, ([flows, addresses, tcp]) => {
        const text = edited((t) => {
          t.flows = flows;
          t.hosts['orch-1'].addresses = addresses;
          t.services.gateway.tcp = tcp;
        });
        expect(bytesOf(text)).toBe(expected);
      }),
      { numRuns: 15 },
    );
  });

  it('is the same twice', () => expect(bytesOf(edited(() => {}))).toBe(bytesOf(edited(() => {}))));
});

describe('whatever the file is, the loader answers', () => {
  /** Loads, and compiles what loads; every diagnostic has a place inside the file and something to do. */
  function answers(text: string): void {
    const result = load(text, BASE);
    const lines = text.split(/\r\n|\r|\n/);
    for (const d of result.ok ? result.warnings : result.diagnostics) {
      if (d.span.file !== 'cordon.yaml') continue;
      expect(d.span.line).toBeGreaterThan(0);
      expect(d.span.line).toBeLessThanOrEqual(lines.length);
      expect(d.span.column).toBeLessThanOrEqual((lines[d.span.line - 1]?.length ?? 0) + 1);
      expect(d.hint).not.toBe('');
    }
    if (!result.ok) expect(result.diagnostics.length).toBeGreaterThan(0);
    else expect(typeof compileTopology(result.value).ok).toBe('boolean');
  }

  it.each([
    ['nothing', ''],
    ['white space', ' \n\t\n'],
    ['comments', '# a\n# b'],
    ['a word', 'cordon'],
    ['a number', '1'],
    ['null', '~'],
    ['a list', '- version: 1'],
    ['a byte order mark', '\uFEFFversion: 1\n'],
    ['NUL', 'version: 1\0'],
    ['an ELF header', '\u007fELF\u0002\u0001\u0001\0\0'],
    ['bytes that are not UTF-8', Buffer.from([0xff, 0xfe, 0x76]).toString('utf8')],
    ['JSON', JSON.stringify(plain())],
    ['Windows line ends', edited(() => {}).replaceAll('\n', '\r\n')],
    ['many documents', 'a: 1\n---\nb: 2\n---\n'],
    ['an open bracket, 20000 times', '['.repeat(20_000)],
    ['nested maps, 3000 deep', Array.from({ length: 3000 }, (_, i) => `${' '.repeat(i)}a:\n`).join('')],
    ['nested lists, 100 deep', `version: ${'['.repeat(100)}${']'.repeat(100)}`],
    [
      'a billion laughs',
      `a: &a [x]\n${'bcdefghi'.replace(/./g, (c) => `${c}: &${c} [*${String.fromCharCode(c.charCodeAt(0) - 1)}, *${String.fromCharCode(c.charCodeAt(0) - 1)}]\n`)}`,
    ],
    ['an anchor that holds itself', 'a: &a [*a]'],
    ['__proto__ everywhere', '__proto__: {version: 1}\nconstructor: {prototype: {x: 1}}\ntoString: 1\n'],
    ['a map as key', '? {a: 1}\n: 2\n'],
    ['numbers as keys', '1: 2\n1.5: 3\ntrue: 4\nnull: 5\n'],
    ['a directive', '%YAML 1.1\n---\nversion: 1\n'],
    ['tabs', 'version:\t1\n\ttailnet: x\n'],
  ])('%s', (_what, text) => answers(text));

  it('does not change what JavaScript objects have', () => {
    answers('__proto__: {polluted: 1}\nhosts: {__proto__: {polluted: 1}}\n');
    expect(({} as Loose).polluted).toBeUndefined();
  });

  it('values of any kind anywhere', () => {
    const anything = fc.oneof(
      fc.constantFrom<unknown>(
        null,
        true,
        0,
        -1,
        65536,
        1.5,
        '',
        'model',
        '*',
        '10.77.1.10',
        'fd77:1::a',
        '10.77.1.0/24',
        'tag:model',
        'n1orchCNTRL',
        'orch-1',
        'cell',
        '__proto__',
        '\u0000',
        '\n',
        '8000-8010',
        '2027-02-30',
      ),
      fc.string({ maxLength: 8 }),
      fc.array(fc.constantFrom<unknown>('10.77.1.9', 'x', 1, null), { maxLength: 3 }),
      fc.dictionary(
        fc.constantFrom('role', 'kind', 'tag', 'constructor', 'x'),
        fc.constantFrom<unknown>('model', 1, null),
        { maxKeys: 3 },
      ),
    );
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(), fc.constantFrom('set', 'delete', 'add'), anything), { minLength: 1, maxLength: 4 }),
        (edits) => {
          answers(
            edited((t) => {
              for (const [n, how, value] of edits) mutate(t, n, how, value);
            }),
          );
        },
      ),
      { numRuns: 400 },
    );
  });

  it('texts with a piece cut out, doubled or replaced', () => {
    const text = readFileSync(`${EXAMPLES}homelab/cordon.yaml`, 'utf8');
    const noise = fc.constantFrom(
      '',
      '{',
      '}',
      '[',
      ']',
      ': ',
      '- ',
      '&a ',
      '*a',
      '!t ',
      '"',
      "'",
      '\n',
      '\t',
      '#',
      '|',
      '>',
      '<<',
      '?',
      '%',
      '\u0000',
      'é',
    );
    fc.assert(
      fc.property(fc.nat(text.length), fc.nat(40), noise, fc.boolean(), (at, length, insert, twice) => {
        const piece = text.slice(at, at + length);
        answers(text.slice(0, at) + (twice ? piece + piece : '') + insert + text.slice(at + length));
      }),
      { numRuns: 300 },
    );
  });
});

/** Changes the n-th place of the data. */
function mutate(root: Loose, n: number, how: string, value: unknown): void {
  const found: [Loose, string | number][] = [];
  const visit = (node: Loose): void => {
    if (typeof node !== 'object' || node === null) return;
    for (const key of Array.isArray(node) ? node.keys() : Object.keys(node)) {
      found.push([node, key]);
      visit(node[key]);
    }
  };
  visit(root);
  const [parent, key] = found[n % Math.max(1, found.length)] ?? [root, 'version'];
  if (how === 'set') parent[key] = value;
  else if (how === 'add' && !Array.isArray(parent)) parent[`${key}x`] = value;
  else if (Array.isArray(parent)) parent.splice(Number(key), 1);
  else delete parent[key];
}

describe('size', () => {
  it('a thousand hosts load and compile in a few seconds', () => {
    const text = edited((t) => {
      for (let i = 0; i < 1000; i++) {
        const address = `100.80.${i >> 8}.${i & 255}`;
        t.hosts[`exec-x${i}`] = {
          role: 'executor',
          device: `nx${i}CNTRL`,
          addresses: [address, `fd7a:115c:a1e0::1:${i.toString(16)}`],
          access: { kind: 'render-only' },
        };
      }
    });
    const start = performance.now();
    const topology = accepted(load(text));
    const evidence = accepted(compileTopology(topology));
    expect(Object.keys(evidence.sources).length).toBe(3 + 2 * topology.hosts.size + 1);
    expect(performance.now() - start).toBeLessThan(15_000);
  });
});

it('examples are read from the folder that is shipped', () => {
  expect(readIfThere(`${EXAMPLES}homelab/cordon.yaml`)).toContain('version: 1');
});
