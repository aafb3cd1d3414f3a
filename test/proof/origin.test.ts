import { expect, it } from 'vitest';
import { originOf } from '../../src/proof/origin.ts';
import { plainWorld } from '../support/evidence.ts';

const BASE = `{
  // ours
  "tagOwners": {"tag:ci": ["ops@example.com"]},
  "grants": [
    {"src": ["tag:ci"], "dst": ["tag:ci"], "ip": ["tcp:22"]},
      {"src": ["tag:ci"],
       "dst": ["tag:ci"], "ip": ["tcp:23", "tcp:24"]},
  ],
}`;
const { topology } = plainWorld((t) => {
  t.tailnet.base = './base.hujson';
}, BASE);
const second = { section: 'grants', index: 1 } as const;
const WRITTEN = '{"src": ["tag:ci"], "dst": ["tag:ci"], "ip": ["tcp:23", "tcp:24"]}';

it('is the place in the base file, however the policy in force is laid out', () => {
  const origin = originOf(
    topology,
    second,
    '{\n\t"src": ["tag:ci"],\n\t"dst": ["tag:ci"], "ip": ["tcp:23", "tcp:24"]}',
  );
  expect(origin).toEqual({ file: topology.tailnet.base?.file, line: 6, column: 7 });
});

it.each([
  ['another entry has that number', { section: 'grants', index: 0 } as const, WRITTEN],
  ['the base has no such entry', { section: 'grants', index: 2 } as const, WRITTEN],
  ['the base has no such section', { section: 'acls', index: 1 } as const, WRITTEN],
  ['a port was changed since', second, WRITTEN.replace('24', '25')],
  ['two entries became one', second, WRITTEN.replace('"tcp:23", "tcp:24"', '"tcp:23,24"')],
])('is not known where %s', (_why, rule, text) => {
  expect(originOf(topology, rule, text)).toBeUndefined();
});

it('is not known without a base', () => {
  expect(originOf(plainWorld().topology, second, WRITTEN)).toBeUndefined();
});
