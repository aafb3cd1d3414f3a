import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatHujson } from '../../src/tailnet/hujson/format.ts';
import { policyEtag } from '../../src/tailnet/policy/etag.ts';
import { expectGolden } from '../topology/support.ts';
import { cordonHere } from './here.ts';
import { cordon, ROOT } from './program.ts';

const FIXTURES = join(ROOT, 'test', 'tailnet', 'fixtures', 'policies');
const POLICIES = ['agents', 'enterprise', 'workshop'] as const;

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cordon-policy-'));
  for (const name of POLICIES) {
    for (const end of ['hujson', 'devices.json', 'users.json'])
      copyFileSync(join(FIXTURES, `${name}.${end}`), join(folder, `${name}.${end}`));
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (...args: string[]) => cordonHere(['policy', ...args], { cwd: folder });
const file = (text: string) => {
  writeFileSync(join(folder, 'p.hujson'), text);
  return 'p.hujson';
};
const on = (name: string) => [`${name}.hujson`, '--devices', `${name}.devices.json`, '--users', `${name}.users.json`];

describe('a realistic policy', () => {
  const EXITS = { agents: [0, 2, 0], enterprise: [3, 2, 3], workshop: [0, 2, 0] } as const;

  it.each(POLICIES)('%s: check, lint and compile', async (name) => {
    const codes: (number | string | null)[] = [];
    for (const command of ['check', 'lint', 'compile']) {
      const { code, stdout, stderr } = await run(command, ...on(name));
      expect(stderr).toBe('');
      codes.push(code);
      expectGolden(new URL(`golden/policy/${name}.${command}.txt`, import.meta.url), stdout);
    }
    expect(codes).toEqual(EXITS[name]);
  });

  it.each(POLICIES)('%s: the same facts as JSON, with a place for each', async (name) => {
    const text = readFileSync(join(folder, `${name}.hujson`), 'utf8').split('\n');
    const check = JSON.parse((await run('check', ...on(name), '--json')).stdout);
    const lint = JSON.parse((await run('lint', ...on(name), '--json')).stdout);
    const compile = JSON.parse((await run('compile', ...on(name), '--json')).stdout);
    expect([check, lint, compile].map((j) => [j.schemaVersion, j.file])).toEqual(Array(3).fill([1, `${name}.hujson`]));
    const rules = compile.groups.flatMap((g: { first: { rules: object[]; ssh: object[] } }) => [
      ...g.first.rules,
      ...g.first.ssh,
    ]);
    const members = compile.groups.flatMap((g: { members: { name: string }[] }) => g.members);
    const listed = JSON.parse(readFileSync(join(folder, `${name}.devices.json`), 'utf8')).devices;
    expect(members).toHaveLength(listed.length);
    for (const { line, column } of [...check.undecided, ...lint.findings, ...rules]) {
      expect(text[line - 1]?.slice(column - 1, column)).toMatch(/["{]/);
    }
  });

  it('in canonical form means the same', async () => {
    const text = readFileSync(join(folder, 'agents.hujson'), 'utf8');
    const before = await run('compile', ...on('agents'), '--json');
    writeFileSync(join(folder, 'canonical.hujson'), formatHujson(text));
    const after = await run('compile', 'canonical.hujson', ...on('agents').slice(1), '--json');
    const meaning = (json: string) =>
      JSON.parse(json, (key, value) => (['file', 'line', 'column', 'length'].includes(key) ? undefined : value));
    expect(meaning(after.stdout)).toEqual(meaning(before.stdout));
  });
});

describe('cordon policy check', () => {
  it('shows everything that is wrong: 2', async () => {
    const { code, stdout } = await run(
      'check',
      file('{\n "grants": [{"src": ["tag:x"], "dst": ["*"], "ip": ["0"]}],\n "acls": [{"action": "deny"}],\n}'),
    );
    expect(code).toBe(2);
    expect(stdout).toBe(`REFUSED p.hujson: the API answers: action="deny" is not supported

p.hujson:3:22: error: action="deny" is not supported [policy-refused]
p.hujson:2:22: error: src=tag not found: "tag:x" [policy-refused]
p.hujson:2:53: error: port range "0": first port must be >0, or use '*' for wildcard [policy-refused]
`);
  });

  it('refuses what is no HuJSON: 2, with the place', async () => {
    const { code, stdout } = await run('check', file('{"grants": [\n  1 2]}'));
    expect(code).toBe(2);
    expect(stdout).toMatch(
      /^REFUSED p\.hujson: the API answers: hujson: line 2, column 5: [\s\S]*\np\.hujson:2:5: error: /,
    );
  });

  it('has no answer without the file, or with half a device list: 1', async () => {
    expect((await run('check', 'nowhere.hujson')).code).toBe(1);
    writeFileSync(join(folder, 'half.json'), '{"devices": [{"nodeId": "n1", "addresses": ["100.64.0.1", "x"]}]}');
    const { code, stdout, stderr } = await run('check', 'agents.hujson', '--devices', 'half.json');
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/an address or route does not parse.*\[devices-invalid\]\nhint: /);
    writeFileSync(join(folder, 'users.json'), '{"users": [{"name": "x"}]}');
    const users = await run('check', 'agents.hujson', '--devices', 'agents.devices.json', '--users', 'users.json');
    expect([users.code, users.stderr]).toEqual([1, expect.stringContaining('[users-invalid]')]);
    expect((await run('check', 'agents.hujson', '--users', 'users.json')).code).toBe(1);
  });

  it('reads domains and roles from the user list', async () => {
    const text = '{"grants": [{"src": ["user:*@other.example"], "dst": ["autogroup:tagged"], "ip": ["*"]}]}';
    writeFileSync(join(folder, 'users.json'), '{"users": [{"loginName": "a@lab.example", "role": "owner"}]}');
    const args = ['check', file(text), '--devices', 'agents.devices.json'];
    expect((await run(...args, '--users', 'users.json')).code).toBe(2);
    writeFileSync(join(folder, 'users.json'), '{"users": [{"loginName": "a@other.example"}]}');
    expect((await run(...args, '--users', 'users.json')).code).toBe(0);
  });
});

describe('cordon policy fmt', () => {
  const messy = '{"grants":[ ],\n// why\n"tagOwners":{"tag:x":[]}}';

  it('prints the canonical form, and its ETag', async () => {
    expect(await run('fmt', file(messy))).toEqual({ code: 0, stdout: formatHujson(messy), stderr: '' });
    expect((await run('fmt', '--etag', file(messy))).stdout).toBe(`${policyEtag(formatHujson(messy))}\n`);
  });

  it('compares only with --check: 2 for another form', async () => {
    expect(await run('fmt', '--check', file(messy))).toMatchObject({
      code: 2,
      stdout: 'p.hujson is not in canonical form\n',
    });
    expect(readFileSync(join(folder, 'p.hujson'), 'utf8')).toBe(messy);
    expect(await run('fmt', '--check', file(formatHujson(messy)))).toMatchObject({ code: 0, stdout: '' });
  });

  it('writes with --write, and only what changes', async () => {
    expect(await run('fmt', '--write', file(messy))).toMatchObject({ code: 0, stdout: 'p.hujson\n' });
    expect(readFileSync(join(folder, 'p.hujson'), 'utf8')).toBe(formatHujson(messy));
    expect(await run('fmt', '--write', 'p.hujson')).toMatchObject({ code: 0, stdout: '' });
  });

  it('keeps keys that stand twice, and has no form for what does not parse: 1', async () => {
    expect((await run('fmt', file('{"a": 1, "a": 2}'))).stdout).toBe('{"a": 1, "a": 2}\n');
    const { code, stdout, stderr } = await run('fmt', '--write', file('{"a": }'));
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain('p.hujson:1:7: error: ');
    expect((await run('fmt', '--write', '--check', 'p.hujson')).code).toBe(1);
  });
});

describe('cordon policy lint', () => {
  it('is silent about a clean policy: 0', async () => {
    const { code, stdout } = await run('lint', file('{"grants": []}'));
    expect(code).toBe(0);
    expect(stdout).toMatch(/^p\.hujson: nothing to say\n\nNot looked at: wildcard-source-routes, /);
  });

  it('ends with 0 for notes, 2 for errors, 3 for what is not modelled, 1 for what cannot be read', async () => {
    expect((await run('lint', file('{"grants": [], "ssh": []}'))).code).toBe(0);
    expect((await run('lint', file('{}'))).code).toBe(2);
    expect((await run('lint', file('{"grants": [], "grants": []}'))).code).toBe(2);
    expect((await run('lint', file('{"grants": [], "tunnels": [1]}'))).code).toBe(3);
    expect((await run('lint', file('{"grants": }'))).code).toBe(1);
  });
});

describe('cordon policy compile', () => {
  it('shows one device, by id, name or address', async () => {
    const outputs = await Promise.all([run('compile', ...on('agents'), '--device', 'nDev010CNTRL')]);
    for (const name of ['ollama-1', 'ollama-1.tail1a2b3.ts.net', '100.64.0.10', 'fd7a:115c:a1e0::a', '9010']) {
      outputs.push(await run('compile', ...on('agents'), '--device', name));
    }
    expect(new Set(outputs.map((o) => o.stdout)).size).toBe(1);
    expectGolden(new URL('golden/policy/agents.device.txt', import.meta.url), outputs[0]?.stdout ?? '');
    const { code, stderr } = await run('compile', ...on('agents'), '--device', 'ollama');
    expect([code, stderr]).toEqual([1, expect.stringContaining('[no-such-device]')]);
  });

  it('takes one device of each kind where there is no list, and says so', async () => {
    const { code, stdout, stderr } = await run(
      'compile',
      file(
        '{"tagOwners": {"tag:a": []}, "acls": [{"action": "accept", "src": ["ada@example.com"], "dst": ["tag:a:22"]}]}',
      ),
    );
    expect(code).toBe(0);
    expect(stderr).toBe('no --devices: shown for one device of each tag and user that the policy names\n');
    expect(stdout).toContain('\ntag:a\n  accept     any 22 from ada@example.com to itself  acls[0] 1:39\n');
  });

  it('ends with 3 where something in force is not modelled, and 1 for what does not parse', async () => {
    expect((await run('compile', file('{"grants": [], "tunnels": [1]}'))).code).toBe(3);
    expect((await run('compile', file('{"acls": {}}'))).code).toBe(1);
  });

  it('writes to a file, as the built program', async () => {
    const { code, stdout } = await cordon(['policy', 'compile', ...on('workshop'), '--json', '-o', 'out.json'], {
      cwd: folder,
    });
    expect([code, stdout]).toEqual([0, '']);
    expect(JSON.parse(readFileSync(join(folder, 'out.json'), 'utf8')).groups.length).toBeGreaterThan(5);
  });
});
