import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { thisProcess } from '../../src/lab/identity.ts';
import { type Marker, readMarkers, removeMarker, writeMarker } from '../../src/lab/marker.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cordon-marker-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const marker: Marker = { schemaVersion: 1, prefix: 'x', creator: thisProcess(), namespaces: ['a', 'b'], processes: [] };

describe('markers', () => {
  it('are read as they were written, until they are removed', () => {
    expect(readMarkers(join(directory, 'none'))).toEqual([]);
    writeMarker(directory, marker);
    writeMarker(directory, { ...marker, prefix: 'y', processes: [{ pid: 7, startTicks: 9 }] });
    writeMarker(directory, { ...marker, namespaces: ['a'] });
    expect(readMarkers(directory)).toEqual([
      { ...marker, namespaces: ['a'] },
      { ...marker, prefix: 'y', processes: [{ pid: 7, startTicks: 9 }] },
    ]);
    removeMarker(directory, 'x');
    removeMarker(directory, 'x');
    expect(readMarkers(directory).map((m) => m.prefix)).toEqual(['y']);
  });

  it('that are not there yet are no labs', () => {
    mkdirSync(join(directory, 'x'));
    writeFileSync(join(directory, 'file'), '');
    expect(readMarkers(directory)).toEqual([]);
  });

  const good = JSON.stringify(marker);
  it.each([
    ['half of one', good.slice(0, 40)],
    ['an unknown version', good.replace('"schemaVersion":1', '"schemaVersion":2')],
    ['an unknown key', good.replace('{', '{"more":1,')],
    ['a name that is a path', good.replace('"a"', '"../a"')],
    ['a pid of nobody', good.replace(/"pid":\d+/, '"pid":0')],
  ])('are refused: %s', (_, text) => {
    mkdirSync(join(directory, 'x'));
    writeFileSync(join(directory, 'x', 'lab.json'), text);
    expect(() => readMarkers(directory)).toThrow(expect.objectContaining({ code: 'lab-marker' }));
  });
});
