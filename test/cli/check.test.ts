import { describe, expect, it } from 'vitest';
import type { SourceEntry } from '../../src/state/evidence.ts';
import { policyEntry, slippedIn, testFolder, textOf } from './folder.ts';
import { cordonHere } from './here.ts';
import { cordon } from './program.ts';

/*
 * `cordon check --snapshot`: what the world could hold, as a file. Needs neither root nor a network.
 */

const folder = testFolder();
const NFT = 'host/gw-1/nft.txt';
const ruleset = () => textOf(folder.declared, NFT);
const open = () => policyEntry(slippedIn(textOf(folder.declared, 'tailnet/policy')));

async function check(changed: Readonly<Record<string, SourceEntry | undefined>>) {
  folder.snapshot('seen.json', changed);
  return cordonHere(['check', '--snapshot', 'seen.json'], { cwd: folder.path });
}

describe('a snapshot of the declared world', () => {
  it('is clean', async () => {
    folder.snapshot('seen.json');
    const { code, stdout, stderr } = await cordon(['check', '--snapshot', 'seen.json'], { cwd: folder.path });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^ISOLATED [\s\S]*Difference none/);
  });

  it.each<[string, (text: string) => string]>([
    ['a comment in the policy', (t) => `${t}// reviewed\n`],
    [
      'the order of keys',
      (t) =>
        t
          .replace(/\t"hosts": \{[^}]*\},\n/, '')
          .replace('\t"grants":', '\t"hosts": {"printer": "192.168.1.9"},\n\t"grants":'),
    ],
  ])('is clean where only %s differs', async (_what, edit) => {
    const { code, stdout } = await check({
      'tailnet/policy': policyEntry(edit(textOf(folder.declared, 'tailnet/policy'))),
    });
    expect(code).toBe(0);
    expect(stdout).toContain('Difference cosmetic');
  });
});

/** Answers of a host that are none; each leaves the ruleset of the gateway unknown. */
const GARBLED: readonly (readonly [string, () => SourceEntry | undefined])[] = [
  ['half of it', () => ok(ruleset().slice(0, ruleset().length / 2))],
  ['all but its last brace', () => ok(ruleset().trimEnd().slice(0, -1))],
  ['its second half', () => ok(ruleset().slice(ruleset().length / 2))],
  ['a brace too many', () => ok(`${ruleset()}}\n`)],
  ['bytes turned round', () => ok([...ruleset()].reverse().join(''))],
  [
    'one word in the middle lost',
    () => ok(ruleset().replace('type filter hook input priority 300; policy drop;', 'type filter')),
  ],
  ['our table twice', () => ok(`${ruleset()}${ruleset()}`)],
  ['an error message', () => ok('Error: Could not process rule: No such file or directory\n')],
  ['HTML', () => ok('<!DOCTYPE html><html></html>')],
  ['a number', () => ok(17)],
  ['null', () => ok(null)],
  ['no body at all', () => ({ status: 'ok' })],
  ['a list of rules', () => ok([{ rule: 'accept' }])],
  ['nothing: it is not in the file', () => undefined],
  ['a refusal', () => ({ status: 'denied', why: 'not root' })],
  ['a failure', () => ({ status: 'failed', why: 'no such namespace' })],
  ['nothing in time', () => ({ status: 'late', why: 'no answer within 10 s' })],
  ['a part', () => ({ status: 'partial', body: ruleset(), why: 'changed while it was read' })],
];

function ok(body: unknown): SourceEntry {
  return { status: 'ok', body };
}

describe('a ruleset that is', () => {
  it.each(GARBLED)('%s: 3, and names the host', async (_what, entry) => {
    const { code, stdout } = await check({ [NFT]: entry() });
    expect(code).toBe(3);
    expect(stdout).toMatch(/^UNKNOWN /);
    expect(stdout).toMatch(/missing {2}host\/gw-1\/nft\.txt/);
  });

  it.each(GARBLED)('%s, beside an open policy: 2, and still names the host', async (_what, entry) => {
    const { code, stdout } = await check({ [NFT]: entry(), 'tailnet/policy': open() });
    expect(code).toBe(2);
    expect(stdout).toMatch(/^NOT ISOLATED /);
    expect(stdout).toMatch(/host\/gw-1\/nft\.txt/);
  });

  it('empty is open, not unknown', async () => {
    const { code, stdout } = await check({ [NFT]: ok('') });
    expect(code).toBe(2);
    expect(stdout).toMatch(/violated ingress gw-1/);
  });
});

/** Answers of the tailnet that are none. */
const TAILNET: readonly (readonly [string, string, () => SourceEntry | undefined])[] = [
  ['half a policy', 'tailnet/policy', () => policyEntry(textOf(folder.declared, 'tailnet/policy').slice(0, 500))],
  ['a policy with a key twice', 'tailnet/policy', () => policyEntry('{"grants": [], "grants": []}')],
  [
    'a policy with the ETag of another',
    'tailnet/policy',
    () => ok({ text: textOf(folder.declared, 'tailnet/policy'), etag: '0'.repeat(64) }),
  ],
  ['a policy that is a list', 'tailnet/policy', () => ok([])],
  ['an HTML page as policy', 'tailnet/policy', () => policyEntry('<html></html>')],
  ['no policy', 'tailnet/policy', () => undefined],
  ['devices without ids', 'tailnet/devices', () => ok({ devices: [{ name: 'x', addresses: [] }] })],
  [
    'a device listed twice',
    'tailnet/devices',
    () => ok({ devices: Array(2).fill({ nodeId: 'n1CNTRL', name: 'x', hostname: 'x', addresses: ['100.64.0.9'] }) }),
  ],
  [
    'an address that is none',
    'tailnet/devices',
    () => ok({ devices: [{ nodeId: 'n1CNTRL', name: 'x', hostname: 'x', addresses: ['100.64.0.999'] }] }),
  ],
  ['no devices at all', 'tailnet/devices', () => ok({ devices: [] })],
  ['a device list that is none', 'tailnet/devices', () => ok({ message: 'unauthorized' })],
  ['no device list', 'tailnet/devices', () => undefined],
  ['settings that are hidden', 'tailnet/settings', () => ok({ devicesApprovalOn: null })],
  ['settings that are a list', 'tailnet/settings', () => ok([])],
  ['no settings', 'tailnet/settings', () => undefined],
];

describe('a tailnet with', () => {
  it.each(TAILNET)('%s: never 0, and names %s', async (_what, source, entry) => {
    const { code, stdout } = await check({ [source]: entry() });
    expect(code).not.toBe(0);
    expect(code).not.toBe(1);
    expect(stdout).not.toMatch(/^ISOLATED/);
    expect(stdout).toContain(source);
  });

  it.each(TAILNET)('%s, beside a flushed host: 2, and still names %s', async (_what, source, entry) => {
    const { code, stdout } = await check({ [source]: entry(), 'host/ollama-1/nft.txt': ok('') });
    expect(code).toBe(2);
    expect(stdout).toMatch(/violated ingress ollama-1/);
    expect(stdout).toContain(source);
  });
});

describe('a file that is no snapshot', () => {
  it.each([
    ['cut off', (t: string) => t.slice(0, t.length / 2), /seen\.json:\d+:\d+: error: this is not JSON/],
    ['with a comment', (t: string) => `// by hand\n${t}`, /seen\.json:1:1: error: this is not JSON/],
    [
      'of another version',
      (t: string) => t.replace('"schemaVersion": 1', '"schemaVersion": 2'),
      /seen\.json:2:\d+: error: schemaVersion/,
    ],
    [
      'with a key we do not know',
      (t: string) => t.replace('"takenAt"', '"tookAt"'),
      /seen\.json:\d+:\d+: error: .*tookAt/,
    ],
    [
      'with a status we do not know',
      (t: string) => t.replace('"status": "ok"', '"status": "fine"'),
      /seen\.json:\d+:\d+: error: .*status/,
    ],
    [
      'with a source twice',
      (t: string) => t.replace('"sources": {', '"sources": {\n"tailnet/policy": {"status": "late"},'),
      /seen\.json:\d+:\d+: error: .*tailnet\/policy/,
    ],
    ['that is a list', () => '[]', /seen\.json:1:1: error: /],
  ])('%s: 1, with the place', async (_what, edit, words) => {
    folder.snapshot('seen.json');
    const before = folder.read('seen.json');
    folder.write('seen.json', edit(before));
    expect(folder.read('seen.json')).not.toBe(before);
    const { code, stdout, stderr } = await cordonHere(['check', '--snapshot', 'seen.json'], { cwd: folder.path });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(words);
    expect(stderr).not.toMatch(/^\s+at /m);
  });
});
