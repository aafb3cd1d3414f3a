import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { claimOf, namesOf, plainWorld, proved, rulesOf, withSource } from '../support/evidence.ts';
import type { Loose } from './support.ts';

const withContainers = (t: Loose) => {
  t.hosts['exec-1'].containers = { interface: 'docker0', prefixes: ['172.17.0.0/16', 'fd17::/64'] };
};

describe('containers', () => {
  const world = plainWorld(withContainers);

  it('may open the flows of their host, and the proof agrees', () => {
    const rules = rulesOf(world.evidence, 'exec-1');
    expect(rules).toContain(
      'iifname "docker0" oifname "tailscale0" ip saddr 172.17.0.0/16 ip daddr 100.64.0.40 tcp dport { 443, 8000-8010 } ct direction original',
    );
    const claims = proved(world);
    expect(namesOf(claims, 'violated')).toEqual([]);
    expect(namesOf(claims, 'unknown')).toEqual([]);
  });

  it.each([
    ['another port', 'dport { 443, 8000-8010 }', 'dport { 443, 8000-8011 }'],
    ['another source', 'ip saddr 172.17.0.0/16', 'ip saddr 172.16.0.0/12'],
    ['another way out', 'oifname "tailscale0" ip saddr 172', 'oifname "eth0" ip saddr 172'],
  ])('and nothing else: %s', (_what, from, to) => {
    const rules = rulesOf(world.evidence, 'exec-1').split('\n');
    const changed = rules.map((l) => (l.includes('iifname "docker0"') ? l.replace(from, to) : l)).join('\n');
    expect(changed).not.toBe(rules.join('\n'));
    const claims = proved(world, withSource(world.evidence, 'host/exec-1/nft.txt', { status: 'ok', body: changed }));
    expect(claimOf(claims, 'egress exec-1').state).not.toBe('holds');
  });

  it('of a host that declares none reach nothing', () => {
    const without = plainWorld();
    expect(rulesOf(without.evidence, 'exec-1')).not.toMatch(/chain forward_allow/);
  });
});

describe('users of flows', () => {
  const world = plainWorld((t) => {
    t.hosts['exec-1'].flowUsers = [1001, 1000];
  });

  it('are asked when a flow opens, and the flow still works', () => {
    expect(rulesOf(world.evidence, 'exec-1')).toContain(
      'ct state new meta skuid { 1000, 1001 } accept comment "flow:executor-gateway/open"',
    );
    const claims = proved(world);
    expect(namesOf(claims, 'violated')).toEqual([]);
    expect(namesOf(claims, 'unknown')).toEqual([]);
  });
});

describe('the user of a model', () => {
  it('is held to its own ports on loopback; without it everybody but root is', () => {
    const said = plainWorld((t) => {
      t.hosts['ollama-1'].unit = { uid: 990 };
    });
    expect(rulesOf(said.evidence, 'ollama-1')).toContain('meta skuid 990 goto model_loopback');
    expect(rulesOf(said.evidence, 'ollama-2')).toContain('meta skuid != 0 goto model_loopback');
    expect(namesOf(proved(said), 'violated')).toEqual([]);
  });
});

describe('the declared units', () => {
  const world = plainWorld((t) => {
    t.hosts['ollama-1'].unit = {
      name: 'llm.service',
      user: 'llm',
      devices: ['/dev/nvidia0'],
      stateDirectory: '/var/lib/llm',
      listen: '10.77.1.10',
    };
  });
  const files = (host: string) =>
    z.object({ files: z.record(z.string(), z.string()) }).parse(world.evidence.sources[`host/${host}/units`]?.body)
      .files;

  it('say what the topology says of the service', () => {
    const dropIn = files('ollama-1')['/etc/systemd/system/llm.service.d/cordon.conf'];
    for (const line of [
      'User=llm',
      'DeviceAllow=/dev/nvidia0 rw',
      'ReadWritePaths=/var/lib/llm',
      'Environment=OLLAMA_HOST=10.77.1.10:11434',
      'IPAddressAllow=localhost 10.77.1.1/32 fd77:1::1/128',
    ]) {
      expect(dropIn?.split('\n')).toContain(line);
    }
    expect(dropIn).not.toContain('PrivateDevices');
    expect(files('ollama-2')['/etc/systemd/system/ollama.service.d/cordon.conf']).toContain('PrivateDevices=yes');
  });

  it('hold the very ruleset that is declared, and a variant where the daemon runs', () => {
    for (const host of ['ollama-1', 'gw-1']) {
      expect(files(host)['/etc/cordon/firewall.nft']?.endsWith(rulesOf(world.evidence, host)), host).toBe(true);
    }
    expect(files('gw-1')['/etc/cordon/firewall-without-slice.nft']).not.toContain('cgroupv2');
    expect(files('ollama-1')).not.toHaveProperty(['/etc/cordon/firewall-without-slice.nft']);
    expect(Object.keys(files('gw-1')).filter((p) => p.includes('.service.d/'))).toEqual(
      ['nftables', 'tailscaled'].map((u) => `/etc/systemd/system/${u}.service.d/cordon.conf`),
    );
  });
});
