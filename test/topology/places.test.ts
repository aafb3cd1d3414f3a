import { expect, it } from 'vitest';
import { lineMap } from '../../src/source/span.ts';
import { Places } from '../../src/topology/load/places.ts';

it('what is missing is shown at the nearest entry that is there', () => {
  const lines = lineMap('f', 'hosts:\n  a: 1\n');
  const places = new Places(lines.span(0, 0));
  places.set(['hosts'], { key: lines.span(0, 5), value: lines.span(9, 4) });
  places.set(['hosts', 'a'], { key: lines.span(9, 1), value: lines.span(12, 1) });
  places.set(['list', 0], { key: undefined, value: lines.span(12, 1) });
  const at = (s: { line: number; column: number }) => `${s.line}:${s.column}`;
  expect(at(places.key(['hosts', 'a']))).toBe('2:3');
  expect(at(places.value(['hosts', 'a']))).toBe('2:6');
  expect(at(places.key(['hosts', 'a', 'role']))).toBe('2:3');
  expect(at(places.value(['hosts', 'a', 'role', 0]))).toBe('2:3');
  expect(at(places.value(['hosts', 'b']))).toBe('1:1');
  expect(at(places.key(['list', 0]))).toBe('2:6');
  expect(at(places.key(['nowhere', 'at', 'all']))).toBe('1:1');
});
