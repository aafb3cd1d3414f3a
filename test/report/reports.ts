import { verdictOf } from '../../src/proof/claim.ts';
import type { Report } from '../../src/proof/report.ts';
import type { Evidence } from '../../src/state/evidence.ts';
import { interpret } from '../../src/state/interpret.ts';
import { compared, comparedPolicies, device } from '../support/compare.ts';
import {
  plainWorld,
  proved,
  type World,
  withDevice,
  withGrant,
  withPolicy,
  withRules,
  withSource,
} from '../support/evidence.ts';
import { homelab, inOutput } from '../support/ruleset-edits.ts';

export const EMPTY: Report['coverage'] = { observed: [], unobserved: [] };

/** The claims of a world on evidence. */
export function claimsOf(world: World, evidence: Evidence): Report {
  const claims = proved(world, evidence, { declared: interpret(world.evidence) });
  const sources = Object.entries(evidence.sources);
  return {
    verdict: verdictOf(claims),
    claims,
    coverage: {
      observed: sources.filter(([, e]) => e.status === 'ok').map(([name]) => name),
      unobserved: sources.filter(([, e]) => e.status !== 'ok').map(([source, e]) => ({ source, why: e.status })),
    },
  };
}

export const wide = withGrant(homelab.evidence, { src: ['*'], dst: ['*'], ip: ['*'] });
const flushed = withRules(homelab.evidence, 'ollama-1', /^[\s\S]*$/, '');
const silent = withSource(
  withSource(homelab.evidence, 'host/gw-1/nft.txt', { status: 'late', why: 'no answer after 10 s' }),
  'tailnet/settings',
  { status: 'denied', why: 'HTTP 403: missing scope' },
);
const several = withDevice(
  withPolicy(
    withRules(homelab.evidence, 'exec-1', 'chain ingress {\n', 'chain ingress {\n\t\ttcp dport 22 accept\n'),
    /"tag:orchestrator":\s*\["group:ops"\]/,
    '"tag:orchestrator": ["group:ops", "autogroup:member"]',
  ),
  'nGw1DemoCNTRL',
  { tags: [], user: 'kim@example.com' },
);

const waived = plainWorld((t) => {
  t.tailnet.base = './base.hujson';
  t.waivers = ['TS-ACL-02', 'TS-ACL-26'].map((id) => ({
    id,
    owner: 'ops',
    reason: 'until the move',
    expires: '2026-12-31',
  }));
}, '{"tagOwners": {"tag:ci": ["ops@example.com"]}, "grants": [{"src": ["tag:ci"], "dst": ["tag:gateway"], "ip": ["tcp:22"]}]}');
const expired = plainWorld((t) => {
  t.waivers = [{ id: 'TS-SET-03', owner: 'ops', reason: 'x', expires: '2026-11-23' }];
});

const DEVICES = [
  device('web', ['tag:web'], 10),
  device('db1', ['tag:db'], 20),
  device('db2', ['tag:db'], 21),
  device('kim', [], 30),
];
const policy = (grants: readonly object[], more: object = {}) =>
  JSON.stringify({ tagOwners: { 'tag:web': [], 'tag:db': [] }, grants, ...more }, null, 1);

/** One report for everything that can stand in one. */
export const reports: Readonly<Record<string, Report>> = {
  empty: { claims: [], coverage: EMPTY },
  'nothing-claimed': { verdict: 'holds', claims: [], coverage: EMPTY },
  isolated: claimsOf(homelab, homelab.evidence),
  'unknown-only': claimsOf(homelab, silent),
  'wide-policy': { ...claimsOf(homelab, wide), comparison: compared(homelab, homelab.evidence, wide) },
  'flushed-ruleset': { ...claimsOf(homelab, flushed), comparison: compared(homelab, homelab.evidence, flushed) },
  'several-faults': { ...claimsOf(homelab, several), comparison: compared(homelab, homelab.evidence, several) },
  waived: claimsOf(waived, waived.evidence),
  'expired-waiver': claimsOf(expired, expired.evidence),
  'same-policy': { claims: [], coverage: EMPTY, comparison: comparedPolicies(policy([]), policy([])) },
  'cosmetic-policy': { claims: [], coverage: EMPTY, comparison: comparedPolicies(policy([]), `// why\n${policy([])}`) },
  'mixed-policy': {
    claims: [],
    coverage: EMPTY,
    comparison: comparedPolicies(
      policy([{ src: ['tag:web'], dst: ['tag:db'], ip: ['tcp:5432'] }]),
      policy(
        [
          { src: ['tag:web', 'kim@example.com'], dst: ['tag:db'], ip: ['tcp:5433-5440', 'udp:53'] },
          { src: ['kim@example.com'], dst: ['tag:db'], app: { 'example.com/cap/x': [] } },
        ],
        {
          tagOwners: { 'tag:web': ['kim@example.com'], 'tag:db': [] },
          autoApprovers: { routes: { '10.0.0.0/8': ['tag:web'] } },
        },
      ),
      DEVICES,
    ),
  },
  'unknown-policy': {
    claims: [],
    coverage: EMPTY,
    comparison: comparedPolicies(policy([]), policy([], { derpMap: { OmitDefaultRegions: true } }), DEVICES),
  },
  'ssh-policy': {
    claims: [],
    coverage: EMPTY,
    comparison: comparedPolicies(
      policy([]),
      policy([], {
        ssh: [{ action: 'accept', src: ['kim@example.com'], dst: ['tag:db'], users: ['root', 'autogroup:nonroot'] }],
        nodeAttrs: [{ target: ['tag:web'], attr: ['funnel'] }],
      }),
      DEVICES,
    ),
  },
  'one-gate': {
    claims: [],
    coverage: EMPTY,
    comparison: compared(
      homelab,
      homelab.evidence,
      withRules(
        homelab.evidence,
        'exec-1',
        inOutput(homelab, 'exec-1', 'tcp dport 80 accept').from,
        inOutput(homelab, 'exec-1', 'tcp dport 80 accept').to,
      ),
    ),
  },
};
