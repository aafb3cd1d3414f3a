import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { isRecord, leavesOf } from '../../src/openclaw/keys.ts';
import { findingsOf, pathsOf, recorded, recordedNames, VERSIONS, type Version } from './support.ts';

interface Change {
  readonly path: string;
  readonly op: string;
  readonly value: unknown;
}

const CHANGES: Readonly<Record<string, readonly Change[]>> = JSON.parse(
  readFileSync(new URL('./fixtures/changes.json', import.meta.url), 'utf8'),
);

/** Unset means the wanted value there. */
const EQUAL_BY_DEFAULT = ['bind-unset'];

const rates = new Map<string, { named: number; all: number }>();

describe.each(VERSIONS)('%s', (version) => {
  it.each(recordedNames(version))('%s', (name) => {
    const record = recorded(version, name);
    const paths = pathsOf(findingsOf(record));
    const changes = CHANGES[`${version}/${name}`] ?? [];
    if (changes.length === 0 || EQUAL_BY_DEFAULT.includes(name)) return expect(paths).toEqual([]);
    const missed = changes.filter((change) => !isNamed(change, paths, version));
    const foreign = paths.filter((path) => !changes.some((change) => belongs(path, change)));
    const rate = rates.get(version) ?? { named: 0, all: 0 };
    rates.set(version, { named: rate.named + (missed.length === 0 ? 1 : 0), all: rate.all + 1 });
    expect({ missed, foreign }).toEqual({ missed: [], foreign: [] });
  });

  it('says of a file that the gateway refuses that it is invalid, with the key from the error', () => {
    const record = recorded(version, 'sandbox-docker-network-host');
    expect(findingsOf(record).map((f) => [f.path, f.state])).toEqual([
      ['agents.defaults.sandbox.docker.network', 'invalid'],
    ]);
  });
});

afterAll(() => {
  for (const [version, { named, all }] of rates) {
    process.stdout.write(`${version}: ${named} of ${all} recorded drifts named
`);
  }
});

it('looks at nothing but what was recorded: an answer key in the file changes nothing', () => {
  for (const name of recordedNames('2026.9.6')) {
    const plain = recorded('2026.9.6', name);
    const told = { ...plain, change: CHANGES[`2026.9.6/${name}`], deltaVsHardened: { added: [['x', 'y']] }, note: 'x' };
    expect(findingsOf(told)).toEqual(findingsOf(plain));
  }
});

it('names the agent in the path and beside it', () => {
  const [list] = findingsOf(recorded('2026.9.6', 'agent-override-sandbox-off')).filter((f) => f.agent !== undefined);
  expect(list).toMatchObject({ path: 'agents.entries.loose.sandbox.mode', agent: 'loose', effective: 'off' });
});

function isNamed(change: Change, paths: readonly string[], version: Version): boolean {
  if (change.path.startsWith('fs:')) return paths.some((path) => path.startsWith('fs.'));
  if (paths.includes(change.path)) return true;
  const before = hardenedValue(version, change.path);
  const wanted = change.op === 'unset' ? before : change.value;
  const leaves = isRecord(wanted) ? leavesOf(wanted).map(({ path }) => [change.path, ...path].join('.')) : [];
  return leaves.length > 0 && leaves.every((leaf) => paths.includes(leaf));
}

function hardenedValue(version: Version, path: string): unknown {
  return path.split('.').reduce((at, step) => at?.[step], recorded(version, 'hardened').config);
}

function belongs(path: string, change: Change): boolean {
  if (change.path.startsWith('fs:')) return path.startsWith('fs.');
  return path === change.path || path.startsWith(`${change.path}.`);
}
