import { describe, expect, it } from 'vitest';
import { policyEntry, slippedIn, testFolder, textOf } from './folder.ts';
import { cordonHere } from './here.ts';
import { cordon } from './program.ts';

const folder = testFolder();
const run = (...args: string[]) => cordonHere(args, { cwd: folder.path });

describe('cordon prove', () => {
  it('decides every claim of a topology; cordon.yaml is the default', async () => {
    const { code, stdout, stderr } = await run('prove');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^ISOLATED (\d+) claims: \1 hold, 0 violated, 0 unknown\n$/);
    expect(await cordon(['prove', 'cordon.yaml'], { cwd: folder.path })).toEqual({ code, stdout, stderr });
  });

  it('lists the claims that hold when asked', async () => {
    const { stdout } = await run('prove', '--verbose');
    for (const claim of ['ingress ollama-1', 'egress ollama-1', 'flow orchestrator-model', 'closure tailnet/policy']) {
      expect(stdout).toContain(`holds  ${claim}\n`);
    }
  });

  it('prints one JSON envelope; --json is short for --format json', async () => {
    const { code, stdout } = await run('prove', '--format', 'json');
    expect(code).toBe(0);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({ schemaVersion: 1, verdict: 'holds', coverage: { unobserved: [] } });
    expect(report.claims.every((c: { state: string }) => c.state === 'holds')).toBe(true);
    expect((await run('prove', '--json')).stdout).toBe(stdout);
  });

  it.each(['text', 'json'])('writes %s to a file and nothing to stdout', async (format) => {
    const { stdout: wanted } = await run('prove', '--format', format);
    const { code, stdout, stderr } = await run('prove', '--format', format, '-o', 'report');
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(folder.read('report')).toBe(wanted);
  });

  it('says of a snapshot what it says of the topology that it equals', async () => {
    folder.snapshot('same.json');
    const { code, stdout } = await run('prove', 'same.json', '--json');
    expect(code).toBe(0);
    expect(stdout).toBe((await run('prove', '--json')).stdout);
  });

  it('ends with 2 on a violated claim, with a packet and the line to blame', async () => {
    const policy = slippedIn(textOf(folder.declared, 'tailnet/policy'));
    folder.snapshot('open.json', { 'tailnet/policy': policyEntry(policy) });
    const { code, stdout } = await run('prove', 'open.json');
    expect(code).toBe(2);
    expect(stdout).toMatch(/^NOT ISOLATED /);
    const line = policy.split('\n').findIndex((l) => l.startsWith('{"src": ["*"]')) + 1;
    expect(stdout).toContain(`blame    tailnet/policy:${line}:1 (grants[0])`);
    expect(stdout).toMatch(/packet {3}\S+ -> \S+ tcp/);
  });

  it('ends with 3 where a source is missing, and names it', async () => {
    folder.snapshot('half.json', { 'host/ollama-1/nft.txt': undefined });
    const { code, stdout } = await run('prove', 'half.json');
    expect(code).toBe(3);
    expect(stdout).toMatch(/^UNKNOWN /);
    expect(stdout).toContain('missing  host/ollama-1/nft.txt: not in the evidence');
  });

  it('ends with 2 where one source shows a violation and another is missing, and shows both', async () => {
    folder.snapshot('both.json', {
      'tailnet/policy': policyEntry(slippedIn(textOf(folder.declared, 'tailnet/policy'))),
      'host/ollama-1/nft.txt': { status: 'denied', why: 'not root' },
    });
    const { code, stdout } = await cordon(['prove', 'both.json'], { cwd: folder.path });
    expect(code).toBe(2);
    expect(stdout).toMatch(/ violated ingress /);
    expect(stdout).toContain('host/ollama-1/nft.txt: denied: not root');
  });

  it('needs the topology that a snapshot is held against', async () => {
    folder.snapshot('same.json');
    const { code, stdout, stderr } = await run('prove', 'same.json', '--topology', 'none.yaml');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('none.yaml: there is no such file');
  });

  it('ends with 2 on a waiver that has run out', async () => {
    folder.write(
      'cordon.yaml',
      folder.topology.replace(
        'waivers: []',
        'waivers: [{ id: TS-ACL-02, owner: kim, reason: moving, expires: 2020-01-01 }]',
      ),
    );
    const { code, stdout, stderr } = await run('prove');
    expect(code).toBe(2);
    expect(stdout).toContain('violated waiver');
    expect(stderr).not.toMatch(/error/);
  });

  it.each([['prove'], ['compile'], ['check', '--snapshot', 'same.json'], ['diff', 'cordon.yaml', 'same.json']])(
    '%s says on stderr what is valid and yet worth a look',
    async (...args) => {
      folder.snapshot('same.json');
      const v4only = 'addresses: [100.64.0.30]';
      folder.write('cordon.yaml', folder.topology.replace('addresses: [100.64.0.30, "fd7a:115c:a1e0::1e"]', v4only));
      const { code, stdout, stderr } = await run(...args);
      expect(code).not.toBe(1);
      expect(stderr).toMatch(
        /^cordon\.yaml:\d+:\d+: warning: exec-1 declares no IPv6 address .*\[topology-one-family\]$/m,
      );
      expect(stdout).not.toContain('topology-one-family');
    },
  );
});

describe('cordon prove of a policy file', () => {
  it('says what would be if it were in force', async () => {
    const policy = textOf(folder.declared, 'tailnet/policy');
    folder.write('same.hujson', policy);
    folder.write('open.hujson', slippedIn(policy));
    expect((await run('prove', 'same.hujson')).stdout).toBe((await run('prove')).stdout);
    const { code, stdout } = await run('prove', 'open.hujson', '--topology', 'cordon.yaml');
    expect(code).toBe(2);
    expect(stdout).toContain('NOT ISOLATED');
    expect(stdout).toContain('TS-ACL-02');
  });

  it('takes a device list instead of the declared one', async () => {
    const devices = structuredClone(folder.declared.sources['tailnet/devices']?.body) as {
      devices: { hostname: string; tags: string[] }[];
    };
    for (const device of devices.devices) if (device.hostname === 'gw-1') device.tags = [];
    folder.write('same.hujson', textOf(folder.declared, 'tailnet/policy'));
    folder.write('devices.json', JSON.stringify(devices));
    const { code, stdout } = await run('prove', 'same.hujson', '--devices', 'devices.json');
    expect(code).toBe(2);
    expect(stdout).toContain('violated authority gw-1');
  });

  it('names every error of one that does not parse', async () => {
    const { code, stdout, stderr } = await run('prove', folder.write('bad.hujson', '{"grants": [}'));
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('bad.hujson:1:');
  });
});
