import { describe, expect, it } from 'vitest';
import { slippedIn, testFolder, textOf } from './folder.ts';
import { cordonHere } from './here.ts';
import { cordon } from './program.ts';

const folder = testFolder();
const run = (...args: string[]) => cordonHere(['diff', ...args], { cwd: folder.path });

const FLUSHED = { status: 'ok', body: '' } as const;

/** Another topology file beside the first. */
function edited(name: string, edit: (text: string) => string): string {
  const text = edit(folder.topology);
  if (text === folder.topology) throw new Error('the edit changes nothing');
  return folder.write(name, text);
}

describe('cordon diff of two topologies', () => {
  it('says that nothing differs', async () => {
    const { code, stdout, stderr } = await cordon(['diff', 'cordon.yaml', 'cordon.yaml'], { cwd: folder.path });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('Difference none: the same bytes');
  });

  it('names who gains what by a wider service, at the policy and at the host', async () => {
    edited('wide.yaml', (t) => t.replace('tcp: [443] }', 'tcp: [443, 8443] }'));
    const { code, stdout } = await run('cordon.yaml', 'wide.yaml', '--json');
    expect(code).toBe(0);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({ schemaVersion: 1, summary: 'widening' });
    const gains = report.changes.filter((c: { kind: string }) => c.kind === 'gain');
    expect(gains.map((c: { layer: string }) => c.layer)).toEqual(
      expect.arrayContaining(['tailnet', 'host/gw-1', 'host/exec-1']),
    );
    expect(gains[0]).toMatchObject({
      src: { selector: 'tag:executor' },
      dst: { selector: 'tag:gateway' },
      packets: [{ proto: 'tcp', ports: [[8443, 8443]] }],
      witness: { dport: 8443 },
    });
    expect(gains[0].blame[0]).toMatchObject({ side: 'b', file: 'tailnet/policy of wide.yaml' });
  });

  it.each([
    ['a.yaml', 'a.yaml', [], 0],
    ['a.yaml', 'wide.yaml', [], 0],
    ['a.yaml', 'wide.yaml', ['--fail-on', 'widening'], 2],
    ['a.yaml', 'wide.yaml', ['--fail-on', 'any'], 2],
    ['wide.yaml', 'a.yaml', ['--fail-on', 'widening'], 0],
    ['wide.yaml', 'a.yaml', ['--fail-on', 'any'], 2],
    ['a.yaml', 'moved.yaml', ['--fail-on', 'widening'], 2],
    ['a.yaml', 'a.yaml', ['--fail-on', 'any'], 0],
    ['a.yaml', 'comment.yaml', ['--fail-on', 'any'], 0],
  ] as const)('%s → %s with %j ends with %i', async (a, b, options, expected) => {
    folder.write('a.yaml', folder.topology);
    edited('wide.yaml', (t) => t.replace('tcp: [443] }', 'tcp: [443, 8443] }'));
    edited('moved.yaml', (t) => t.replace('tcp: [443] }', 'tcp: [8443] }'));
    edited('comment.yaml', (t) => `${t}# more words\n`);
    expect((await run(a, b, ...options)).code).toBe(expected);
  });

  it('tells what a host that only one of them has lets in, instead of passing over it', async () => {
    const host = `
  gw-2:
    role: gateway
    device: nGw2DemoCNTRL
    addresses: [100.64.0.41, "fd7a:115c:a1e0::29"]
    tailscaled: false
    access: { kind: netns, name: cordon-gw-2 }

services:`;
    edited('more.yaml', (t) => t.replace('\nservices:', host));
    const more = await run('cordon.yaml', 'more.yaml', '--json', '--fail-on', 'widening');
    expect(more.code).toBe(2);
    const gained = JSON.parse(more.stdout).changes.filter((c: { layer: string }) => c.layer === 'host/gw-2');
    expect(gained.map((c: { kind: string }) => c.kind)).toContain('gain');
    const fewer = await run('more.yaml', 'cordon.yaml', '--json', '--fail-on', 'any');
    expect(fewer.code).toBe(2);
    const lost = JSON.parse(fewer.stdout).changes.filter((c: { layer: string }) => c.layer === 'host/gw-2');
    expect(lost.length).toBeGreaterThan(0);
    expect(lost.every((c: { kind: string }) => c.kind === 'lose')).toBe(true);
  });
});

describe('cordon diff of policy files', () => {
  const policies = () => {
    const declared = textOf(folder.declared, 'tailnet/policy');
    folder.write('a.hujson', declared);
    folder.write('open.hujson', slippedIn(declared));
    folder.write('comment.hujson', `${declared}// reviewed\n`);
    folder.write('relays.hujson', declared.replace('"hosts":', '"derpMap": {"OmitDefaultRegions": true}, "hosts":'));
  };

  it('names line and column of the rule that widens', async () => {
    policies();
    const { code, stdout } = await run('a.hujson', 'open.hujson', '--fail-on', 'widening');
    expect(code).toBe(2);
    const line =
      folder
        .read('open.hujson')
        .split('\n')
        .findIndex((l) => l.startsWith('{"src": ["*"]')) + 1;
    expect(stdout).toContain(`open.hujson:${line}:1`);
    expect(stdout).toMatch(/Difference widening/);
  });

  it('calls a comment cosmetic', async () => {
    policies();
    const { code, stdout } = await run('a.hujson', 'comment.hujson', '--fail-on', 'any', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout).summary).toBe('cosmetic');
  });

  it('ends with 3 where a construct changed that is not modelled', async () => {
    policies();
    const { code, stdout } = await run('a.hujson', 'relays.hujson');
    expect(code).toBe(3);
    expect(stdout).toMatch(/Difference unknown/);
    expect(stdout).toMatch(/relays\.hujson:\d+:\d+/);
  });

  it('fails on a certain gain although something else is unknown', async () => {
    policies();
    folder.write('worse.hujson', slippedIn(folder.read('relays.hujson')));
    expect((await run('a.hujson', 'worse.hujson', '--fail-on', 'widening')).code).toBe(2);
    expect((await run('a.hujson', 'worse.hujson')).code).toBe(3);
  });

  it('counts the devices of a list', async () => {
    policies();
    folder.write('devices.json', JSON.stringify(folder.declared.sources['tailnet/devices']?.body));
    const { stdout } = await run('a.hujson', 'open.hujson', '--devices', 'devices.json');
    expect(stdout).toContain('exec-1');
    expect((await run('a.hujson', 'open.hujson')).stdout).not.toContain('exec-1');
  });

  it('refuses a device list that is no JSON, and a policy that does not parse, with its place', async () => {
    policies();
    folder.write('devices.json', '{"devices": [');
    const list = await run('a.hujson', 'open.hujson', '--devices', 'devices.json');
    expect({ code: list.code, stdout: list.stdout }).toEqual({ code: 1, stdout: '' });
    expect(list.stderr).toMatch(/^cordon: devices\.json is not JSON .*\nhint: .*\n$/);
    folder.write('broken.hujson', '{\n  "grants": [{"src": ]\n}\n');
    const policy = await run('a.hujson', 'broken.hujson');
    expect({ code: policy.code, stdout: policy.stdout }).toEqual({ code: 1, stdout: '' });
    expect(policy.stderr).toMatch(/^broken\.hujson:2:\d+: error: /);
  });

  it('says that hosts are left out when the other side has some', async () => {
    policies();
    const { code, stderr } = await run('cordon.yaml', 'a.hujson');
    expect(code).toBe(0);
    expect(stderr).toBe('a.hujson is a tailnet policy alone: host rulesets are not compared\n');
  });
});

describe('cordon diff of snapshots', () => {
  it('compares rulesets too, with the topology that names the hosts', async () => {
    folder.snapshot('before.json');
    folder.snapshot('after.json', { 'host/ollama-1/nft.txt': FLUSHED });
    const { code, stdout } = await run(
      'before.json',
      'after.json',
      '--topology',
      'cordon.yaml',
      '--json',
      '--fail-on',
      'any',
    );
    expect(code).toBe(2);
    const layers = JSON.parse(stdout).changes.map((c: { layer: string }) => c.layer);
    expect(new Set(layers)).toEqual(new Set(['host/ollama-1']));
  });

  it('asks for that topology instead of comparing half', async () => {
    folder.snapshot('before.json');
    folder.snapshot('after.json', { 'host/ollama-1/nft.txt': FLUSHED });
    const { code, stdout, stderr } = await run('before.json', 'after.json');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('need a topology that names their hosts');
    expect(stderr).toContain('--topology cordon.yaml');
  });

  it('of a topology and a snapshot ends with 3 when a host was not observed', async () => {
    folder.snapshot('blind.json', { 'host/gw-1/nft.txt': undefined });
    const { code, stdout } = await run('cordon.yaml', 'blind.json');
    expect(code).toBe(3);
    expect(stdout).toContain('host/gw-1/nft.txt');
    const none = Object.fromEntries(
      Object.keys(folder.declared.sources)
        .filter((s) => s.startsWith('host/'))
        .map((s) => [s, undefined]),
    );
    folder.snapshot('tailnet-only.json', none);
    expect((await run('cordon.yaml', 'tailnet-only.json')).code).toBe(3);
    expect((await run('tailnet-only.json', 'tailnet-only.json')).code).toBe(0);
  });

  it('shows the errors of a broken snapshot with their places', async () => {
    folder.snapshot('whole.json');
    folder.write('half.json', folder.read('whole.json').slice(0, -200));
    const { code, stdout, stderr } = await run('whole.json', 'half.json', '--topology', 'cordon.yaml');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^half\.json:\d+:\d+: error: /);
  });
});
