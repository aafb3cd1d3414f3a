import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Evidence } from '../../src/state/evidence.ts';
import { parseSnapshot, printSnapshot, snapshotJsonSchema } from '../../src/state/snapshot.ts';
import { exampleWorld } from '../support/evidence.ts';
import { accepted, diagnosticsOf, expectGolden } from '../topology/support.ts';

const TAKEN = '2026-11-24T10:00:00Z';
const parse = (text: string) => parseSnapshot('s.json', text);
const places = (text: string) =>
  diagnosticsOf(parse(text)).map((d) => `${d.span.line}:${d.span.column} ${d.code}: ${d.message}`);

/** A snapshot with one field changed, a key a line. */
function text(edit: (s: Record<string, unknown>) => void): string {
  const snapshot = { schemaVersion: 1, takenAt: TAKEN, sources: { 'host/a/nft.txt': { status: 'ok', body: '' } } };
  edit(snapshot);
  return JSON.stringify(snapshot, null, 2);
}

describe('a snapshot file', () => {
  it('is read as it was written', () => {
    for (const name of ['homelab', 'netns-cell', 'tailnet-node']) {
      const { evidence } = exampleWorld(name);
      const printed = printSnapshot(evidence, TAKEN);
      expect(accepted(parse(printed))).toEqual({ schemaVersion: 1, takenAt: TAKEN, sources: evidence.sources });
      expect(printSnapshot(accepted(parse(printed)), TAKEN)).toBe(printed);
    }
  });

  it('is read as it was written, whatever the sources say', () => {
    const entry = fc.oneof(
      fc.record({ status: fc.constant('ok' as const), body: fc.jsonValue() }),
      fc.record({ status: fc.constantFrom('denied', 'failed', 'late', 'absent'), why: fc.string() }),
      fc.record({
        status: fc.constant('partial' as const),
        at: fc.constant(TAKEN),
        body: fc.jsonValue(),
        why: fc.string(),
      }),
    );
    const name = fc.stringMatching(/^[a-z]{1,6}(\/[A-Za-z0-9._-]{1,8}){1,3}$/);
    fc.assert(
      fc.property(fc.dictionary(name, entry), (sources) => {
        const printed = printSnapshot({ sources } as Evidence, TAKEN);
        const again = accepted(parse(printed));
        expect(JSON.parse(JSON.stringify(again.sources))).toEqual(JSON.parse(JSON.stringify(sources)));
        expect(printSnapshot(again, TAKEN)).toBe(printed);
      }),
      { numRuns: 200 },
    );
  });

  it('does not depend on the order in which sources were asked', () => {
    const { sources } = exampleWorld('homelab').evidence;
    const reversed = Object.fromEntries(Object.entries(sources).reverse());
    expect(printSnapshot({ sources: reversed }, TAKEN)).toBe(printSnapshot({ sources }, TAKEN));
  });

  it('ends in one newline and has no other line break that depends on the machine', () => {
    expect(printSnapshot({ sources: {} }, TAKEN)).toBe(
      '{\n  "schemaVersion": 1,\n  "sources": {},\n  "takenAt": "2026-11-24T10:00:00Z"\n}\n',
    );
  });

  it.each([
    ['nothing', '', ['1:1 snapshot-not-json: the file is empty']],
    ['white space', ' \n', ['1:1 snapshot-not-json: the file is empty']],
    ['a list', '[]', ['1:1 snapshot-shape: the file: Invalid input: expected object, received array']],
    [
      'cut off',
      '{"schemaVersion": 1,\n "sources": {',
      ['2:14 snapshot-not-json: this is not JSON: CloseBraceExpected'],
    ],
    ['with a comment', '{} // nothing', ['1:4 snapshot-not-json: this is not JSON: InvalidCommentToken']],
    ['with something behind it', '{} {}', ['1:4 snapshot-not-json: this is not JSON: EndOfFileExpected']],
    [
      'with a trailing comma',
      text((s) => s).replace('"takenAt"', '"x": 1,,\n"takenAt"'),
      [
        '3:10 snapshot-not-json: this is not JSON: PropertyNameExpected',
        '3:10 snapshot-not-json: this is not JSON: ValueExpected',
      ],
    ],
    ['with a byte order mark', `\ufeff${text((s) => s)}`, ['1:1 snapshot-not-json: this is not JSON: InvalidSymbol']],
  ])('%s is refused', (_what, input, expected) => {
    expect(places(input)).toEqual(expected);
  });

  it.each<[string, (s: Record<string, unknown>) => void, string[]]>([
    [
      'another version',
      (s) => Object.assign(s, { schemaVersion: 2 }),
      ['2:3 snapshot-shape: schemaVersion: Invalid input: expected 1'],
    ],
    [
      'no time',
      (s) => delete s['takenAt'],
      ['1:1 snapshot-shape: takenAt: Invalid input: expected string, received undefined'],
    ],
    [
      'a time without a zone',
      (s) => Object.assign(s, { takenAt: '2026-11-24T10:00:00' }),
      ['3:3 snapshot-shape: takenAt: Invalid ISO datetime'],
    ],
    ['a key of nobody', (s) => Object.assign(s, { devices: [] }), ['10:3 snapshot-shape: devices: no such key']],
    [
      'a source of another shape',
      (s) => Object.assign(s, { sources: { 'host/a/nft.txt': 'ok' } }),
      ['5:5 snapshot-shape: sources.host/a/nft.txt: Invalid input: expected object, received string'],
    ],
    [
      'a status of nobody',
      (s) => Object.assign(s, { sources: { 'host/a/nft.txt': { status: 'fine' } } }),
      [
        '6:7 snapshot-shape: sources.host/a/nft.txt.status: Invalid option: expected one of "ok"|"denied"|"failed"|"late"|"partial"|"absent"',
      ],
    ],
    [
      'a source without a place',
      (s) => Object.assign(s, { sources: { Nft: { status: 'late' } } }),
      ['5:5 snapshot-shape: sources.Nft: Invalid key in record'],
    ],
    [
      'all of it at once',
      (s) =>
        Object.assign(s, {
          schemaVersion: 2,
          takenAt: 1,
          sources: { a: { status: 'late', x: 1 }, 'b/c': { status: 7 } },
          y: 1,
        }),
      ['schemaVersion', 'takenAt', 'sources.a', 'sources.b/c.status', 'y'],
    ],
  ])('with %s is refused', (_what, edit, expected) => {
    const found = places(text(edit));
    if (expected[0]?.includes('snapshot-shape')) expect(found).toEqual(expected);
    else
      for (const path of expected)
        expect(
          found.some((f) => f.includes(`snapshot-shape: ${path}: `)),
          path,
        ).toBe(true);
  });

  it.each([
    ['in the envelope', '{"schemaVersion":1,"takenAt":"2026-11-24T10:00:00Z","sources":{},"schemaVersion":1}', '1:66'],
    [
      'of sources',
      '{"schemaVersion":1,"takenAt":"2026-11-24T10:00:00Z","sources":{"a/b":{"status":"late"},\n"a/b":{"status":"ok","body":1}}}',
      '2:1',
    ],
    [
      'of an answer',
      '{"schemaVersion":1,"takenAt":"2026-11-24T10:00:00Z","sources":{"a/b":{"status":"late","status":"late"}}}',
      '1:87',
    ],
    [
      'inside a body',
      '{"schemaVersion":1,"takenAt":"2026-11-24T10:00:00Z","sources":{"a/b":{"status":"ok","body":[{"x":1,"\\u0078":2}]}}}',
      '1:100',
    ],
  ])('with a key twice %s is refused', (_where, input, place) => {
    const found = places(input);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(new RegExp(`^${place} snapshot-duplicate-key: "\\w+(/b)?" is given twice$`));
  });

  it('may have an answer without a body: what it would have decided is unknown then', () => {
    expect(parse('{"schemaVersion":1,"takenAt":"2026-11-24T10:00:00Z","sources":{"a/b":{"status":"ok"}}}').ok).toBe(
      true,
    );
  });

  it('does not mind the same key in different objects', () => {
    const input =
      '{"schemaVersion":1,"takenAt":"2026-11-24T10:00:00Z","sources":{"a/b":{"status":"ok","body":[{"x":1},{"x":1}]}}}';
    expect(parse(input).ok).toBe(true);
  });
});

describe('its JSON Schema', () => {
  it('is the published file', () => {
    expectGolden(
      new URL('../../schemas/snapshot.schema.json', import.meta.url),
      `${JSON.stringify(snapshotJsonSchema(), null, 2)}\n`,
    );
  });
});
