import { execFileSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { UnitFile } from '../../src/host/unit-files/plan.ts';
import { renderUnits } from '../../src/host/unit-files/render.ts';
import { installScript, uninstallScript } from '../../src/host/unit-files/scripts.ts';
import { renderHost } from '../../src/nftables/render/host.ts';
import { connectFlows } from '../../src/topology/compile/connections.ts';
import { planHosts } from '../../src/topology/compile/host-plan.ts';
import { planUnits } from '../../src/topology/compile/units.ts';
import { requireOrSkip } from '../support/require.ts';
import { loadExample } from '../topology/support.ts';

function filesOf(example: string, host: string): readonly UnitFile[] {
  const topology = loadExample(example);
  const plan = planHosts(topology, connectFlows(topology).planned).get(host);
  const place = topology.hosts.get(host);
  if (plan === undefined || place === undefined) throw new Error(`no host ${host}`);
  return renderUnits(planUnits(topology, place, plan, renderHost(plan)));
}

const HOSTS = [
  ['netns-cell', 'ollama-1'],
  ['netns-cell', 'orch-1'],
  ['tailnet-node', 'ollama-1'],
  ['homelab', 'ollama-1'],
  ['homelab', 'gw-1'],
] as const;

function has(program: string, ...argv: string[]): boolean {
  try {
    execFileSync(program, argv, { stdio: 'pipe' });
    return true;
  } catch {
    return false;
  }
}

const systemd = has('systemd-analyze', '--version');
const SYSTEM = '/etc/systemd/system/';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cordon-units-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Writes what `cordon host render --units` writes. */
function unpack(files: readonly UnitFile[]): void {
  for (const { path, text, mode } of files) write(join(folder, 'files', path), text, mode);
  write(join(folder, 'install.sh'), installScript(files), 0o755);
  write(join(folder, 'uninstall.sh'), uninstallScript(files), 0o755);
}

function write(path: string, text: string, mode = 0o644): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text, { mode });
}

function filesBelow(root: string, below = ''): string[] {
  return readdirSync(join(root, below), { withFileTypes: true }).flatMap((e) =>
    e.isDirectory() ? filesBelow(root, `${below}/${e.name}`) : [`${below}/${e.name}`],
  );
}

describe.each(HOSTS)('the units of %s %s', (example, host) => {
  const files = filesOf(example, host);

  it('are sorted, in folders of ours, and hold nothing but plain text', () => {
    expect(files.map((f) => f.path)).toEqual(files.map((f) => f.path).toSorted());
    for (const { path, text } of files) {
      expect(path).toMatch(/^\/etc\/(cordon|systemd\/system)\/[A-Za-z0-9./_-]+$/);
      expect(text).toMatch(/^[\t\n -~]*\n$/);
    }
  });

  it('never take a ruleset away', () => {
    const all = files.map((f) => f.text).join('');
    expect(all).not.toMatch(/flush|ExecStop=.|ExecStopPost|netns del|Conflicts/);
    expect(all.match(/^ExecStop=$/gm) ?? []).toHaveLength(host === 'ollama-1' && example === 'netns-cell' ? 0 : 1);
  });

  it('pass systemd-analyze verify', () => {
    requireOrSkip(systemd, 'checking units needs systemd-analyze');
    for (const { path, text } of files) {
      if (path.startsWith(SYSTEM))
        write(join(folder, path.slice(SYSTEM.length)), text.replaceAll('/etc/cordon/', `${folder}/`));
      else write(join(folder, path.slice('/etc/cordon/'.length)), text, 0o755);
    }
    const bases = files.flatMap(({ path }) => /\/([^/]+\.service)\.d\/cordon\.conf$/.exec(path)?.[1] ?? []);
    for (const unit of bases) write(join(folder, unit), '[Service]\nExecStart=/bin/true\n');
    const own = files.flatMap(({ path }) => /^\/etc\/systemd\/system\/([^/]+)$/.exec(path)?.[1] ?? []);
    const units = [...own, ...bases].map((unit) => join(folder, unit));
    const said = execFileSync('sh', ['-c', 'systemd-analyze verify --man=no "$@" 2>&1', 'sh', ...units], {
      encoding: 'utf8',
    });
    expect(said).toBe('');
  });
});

it('the model is confined as far as systemd can tell', () => {
  requireOrSkip(systemd, 'judging a unit needs systemd-analyze');
  for (const [example, host] of [
    ['netns-cell', 'ollama-1'],
    ['tailnet-node', 'ollama-1'],
  ] as const) {
    const dropIn = filesOf(example, host).find((f) => f.path.endsWith('ollama.service.d/cordon.conf'));
    const unit = join(folder, 'ollama.service');
    write(unit, `[Service]\nExecStart=/bin/true\n${dropIn?.text.replace(/^[\s\S]*\[Service\]\n/, '') ?? ''}`);
    const threshold = ['security', '--offline=true', '--threshold=20', unit];
    expect(() => execFileSync('systemd-analyze', threshold, { stdio: 'pipe' })).not.toThrow();
    // The test can fail: one line less and the exposure is higher.
    write(
      unit,
      readFileSync(unit, 'utf8')
        .replace(/^CapabilityBoundingSet=$/m, '')
        .replace(/^NoNewPrivileges=yes$/m, ''),
    );
    expect(() => execFileSync('systemd-analyze', threshold, { stdio: 'pipe' })).toThrow();
  }
});

describe('install.sh and uninstall.sh', () => {
  it('put every file in its place, enable the units, and take exactly that away again', () => {
    unpack(filesOf('netns-cell', 'orch-1'));
    const root = join(folder, 'root');
    write(join(root, 'etc/nftables.conf'), 'flush ruleset\n');
    write(join(root, 'etc/systemd/system/tailscaled.service.d/mine.conf'), '[Service]\nNice=1\n');
    const before = filesBelow(root).toSorted();
    for (let i = 0; i < 2; i++) execFileSync('sh', [join(folder, 'install.sh'), root], { stdio: 'pipe' });
    const files = filesOf('netns-cell', 'orch-1');
    for (const { path, text, mode } of files) {
      expect(readFileSync(join(root, path), 'utf8')).toBe(text);
      expect(statSync(join(root, path)).mode & 0o777).toBe(mode);
    }
    const link = join(root, 'etc/systemd/system/sysinit.target.wants/cordon-firewall.service');
    if (has('systemctl', '--version')) expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(filesBelow(root).filter((f) => f.endsWith('.cordon-new'))).toEqual([]);
    for (let i = 0; i < 2; i++) execFileSync('sh', [join(folder, 'uninstall.sh'), root], { stdio: 'pipe' });
    expect(filesBelow(root).toSorted()).toEqual(before);
    expect(existsSync(join(root, 'etc/cordon'))).toBe(false);
  });

  it('leave the old file whole where the new one cannot be written', () => {
    unpack(filesOf('tailnet-node', 'ollama-1'));
    const root = join(folder, 'root');
    execFileSync('sh', [join(folder, 'install.sh'), root], { stdio: 'pipe' });
    const kept = readFileSync(join(root, 'etc/cordon/firewall.nft'), 'utf8');
    rmSync(join(folder, 'files/etc/cordon/firewall.nft'));
    expect(() => execFileSync('sh', [join(folder, 'install.sh'), root], { stdio: 'pipe' })).toThrow();
    expect(readFileSync(join(root, 'etc/cordon/firewall.nft'), 'utf8')).toBe(kept);
  });
});
