import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatPorts, hasPort, normalisePorts, parsePorts } from '../../src/topology/ports.ts';

describe('ports', () => {
  it.each([
    [443, '443'],
    ['443', '443'],
    ['8000-8010', '8000-8010'],
    ['1-65535', '1-65535'],
    ['80-80', '80'],
    [0, undefined],
    [65536, undefined],
    [1.5, undefined],
    ['90-80', undefined],
    ['0-5', undefined],
    ['80-', undefined],
    ['', undefined],
    ['ssh', undefined],
  ])('%s is read as %s', (written, expected) => {
    const range = parsePorts(written);
    expect(range && formatPorts(range)).toBe(expected);
  });

  it('ranges that touch become one, others stay apart', () => {
    const text = (list: readonly string[]) => normalisePorts(list.flatMap((r) => parsePorts(r) ?? [])).map(formatPorts);
    expect(text(['91-95', '80-90'])).toEqual(['80-95']);
    expect(text(['92-95', '80-90'])).toEqual(['80-90', '92-95']);
    expect(text(['80-90', '85', '443'])).toEqual(['80-90', '443']);
  });

  it('normalising changes no port', () => {
    const range = fc
      .tuple(fc.integer({ min: 1, max: 40 }), fc.nat(8))
      .map(([first, n]) => ({ first, last: first + n }));
    fc.assert(
      fc.property(fc.array(range, { maxLength: 6 }), (ranges) => {
        const normal = normalisePorts(ranges);
        for (let port = 1; port <= 50; port++) expect(hasPort(normal, port)).toBe(hasPort(ranges, port));
        for (const [i, r] of normal.slice(1).entries()) expect(r.first).toBeGreaterThan((normal[i]?.last ?? 0) + 1);
      }),
      { numRuns: 100 },
    );
  });
});
