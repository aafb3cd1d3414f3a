import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cordon, HOMELAB } from './program.ts';

const RECORDED = join(import.meta.dirname, '..', 'openclaw', 'fixtures', 'recorded');
let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cordon-openclaw-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('cordon openclaw check --samples', () => {
  it('prints the findings of every record as JSON, and nothing else', async () => {
    const { code, stdout, stderr } = await cordon(['openclaw', 'check', '--samples', RECORDED, '--format', 'json']);
    expect({ code, stderr }).toEqual({ code: 2, stderr: '' });
    const { samples } = JSON.parse(stdout);
    expect(Object.keys(samples).length).toBe(67);
    expect(samples['2026.9.6/hardened']).toEqual({ findings: [] });
    expect(samples['2026.2.26/bind-lan']).toEqual({
      findings: [
        {
          path: 'gateway.bind',
          state: 'violated',
          causes: ['OC-01'],
          expected: 'loopback',
          effective: 'lan',
          source: 'config',
        },
      ],
    });
  });

  it('never looks at an answer key', async () => {
    const told = join(folder, 'told');
    cpSync(RECORDED, told, { recursive: true });
    const file = join(told, '2026.9.6', 'drift', 'bind-lan.json');
    const record = JSON.parse(readFileSync(file, 'utf8'));
    writeFileSync(
      file,
      JSON.stringify({ ...record, change: [{ path: 'x', op: 'set', value: 1 }], deltaVsHardened: {} }),
    );
    const runs = [RECORDED, told].map((dir) => cordon(['openclaw', 'check', '--samples', dir, '--json']));
    const [plain, other] = await Promise.all(runs);
    expect(other).toEqual(plain);
  });

  it('is never green for a record that cannot be read, or that lies in another release’s folder', async () => {
    const bad = join(folder, 'bad');
    const drift = join(bad, '2026.9.6', 'drift');
    cpSync(join(RECORDED, '2026.2.26', 'drift', 'hardened.json'), join(drift, 'other-release.json'), {
      recursive: true,
    });
    writeFileSync(join(drift, 'half.json'), '{"openclaw": "2026.9.6", "config": {');
    const { stdout } = await cordon(['openclaw', 'check', '--samples', bad, '--json']);
    const { samples } = JSON.parse(stdout);
    for (const name of ['other-release', 'half']) {
      expect(samples[`2026.9.6/${name}`].findings.map((f: { state: string }) => f.state)).toContain('unknown');
    }
  });

  it('says so when there is nothing to read', async () => {
    const { code, stderr } = await cordon(['openclaw', 'check', '--samples', join(folder, 'nothing')]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/has no records \[no-samples\]/);
  });
});

describe('cordon openclaw check --snapshot', () => {
  const AUDIT = {
    openclaw: '2026.9.6',
    exit: 0,
    stdout: {
      summary: { critical: 0, warn: 1, info: 0 },
      findings: [{ checkId: 'gateway.trusted_proxies_missing', severity: 'warn' }],
    },
  };

  let compiled: Promise<{ openclaw: string; config: Record<string, never> }> | undefined;

  function declaredConfig() {
    compiled ??= cordon(['compile', HOMELAB]).then(
      (run) => JSON.parse(run.stdout).sources['openclaw/gw-1/config'].body,
    );
    return compiled;
  }

  async function check(sources: object, ...args: string[]) {
    const file = join(folder, 'snapshot.json');
    writeFileSync(file, JSON.stringify({ schemaVersion: 1, takenAt: '2026-11-25T00:00:00Z', sources }));
    return cordon(['openclaw', 'check', HOMELAB, '--snapshot', file, ...args]);
  }

  const ok = (body: unknown) => ({ status: 'ok', body });

  it('what is compiled holds, and a change of it does not', async () => {
    const body = await declaredConfig();
    const clean = await check({ 'openclaw/gw-1/config': ok(body), 'openclaw/gw-1/audit': ok(AUDIT) });
    expect(clean).toMatchObject({ code: 0, stderr: '' });
    expect(clean.stdout).toMatch(/^HOLDS gw-1: \d+ lines hold, 0 deviate, 0 unknown\n$/);
    const changed = JSON.parse(JSON.stringify(body).replace('"security":"allowlist"', '"security":"full"'));
    const bad = await check({ 'openclaw/gw-1/config': ok(changed), 'openclaw/gw-1/audit': ok(AUDIT) });
    expect(bad.code).toBe(2);
    expect(bad.stdout).toMatch(/^DEVIATES gw-1/);
    expect(bad.stdout).toMatch(/violated +agents\.entries\.LocalCode\.tools\.exec\.security +allowlist +full +config/);
  });

  it('is unknown without evidence', async () => {
    const { code, stdout } = await check({ 'openclaw/gw-1/config': ok(await declaredConfig()) });
    expect(code).toBe(3);
    expect(stdout).toMatch(/^UNKNOWN gw-1/);
  });

  it('finds a credential by its look, in keys that are allowed to be there, and does not print it', async () => {
    const body = await declaredConfig();
    const token = `ghp_${'wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx'}`;
    const config = { ...body.config, ui: { prefs: { locale: token } } };
    const sources = { 'openclaw/gw-1/config': ok({ ...body, config }), 'openclaw/gw-1/audit': ok(AUDIT) };
    const { code, stdout, stderr } = await check(sources, '--json');
    expect(code).toBe(2);
    expect(JSON.parse(stdout).findings.find((f: { path: string }) => f.path === 'ui.prefs.locale')).toMatchObject({
      state: 'violated',
      causes: ['OC-21'],
    });
    expect(stdout + stderr).not.toContain(token);
  });

  it('says what it needs', async () => {
    expect(await cordon(['openclaw', 'check', HOMELAB])).toMatchObject({ code: 1, stdout: '' });
    const both = await cordon(['openclaw', 'check', '--samples', RECORDED, '--snapshot', 'x']);
    expect(both).toMatchObject({ code: 1, stdout: '' });
  });
});
