import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { verdictOf } from '../../../src/proof/claim.ts';
import {
  claimOf,
  devicesOf,
  namesOf,
  proved,
  withDevices,
  withGrant,
  withRules,
  withSource,
  withStranger,
} from '../../support/evidence.ts';
import { futureEnds, replays } from '../../support/replay.ts';
import { homelab, inEgress, inInput, node } from '../../support/ruleset-edits.ts';

/** Whoever is no declared role: present, future, by name, by address, by everybody. */
const stranger = fc.constantFrom(
  'tag:ci',
  'tag:media',
  'kim@example.com',
  'mallory@example.com',
  'group:family',
  'autogroup:member',
  '100.64.0.99',
  '100.64.77.0/24',
  'fd7a:115c:a1e0::63',
  '192.168.0.0/16',
  '*',
);

/** What a rule can name of the declared machines, on every side. */
const target = fc.constantFrom(
  ['tag:gateway', 'gw-1'],
  ['tag:orchestrator', 'orch-1'],
  ['tag:executor', 'exec-1'],
  ['tag:model', 'ollama-1'],
  ['100.64.0.40', 'gw-1'],
  ['fd7a:115c:a1e0::14', 'orch-1'],
  ['10.77.1.10', 'ollama-1'],
  ['10.77.0.0/16', 'ollama-1'],
  ['fd77:1::/64', 'ollama-1'],
  ['*', 'gw-1'],
  ['autogroup:tagged', 'exec-1'],
);

const ip = fc.constantFrom('*', 'tcp:22', 'tcp:11434', 'udp:53', '443', 'icmp:*', 'sctp:99', '47:*');

/** Whether packets of both families can be meant: a source of one has no way to a target of the other. */
function meet(src: string, dst: string): boolean {
  const family = (text: string) => (/^[0-9]+\./.test(text) ? 4 : /^f[0-9a-f]+:/.test(text) ? 6 : undefined);
  const [a, b] = [family(src), family(dst)];
  return a === undefined || b === undefined || a === b;
}

describe('a rule that lets a stranger to a declared machine', () => {
  it('never leaves its claim holding, and the witness is let through', () => {
    fc.assert(
      fc.property(stranger, target, ip, fc.boolean(), (src, [dst = '', host], ports, isThere) => {
        fc.pre(meet(src, dst));
        const world = isThere ? withStranger(homelab.evidence, {}) : homelab.evidence;
        const evidence = withGrant(world, { src: [src], dst: [dst], ip: [ports] });
        const claims = proved(homelab, evidence);
        const claim = claimOf(claims, `ingress ${host}`);
        expect(claim.state).not.toBe('holds');
        expect(verdictOf(claims)).not.toBe('holds');
        const { witness } = claim;
        if (witness === undefined || /^whoever/.test(witness.to)) return;
        const future = futureEnds(witness);
        expect(replays(evidence, witness, future)).toBe(true);
        expect(replays(world, witness, future)).toBe(false);
      }),
      { numRuns: 250 },
    );
  }, 120_000);

  it('nor the other way round: a declared machine that opens anything undeclared', () => {
    fc.assert(
      fc.property(target, stranger, ip, ([src = '', host], dst, ports) => {
        fc.pre(
          meet(src, dst) &&
            !['10.77.1.10', '10.77.0.0/16', 'fd77:1::/64', '*'].includes(src) &&
            dst !== '192.168.0.0/16',
        );
        const evidence = withGrant(withStranger(homelab.evidence, {}), { src: [src], dst: [dst], ip: [ports] });
        expect(claimOf(proved(homelab, evidence), `egress ${host}`).state).not.toBe('holds');
      }),
      { numRuns: 120 },
    );
  }, 60_000);
});

const match = fc.constantFrom(
  '',
  'ip saddr 10.9.9.9 ',
  'ip6 saddr fd00::1 ',
  'iifname "eth0" ',
  'iifname "eth7" ',
  'iifname "eth*" ',
  'ip saddr != 100.64.0.30 ',
  'meta l4proto udp ',
  'tcp dport 22 ',
  'tcp dport { 22, 80-90 } ',
  'tcp sport 443 ',
  'ct state new ',
  'ct state established,related ',
  'ct state untracked ',
  'ct direction original ',
  'icmp type echo-request ',
  'meta mark 0x1 ',
  'ether saddr 00:00:00:00:00:01 ',
);

describe('an accept in a host’s own chain', () => {
  it('never leaves its claim holding', () => {
    fc.assert(
      fc.property(match, fc.constantFrom('gw-1', 'exec-1', 'ollama-1', 'orch-1'), (words, host) => {
        const at = inInput(homelab, host, `${words}counter accept`);
        const evidence = withRules(homelab.evidence, host, at.from, at.to);
        expect(claimOf(proved(homelab, evidence), `ingress ${host}`).state).not.toBe('holds');
      }),
      { numRuns: 72 },
    );
  }, 60_000);

  it('nor where it lets out', () => {
    fc.assert(
      fc.property(match, fc.constantFrom('orch-1', 'ollama-1'), (words, host) => {
        fc.pre(!words.includes('iifname'));
        const at = inEgress(node, host, `${words.replace('iif', 'oif')}accept`);
        const evidence = withRules(node.evidence, host, at.from, at.to);
        expect(claimOf(proved(node, evidence), `egress ${host}`).state).not.toBe('holds');
      }),
      { numRuns: 40 },
    );
  }, 60_000);
});

describe('evidence with pieces missing', () => {
  it('never makes more hold than whole evidence, and never holds as a whole', () => {
    const sources = Object.keys(homelab.evidence.sources);
    fc.assert(
      fc.property(
        fc.subarray(sources, { minLength: 1 }),
        fc.subarray([...devicesOf(homelab.evidence)]),
        (missing, devices) => {
          const broken = withGrant(homelab.evidence, { src: ['tag:ci'], dst: ['tag:gateway'], ip: ['tcp:22'] });
          const whole = new Set(namesOf(proved(homelab, broken), 'holds'));
          const partial = missing.reduce(
            (e, s) => withSource(e, s, { status: 'failed' }),
            withDevices(broken, devices),
          );
          const claims = proved(homelab, partial);
          expect(verdictOf(claims)).not.toBe('holds');
          for (const name of namesOf(claims, 'holds')) expect(whole).toContain(name);
        },
      ),
      { numRuns: 60 },
    );
  }, 60_000);
});
