import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cellFiles } from '../../src/host/unit-files/cell.ts';
import { loadable, needsControlGroup, withoutControlGroups } from '../../src/nftables/render/boot.ts';
import { renderHost } from '../../src/nftables/render/host.ts';
import { PLANS } from '../nftables/plans.ts';
import { canUseNamespaces, makeNamespace, type TestNamespace } from '../support/namespace.ts';
import { requireOrSkip } from '../support/require.ts';

const able = canUseNamespaces();
const needs = 'loading rulesets needs root, iproute2 and nftables';

let folder = '';
let outside: TestNamespace | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cordon-boot-'));
  if (able) outside = makeNamespace('boot');
});
afterEach(() => {
  outside?.remove();
  rmSync(folder, { recursive: true });
});

function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text, { mode: 0o755 });
  return join(folder, name);
}

function plan(name: string) {
  const found = PLANS[name];
  if (found === undefined) throw new Error(name);
  return renderHost(found);
}

describe('a boot without the control group of the daemon', () => {
  const full = plan('model-tailnet');

  it('refuses the whole ruleset, and keeps the variant that was loaded first', () => {
    requireOrSkip(able && outside !== undefined, needs);
    expect(needsControlGroup(full)).toBe(true);
    expect(needsControlGroup(withoutControlGroups(full))).toBe(false);
    // `ip netns exec` mounts a /sys of its own, in which there is no control group at all.
    outside.exec(['nft', '-f', file('first.nft', loadable(withoutControlGroups(full)))]);
    const held = outside.exec(['nft', '-s', 'list', 'ruleset']);
    const whole = file('full.nft', loadable(full));
    expect(() => outside?.exec(['nft', '-f', whole])).toThrow(/cgroupv2|No such file/);
    expect(outside.exec(['nft', '-s', 'list', 'ruleset'])).toBe(held);
    expect(held).toContain('chain daemon_out');
    expect(held).not.toMatch(/cgroupv2|jump daemon_flows/);
    expect(held).toMatch(/hook output[^}]*drop\n\t}/);
  });

  it('is the declared ruleset where the control group is there', () => {
    requireOrSkip(able, needs);
    const whole = file('full.nft', loadable(full));
    const script = `mount -t cgroup2 none /sys/fs/cgroup && mkdir -p /sys/fs/cgroup/cordon.slice && nft -f ${whole} && nft -s list ruleset`;
    const listed = execFileSync('unshare', ['-nm', 'sh', '-c', script], { encoding: 'utf8' });
    expect(listed).toContain('socket cgroupv2 level 1 "cordon.slice"');
  });
});

it('the file of nftables.service and ours are one transaction: a flush in it takes nothing away', () => {
  requireOrSkip(able && outside !== undefined, needs);
  const ours = file('firewall.nft', loadable(plan('other-empty')));
  const theirs = file(
    'nftables.conf',
    'flush ruleset\ntable inet filter { chain input { type filter hook input priority 0; }\n}\n',
  );
  const both = file('both.nft', `include "${theirs}"\ninclude "${ours}"\n`);
  outside.exec(['nft', '-f', both]);
  const listed = outside.exec(['nft', '-s', 'list', 'ruleset']);
  expect(listed).toMatch(/table inet filter[\s\S]*table inet cordon/);
  file('nftables.conf', 'flush ruleset\ntable inet filter { chain input { nonsense; }\n}\n');
  expect(() => outside?.exec(['nft', '-f', both])).toThrow();
  expect(outside.exec(['nft', '-s', 'list', 'ruleset'])).toBe(listed);
});

describe('the script of a namespace', () => {
  const cell = (namespace: string) => ({
    namespace,
    inner: { link: 'cell0', addresses: ['192.168.255.2/30', 'fd00:255::2/126'] },
    outer: { link: 'cellh', addresses: ['192.168.255.1/30', 'fd00:255::1/126'] },
  });
  const textOf = (namespace: string, text: string) => {
    const unit = {
      host: 'm',
      firewall: { text, withoutSlice: undefined },
      slice: undefined,
      cell: undefined,
      model: undefined,
    };
    const files = cellFiles(unit, cell(namespace));
    for (const { path, text: content } of files)
      file(path.slice(path.lastIndexOf('/') + 1), content.replaceAll('/etc/cordon/', `${folder}/`));
    return join(folder, 'netns-m.sh');
  };

  it('builds it closed, with one link and no route out, and mends it when run again', () => {
    requireOrSkip(able && outside !== undefined, needs);
    const name = `${outside.name}-in`;
    const script = textOf(name, loadable(plan('model-netns')));
    try {
      // The first end is in the namespace of the machine, which here is one of the test's own.
      for (let i = 0; i < 2; i++)
        execFileSync('nsenter', [`--net=/run/netns/${outside.name}`, script], { stdio: 'pipe' });
      const inside = (...argv: string[]) =>
        execFileSync('ip', ['netns', 'exec', name, ...argv], { encoding: 'utf8', stdio: 'pipe' });
      expect(inside('nft', '-s', 'list', 'ruleset')).toContain('device "cell0"');
      const links = inside('ip', '-o', 'link')
        .trim()
        .split('\n')
        .map((l) => l.split(/[:@]/)[1]?.trim());
      expect(links).toEqual(['lo', 'cell0']);
      expect(inside('ip', '-4', 'route').trim()).toMatch(/^192\.168\.255\.0\/30 dev cell0 [^\n]*$/);
      expect(inside('ip', '-6', 'route', 'show', 'default')).toBe('');
      expect(outside.exec(['ip', '-br', 'address', 'show', 'dev', 'cellh'])).toContain('192.168.255.1/30');
      inside('ip', 'address', 'del', '192.168.255.2/30', 'dev', 'cell0');
      execFileSync('nsenter', [`--net=/run/netns/${outside.name}`, script], { stdio: 'pipe' });
      expect(inside('ip', '-br', 'address', 'show', 'dev', 'cell0')).toContain('192.168.255.2/30');
    } finally {
      execFileSync('ip', ['netns', 'del', name], { stdio: 'pipe' });
    }
  });

  it('leaves both ends down when the ruleset is refused', () => {
    requireOrSkip(able && outside !== undefined, needs);
    const name = `${outside.name}-in`;
    const script = textOf(name, 'table inet cordon { chain nonsense { nonsense; }\n}\n');
    try {
      expect(() => execFileSync('nsenter', [`--net=/run/netns/${outside?.name}`, script], { stdio: 'pipe' })).toThrow();
      expect(outside.exec(['ip', '-br', 'link', 'show', 'dev', 'cellh'])).toMatch(/DOWN/);
      const inside = execFileSync('ip', ['netns', 'exec', name, 'ip', '-br', 'link'], { encoding: 'utf8' });
      expect(inside).not.toMatch(/cell0@\S+ +UP/);
    } finally {
      execFileSync('ip', ['netns', 'del', name], { stdio: 'pipe' });
    }
  });
});
