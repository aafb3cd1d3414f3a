import { describe, expect, it } from 'vitest';
import { claimOf, namesOf, proved, rulesOf } from '../../support/evidence.ts';
import { replays } from '../../support/replay.ts';
import { type Edit, edit, homelab, inEgress, inInput, netns, node, plain, rules } from '../../support/ruleset-edits.ts';

/** An edit after which something gets through. */
interface Hole extends Edit {
  /** Every claim that is violated after it. */
  readonly violated: readonly string[];
  /** Of the first of them. */
  readonly causes: readonly string[];
}

const holes: readonly Hole[] = [
  {
    name: 'the whole ruleset is gone',
    world: homelab,
    host: 'ollama-1',
    from: /^[\s\S]*$/,
    to: '',
    violated: ['ingress ollama-1', 'egress ollama-1'],
    causes: ['HOST-12', 'HOST-13', 'HOST-02'],
  },
  {
    name: 'our table is dormant',
    world: homelab,
    host: 'ollama-1',
    from: 'table inet cordon {\n',
    to: 'table inet cordon {\n\tflags dormant\n',
    violated: ['ingress ollama-1', 'egress ollama-1'],
    causes: ['HOST-13', 'HOST-02'],
  },
  {
    name: 'the input hook is gone',
    world: homelab,
    host: 'ollama-1',
    from: /\tchain input \{[^}]*\}\n\n/,
    to: '',
    violated: ['ingress ollama-1'],
    causes: ['HOST-13', 'HOST-02'],
  },
  {
    name: 'the forward hook is gone: the second gate takes what is forwarded for what was sent',
    world: homelab,
    host: 'ollama-1',
    from: /\tchain forward \{[^}]*\}\n\n/,
    to: '',
    violated: ['egress ollama-1'],
    causes: ['HOST-13', 'HOST-08'],
  },
  {
    name: 'the model may ask other services of its host',
    world: homelab,
    host: 'ollama-1',
    from: '\tchain loopback {\n',
    to: '\tchain loopback {\n\t\ttcp dport 53 accept\n',
    violated: ['egress ollama-1'],
    causes: ['HOST-13', 'HOST-30'],
  },
  {
    name: 'the output hook is gone: the second gate does not look at loopback',
    world: homelab,
    host: 'ollama-1',
    from: /\tchain output \{[^}]*\}\n\n/,
    to: '',
    violated: ['egress ollama-1'],
    causes: ['HOST-13', 'HOST-30'],
  },
  {
    name: 'input accepts by policy, and its last drop is gone',
    world: homelab,
    host: 'exec-1',
    from: /hook input priority 300; policy drop;([\s\S]*?)\t\tcounter name "in_denied" drop\n/,
    to: `hook input priority 300; policy accept;\n\t\tiif "lo" accept\n`,
    violated: ['ingress exec-1'],
    causes: ['HOST-13', 'HOST-01'],
  },
  {
    name: 'ssh is open on the link',
    world: homelab,
    host: 'ollama-1',
    ...inInput(homelab, 'ollama-1', 'iifname "eth0" tcp dport 22 accept'),
    violated: ['ingress ollama-1'],
    causes: ['HOST-13', 'HOST-02'],
  },
  {
    name: 'ssh is open on every interface but the declared ones (a second network card)',
    world: homelab,
    host: 'ollama-1',
    ...inInput(homelab, 'ollama-1', 'iifname != "eth0" tcp dport 22 accept'),
    violated: ['ingress ollama-1'],
    causes: ['HOST-13', 'HOST-02'],
  },
  {
    name: 'one interface nobody named is open',
    world: homelab,
    host: 'ollama-1',
    ...inInput(homelab, 'ollama-1', 'iifname "wlan0" accept'),
    violated: ['ingress ollama-1'],
    causes: ['HOST-13', 'HOST-02'],
  },
  {
    name: 'only IPv6 is open',
    world: homelab,
    host: 'ollama-1',
    ...inInput(homelab, 'ollama-1', 'meta nfproto ipv6 tcp dport 11434 accept'),
    violated: ['ingress ollama-1'],
    causes: ['HOST-13', 'HOST-06', 'HOST-02'],
  },
  {
    name: 'one port beside the declared one is open to the declared peer',
    world: homelab,
    host: 'ollama-1',
    from: /ip saddr 10\.77\.1\.1 ip daddr 10\.77\.1\.10 tcp dport 11434/,
    to: 'ip saddr 10.77.1.1 ip daddr 10.77.1.10 tcp dport 11434-11435',
    violated: ['ingress ollama-1'],
    causes: ['HOST-13', 'HOST-02'],
  },
  {
    name: 'the source is widened to the segment',
    world: homelab,
    host: 'ollama-1',
    from: 'ip saddr 10.77.1.1 ip daddr',
    to: 'ip saddr 10.77.1.0/24 ip daddr',
    violated: ['ingress ollama-1'],
    causes: ['HOST-13', 'HOST-02'],
  },
  {
    name: 'the pin on the own address is gone (weak host model)',
    world: homelab,
    host: 'ollama-1',
    from: 'ip saddr 10.77.1.1 ip daddr 10.77.1.10 tcp dport',
    to: 'ip saddr 10.77.1.1 tcp dport',
    violated: ['ingress ollama-1'],
    causes: ['HOST-13', 'HOST-02'],
  },
  {
    name: 'tailnet addresses are let in past the tunnel',
    world: node,
    host: 'ollama-1',
    ...inInput(node, 'ollama-1', 'iifname "eth0" ip daddr 100.64.0.10 tcp dport 11434 accept'),
    violated: ['ingress ollama-1'],
    causes: ['HOST-13', 'HOST-01'],
  },
  {
    name: 'the conntrack direction is gone',
    world: homelab,
    host: 'orch-1',
    from: 'tcp sport 11434 ct direction reply ct state established counter accept',
    to: 'tcp sport 11434 ct state established counter accept',
    violated: ['ingress orch-1'],
    causes: ['HOST-13', 'HOST-08'],
  },
  {
    name: 'everything established goes on',
    world: homelab,
    host: 'gw-1',
    ...inInput(homelab, 'gw-1', 'ct state established,related accept'),
    violated: ['ingress gw-1'],
    causes: ['HOST-13', 'HOST-08'],
  },
  {
    name: 'untracked packets are let in',
    world: homelab,
    host: 'gw-1',
    ...inInput(homelab, 'gw-1', 'ct state untracked accept'),
    violated: ['ingress gw-1'],
    causes: ['HOST-13', 'HOST-01'],
  },
  {
    name: 'answers are accepted by source port alone',
    world: homelab,
    host: 'ollama-1',
    ...inEgress(homelab, 'ollama-1', 'tcp sport 11434 accept'),
    violated: ['egress ollama-1'],
    causes: ['HOST-13', 'HOST-07'],
  },
  {
    name: 'one port is open outwards in both gates',
    world: homelab,
    host: 'exec-1',
    ...inEgress(homelab, 'exec-1', 'tcp dport 80 accept'),
    violated: ['egress exec-1'],
    causes: ['HOST-13', 'HOST-22'],
  },
  {
    name: 'the router forwards the segment to the tailnet',
    world: plain,
    host: 'rtr-1',
    from: /(chain forward_allow \{\n)([\s\S]*?)(chain forward_post \{\n)/,
    to: rules(plain, 'rtr-1')
      .replace(/^[\s\S]*(?=chain forward_allow \{)/, '')
      .replace(/(chain forward_post \{\n)[\s\S]*$/, '$1')
      .replaceAll(
        /(chain forward_(allow|post) \{\n)/g,
        '$1\t\tiifname "eth1" oifname "tailscale0" ip saddr 10.78.1.10 ip daddr 100.64.0.99 accept\n',
      ),
    violated: ['egress ollama-2'],
    causes: ['HOST-13', 'HOST-05'],
  },
  {
    name: 'a host that is no router forwards to the model',
    world: homelab,
    host: 'exec-1',
    from: /^[\s\S]*$/,
    to: rules(homelab, 'exec-1').replaceAll(
      /(chain (forward|postrouting) \{\n[^\n]*\n)/g,
      '$1\t\tiifname "tailscale0" oifname "eth1" ip saddr 100.64.0.99 ip daddr 10.77.1.10 accept\n',
    ),
    violated: ['ingress ollama-1'],
    causes: ['HOST-13', 'HOST-05'],
  },
  {
    name: 'the netdev table is gone',
    world: homelab,
    host: 'ollama-1',
    from: /table netdev cordon \{[\s\S]*$/,
    to: '',
    violated: ['egress ollama-1'],
    causes: ['HOST-13', 'HOST-09'],
  },
  {
    name: 'the netdev chain hangs on another link',
    world: netns,
    host: 'ollama-1',
    from: 'device "cell0"',
    to: 'device "cell1"',
    violated: ['egress ollama-1'],
    causes: ['HOST-13', 'HOST-09'],
  },
];

describe('a ruleset that lets something through', () => {
  it.each(holes.map((h) => [h.name, h] as const))('%s', (_name, hole) => {
    const claims = proved(hole.world, edit(hole));
    expect(namesOf(claims, 'violated')).toEqual(hole.violated);
    expect(namesOf(claims, 'unknown')).toEqual([]);
    const claim = claimOf(claims, hole.violated[0] ?? '');
    expect(claim.causes).toEqual(hole.causes);
    expect(claim.blame[0]).toMatchObject({ source: `host/${hole.host}/nft.txt` });
    expect(claim.blame[1]).toMatchObject({ source: `declared host/${hole.host}/nft.txt`, line: expect.any(Number) });
    for (const name of hole.violated) {
      const { witness } = claimOf(claims, name);
      if (witness === undefined) throw new Error(`${name} has no witness`);
      expect(replays(edit(hole), witness), 'the witness passes the broken ruleset').toBe(true);
      expect(replays(hole.world.evidence, witness), 'and not the declared one').toBe(false);
    }
  });

  it('is blamed with its line and its text', () => {
    const hole = holes.find((h) => h.name === 'ssh is open on the link');
    if (hole === undefined) throw new Error('no such hole');
    const text = rulesOf(edit(hole), 'ollama-1');
    const line = text.slice(0, text.indexOf('tcp dport 22')).split('\n').length;
    expect(claimOf(proved(hole.world, edit(hole)), 'ingress ollama-1').blame[0]).toEqual({
      source: 'host/ollama-1/nft.txt',
      line,
      column: 3,
      rule: 'inet cordon input',
      text: 'iifname "eth0" tcp dport 22 accept',
    });
  });
});
