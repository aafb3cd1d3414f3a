import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { formatDiagnostic } from '../../src/source/diagnostic.ts';
import { diagnosticsOf, expectGolden, load } from './support.ts';

const FOLDER = new URL('./fixtures/', import.meta.url);
const FILES = readdirSync(fileURLToPath(FOLDER)).filter((name) => name.endsWith('.yaml'));

/** Fixtures carry a mark before everything a diagnostic must point at, one for each diagnostic. */
const MARK = '«';

function unmark(marked: string): { text: string; expected: string[] } {
  const expected: string[] = [];
  const lines = marked.split('\n').map((line, i) => {
    const parts = line.split(MARK);
    let column = 1;
    for (const part of parts.slice(0, -1)) {
      column += part.length;
      expected.push(`${i + 1}:${column}`);
    }
    return parts.join('');
  });
  return { text: lines.join('\n'), expected };
}

describe('files with many errors', () => {
  it('are there', () => expect(FILES.length).toBeGreaterThanOrEqual(7));

  it.each(FILES)('%s: each error at its place', (name) => {
    const { text, expected } = unmark(readFileSync(new URL(name, FOLDER), 'utf8'));
    const result = load(text);
    expect(result.ok).toBe(false);
    expect(
      diagnosticsOf(result).map((d) => `${d.span.line}:${d.span.column}`),
      diagnosticsOf(result).map(formatDiagnostic).join('\n'),
    ).toEqual(expected);
  });

  it.each(FILES)('%s: what is wrong and what to do', (name) => {
    const { text } = unmark(readFileSync(new URL(name, FOLDER), 'utf8'));
    const diagnostics = diagnosticsOf(load(text));
    for (const d of diagnostics) {
      expect(d.code).toMatch(/^topology-[a-z-]+$/);
      expect(d.hint ?? '', d.message).not.toBe('');
    }
    expectGolden(
      new URL(`./golden/load/${name.replace('.yaml', '.txt')}`, import.meta.url),
      `${diagnostics.map(formatDiagnostic).join('\n')}\n`,
    );
  });

  it.each(FILES)('%s: says no secret', (name) => {
    const { text } = unmark(readFileSync(new URL(name, FOLDER), 'utf8'));
    expect(JSON.stringify(load(text))).not.toMatch(/k(?:COMMENT|VALUE|KEY|ESCAPED|name)000|tskey-|BEGIN RSA/);
  });
});
