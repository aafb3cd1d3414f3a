import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { formatHujson } from '../../../src/tailnet/hujson/format.ts';
import { faultText, MAX_DEPTH, scanHujson } from '../../../src/tailnet/hujson/scan.ts';
import { packHujson } from '../../../src/tailnet/hujson/syntax.ts';

interface Vector {
  readonly in: string;
  readonly out?: string;
  readonly sha256?: string;
  readonly error?: string;
}

const vectors = ['hujson-format.jsonl', 'hujson-go.jsonl'].flatMap((name) =>
  readFileSync(new URL(`../fixtures/${name}`, import.meta.url), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Vector),
);
const formatted = vectors.filter((v) => v.out !== undefined);
const refused = vectors.filter((v) => v.error !== undefined);

describe('formatHujson', () => {
  it('has vectors of both kinds', () => {
    expect(formatted.length).toBeGreaterThan(100);
    expect(refused.length).toBeGreaterThan(40);
  });

  it.each(formatted)('formats $in as Go does', ({ in: input, out, sha256 }) => {
    const got = formatHujson(input);
    expect(got).toBe(out);
    if (sha256 !== undefined) expect(createHash('sha256').update(got).digest('hex')).toBe(sha256);
    expect(formatHujson(got)).toBe(got);
  });

  it.each(refused)('returns $in unchanged, with the message of Go', ({ in: input, error }) => {
    expect(formatHujson(input)).toBe(input);
    const scanned = scanHujson(input);
    expect(scanned.ok ? 'accepted' : faultText(input, scanned.fault)).toBe(error);
  });

  it('counts bytes, not characters, when it measures lines', () => {
    const twoBytes = `{"k": "${'é'.repeat(36)}"}`;
    const oneByte = `{"k": "${'e'.repeat(36)}"}`;
    expect(formatHujson(twoBytes)).toContain('\n\t');
    expect(formatHujson(oneByte)).toBe(`${oneByte}\n`);
  });

  it('reads deep nesting up to a limit instead of overflowing the stack', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    expect(scanHujson(nested(MAX_DEPTH)).ok).toBe(true);
    const tooDeep = nested(MAX_DEPTH + 1);
    expect(scanHujson(tooDeep)).toMatchObject({ ok: false, fault: { offset: MAX_DEPTH } });
    expect(formatHujson(nested(200_000))).toBe(nested(200_000));
  });

  it('keeps the tree lossless', () => {
    for (const { in: input } of formatted) {
      const scanned = scanHujson(input);
      if (scanned.ok) expect(packHujson(scanned.value)).toBe(input);
    }
  });
});
