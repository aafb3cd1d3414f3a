import { describe, expect, it } from 'vitest';
import type { Evidence } from '../../../src/state/evidence.ts';
import { claimOf, namesOf, proved, withRules } from '../../support/evidence.ts';
import { type Edit, edit, homelab, inInput, inOutput, netns, node } from '../../support/ruleset-edits.ts';

/** An edit after which it cannot be told. */
const open: readonly (Edit & { readonly unknown: readonly string[] })[] = [
  {
    name: 'the daemon is known by its cgroup, and its mark is not asked for',
    world: node,
    host: 'orch-1',
    from: 'meta mark & 0x00ff0000 == 0x00080000 tcp dport { 80, 443 } ',
    to: 'tcp dport { 80, 443 } ',
    unknown: ['egress orch-1'],
  },
  {
    name: 'a statement that nobody here understands, at the top of input',
    world: homelab,
    host: 'gw-1',
    ...inInput(homelab, 'gw-1', 'numgen inc mod 2 vmap { 0 : accept }'),
    unknown: ['ingress gw-1', 'flow executor-gateway'],
  },
  {
    name: 'a set whose element has run-time state',
    world: homelab,
    host: 'gw-1',
    ...inInput(homelab, 'gw-1', 'tcp dport 22 ip saddr @friends accept'),
    unknown: ['ingress gw-1'],
  },
  {
    name: 'an accept in output alone, which the second gate still drops',
    world: homelab,
    host: 'exec-1',
    ...inOutput(homelab, 'exec-1', 'tcp dport 80 accept'),
    unknown: ['egress exec-1'],
  },
  {
    name: 'the output hook is gone, and the second gate still drops',
    world: homelab,
    host: 'exec-1',
    from: /\tchain output \{[^}]*\}\n\n/,
    to: '',
    unknown: ['egress exec-1'],
  },
  {
    name: 'the second gate is gone, and the output hook still drops',
    world: homelab,
    host: 'ollama-1',
    from: /\tchain postrouting \{[^}]*\}\n/,
    to: '',
    unknown: ['egress ollama-1'],
  },
  {
    name: 'the last drop is gone, and the policy drops',
    world: homelab,
    host: 'gw-1',
    from: '\t\tcounter name "in_denied" drop\n',
    to: '',
    unknown: ['ingress gw-1'],
  },
  {
    name: 'a rewrite in a chain of our own table',
    world: homelab,
    host: 'gw-1',
    from: '\tchain ingress {',
    to: '\tchain first {\n\t\ttype filter hook prerouting priority raw; policy accept;\n\t\tip saddr 10.0.0.9 ip saddr set 100.64.0.30\n\t}\n\n\tchain ingress {',
    unknown: ['ingress gw-1', 'egress gw-1', 'ingress ollama-1', 'egress ollama-1', 'flow executor-gateway'],
  },
  {
    name: 'a flow table in our own table',
    world: homelab,
    host: 'gw-1',
    from: 'table inet cordon {\n',
    to: 'table inet cordon {\n\tflowtable ft {\n\t\thook ingress priority filter\n\t\tdevices = { eth0 }\n\t}\n\n',
    unknown: ['ingress gw-1', 'egress gw-1', 'ingress ollama-1', 'egress ollama-1', 'flow executor-gateway'],
  },
  {
    name: 'a foreign table that rewrites destinations',
    world: homelab,
    host: 'ollama-1',
    from: /^/,
    to: 'table ip nat {\n\tchain PREROUTING {\n\t\ttype nat hook prerouting priority dstnat; policy accept;\n\t\ttcp dport 8080 dnat to 10.77.1.10:11434\n\t}\n}\n',
    unknown: ['ingress ollama-1', 'egress ollama-1', 'flow orchestrator-model'],
  },
  {
    name: 'the same in a table that is asleep',
    world: homelab,
    host: 'ollama-1',
    from: /^/,
    to: 'table ip6 nat {\n\tflags dormant\n\tchain PREROUTING {\n\t\ttype nat hook prerouting priority dstnat; policy accept;\n\t\ttcp dport 8080 redirect to :11434\n\t}\n}\n',
    unknown: ['ingress ollama-1', 'egress ollama-1', 'flow orchestrator-model'],
  },
  {
    name: 'a foreign chain that rewrites marks',
    world: node,
    host: 'orch-1',
    from: /^/,
    to: 'table inet other {\n\tchain out {\n\t\ttype route hook output priority mangle; policy accept;\n\t\tmeta mark set 0x00080000\n\t}\n}\n',
    unknown: ['ingress orch-1', 'egress orch-1', 'ingress ollama-1', 'egress ollama-1', 'flow orchestrator-model'],
  },
  {
    name: 'a foreign chain at the ingress of the link',
    world: netns,
    host: 'ollama-1',
    from: /^/,
    to: 'table netdev other {\n\tchain in {\n\t\ttype filter hook ingress device "cell0" priority filter; policy accept;\n\t\tip saddr set 192.168.255.1\n\t}\n}\n',
    unknown: ['ingress ollama-1', 'egress ollama-1', 'flow orchestrator-model'],
  },
  {
    name: 'a foreign chain that takes packets out of connection tracking',
    world: homelab,
    host: 'exec-1',
    from: /^/,
    to: 'table ip raw {\n\tchain PREROUTING {\n\t\ttype filter hook prerouting priority raw; policy accept;\n\t\tnotrack\n\t}\n}\n',
    unknown: ['ingress exec-1', 'egress exec-1', 'ingress ollama-1', 'egress ollama-1', 'flow executor-gateway'],
  },
];

/** The nearest edits after which nothing more gets through: every claim holds. */
const fine: readonly Edit[] = [
  { name: 'a drop more', world: homelab, host: 'gw-1', ...inInput(homelab, 'gw-1', 'tcp dport 22 drop') },
  {
    name: 'an accept of what no packet is',
    world: homelab,
    host: 'gw-1',
    ...inInput(homelab, 'gw-1', 'ip saddr 10.0.0.1 ip6 daddr fd00::1 accept'),
  },
  {
    name: 'an accept behind the final drop',
    world: homelab,
    host: 'gw-1',
    from: 'counter name "in_denied" drop\n',
    to: 'counter name "in_denied" drop\n\t\ttcp dport 22 accept\n',
  },
  {
    name: 'an accept in a chain that nothing jumps to',
    world: homelab,
    host: 'gw-1',
    from: '\tchain pmtu {',
    to: '\tchain unused {\n\t\taccept\n\t}\n\n\tchain pmtu {',
  },
  {
    name: 'a policy of accept behind an explicit final drop',
    world: homelab,
    host: 'gw-1',
    from: 'hook input priority 300; policy drop;',
    to: 'hook input priority 300; policy accept;',
  },
  {
    name: 'a foreign accept of everything',
    world: homelab,
    host: 'gw-1',
    from: /^/,
    to: 'table ip filter {\n\tchain INPUT {\n\t\ttype filter hook input priority filter; policy accept;\n\t\taccept\n\t}\n}\n',
  },
  {
    name: 'a declared rule twice',
    world: homelab,
    host: 'gw-1',
    ...inInput(homelab, 'gw-1', 'jump pmtu'),
  },
];

const setOf = (e: Edit): Evidence =>
  e.to.includes('@friends')
    ? withRules(
        edit(e),
        e.host,
        'table inet cordon {\n',
        'table inet cordon {\n\tset friends {\n\t\ttype ipv4_addr\n\t\tflags timeout\n\t\telements = { 10.9.9.9 timeout 1h expires 5m }\n\t}\n\n',
      )
    : edit(e);

describe('a ruleset of which it cannot be told', () => {
  it.each(open.map((o) => [o.name, o] as const))('%s', (_name, o) => {
    const claims = proved(o.world, setOf(o));
    expect(namesOf(claims, 'violated')).toEqual([]);
    expect([...namesOf(claims, 'unknown')].sort()).toEqual([...o.unknown].sort());
    for (const name of o.unknown) expect(claimOf(claims, name).missing.length).toBeGreaterThan(0);
  });
});

describe('a ruleset that lets nothing more through', () => {
  it.each(fine.map((f) => [f.name, f] as const))('%s', (_name, f) => {
    const claims = proved(f.world, edit(f));
    expect([...namesOf(claims, 'violated'), ...namesOf(claims, 'unknown')]).toEqual([]);
  });
});
