import { describe, expect, test } from 'vitest';
import { readDeclared } from '../../../src/cli/topology-file.ts';
import { type MatrixOptions, runMatrix } from '../../../src/lab/matrix/matrix.ts';
import { labJson } from '../../../src/report/lab-json.ts';
import type { LabCell, LabReport } from '../../../src/report/lab-report.ts';
import type { Evidence } from '../../../src/state/evidence.ts';
import { declare, rulesetIn } from '../../kernel/escape-lab.ts';
import { requireOrSkip } from '../../support/require.ts';
import { openSandbox } from '../sandbox.ts';

const HOMELAB = readDeclared('examples/homelab/cordon.yaml');

async function matrix(
  evidence: Evidence,
  options: MatrixOptions & { readonly as?: 'root' | 'user' } = {},
): Promise<LabReport> {
  await using sandbox = await openSandbox(options.as);
  // Waited for here: leaving this function takes the lab down.
  return await runMatrix(sandbox, HOMELAB.topology, evidence, options);
}

/** The evidence with one host's ruleset edited; the edit must find its place. */
function edited(host: string, from: string | RegExp, to: string): Evidence {
  const name = `host/${host}/nft.txt`;
  const body = rulesetOf(host);
  const changed = body.replace(from, to);
  expect(changed).not.toBe(body);
  return { sources: { ...HOMELAB.evidence.sources, [name]: { status: 'ok', body: changed } } };
}

const rulesetOf = (host: string) => rulesetIn(HOMELAB.evidence, host);

/** `FROM -> TO PROTO PORT`, each once, sorted. */
function words(cells: readonly LabCell[]): string[] {
  return [...new Set(cells.map((c) => `${c.from} -> ${c.to} ${c.proto} ${c.port}`))].sort();
}

const found = (report: LabReport, verdict: LabCell['verdict']) => report.cells.filter((c) => c.verdict === verdict);

const DECLARED = ['exec-1 -> gw-1 tcp 443', 'orch-1 -> ollama-1 tcp 11434'];
/** Opens the model's port to whoever is on its LAN. */
const HOLE = [/(chain ingress \{\n)/, '$1\t\tiifname "eth0" tcp dport 11434 accept\n'] as const;
/** The other half of that hole. */
const ANSWERS = [/(chain egress \{\n)/, '$1\t\toifname "eth0" tcp sport 11434 accept\n'] as const;

describe('the homelab on the real kernel', () => {
  test.each([
    ['as whoever runs it', {}],
    ['as a plain user', { as: 'user' }],
  ] as const)('is exactly what is declared and proved, %s', async (_, options) => {
    const report = await matrix(HOMELAB.evidence, options);
    expect(report.findings).toEqual([]);
    expect(report.verdict).toBe('holds');
    expect(words(found(report, 'works'))).toEqual(DECLARED);
    expect(report.strangers).toEqual(['stranger', 'stranger-cell']);
    // Everything was tried: without rules, every single way was open.
    expect(report.cells.filter((c) => c.observed === undefined)).toEqual([]);
    const pairs = new Set(report.cells.map((c) => `${c.from} ${c.to}`));
    expect(pairs.size).toBe(4 * 3 + 2 * 4 * 2);
  });

  test('tries both families, the tunnel, the LAN, the segment and link-local addresses at the model', async () => {
    const report = await matrix(HOMELAB.evidence);
    const ways = new Set(
      report.cells
        .filter((c) => c.to === 'ollama-1' || c.to === 'orch-1')
        .map((c) => `${c.from} ${c.device} ${c.through.join()} ${c.dst}`),
    );
    for (const way of [
      'exec-1 tailscale0 orch-1 10.77.1.10', // through the segment's router
      'exec-1 tailscale0 orch-1 fd77:1::a',
      'exec-1 eth0 orch-1 fd77:1::a', // and through it from its LAN
      'exec-1 tailscale0  100.64.0.20',
      'exec-1 eth0  100.64.0.20', // the weak host model
      'exec-1 eth0  fd7a:115c:a1e0::14',
      'exec-1 eth0  10.77.1.1',
      'stranger-cell eth0  10.77.1.10',
      'stranger-cell eth0  fd77:1::a',
      'ollama-1 eth0  100.64.0.20',
    ])
      expect(ways).toContain(way);
    expect([...ways].some((w) => /^stranger-cell eth0 {2}fe80::/.test(w))).toBe(true);
    const out = new Set(report.cells.filter((c) => c.from === 'ollama-1').map((c) => `${c.to} ${c.through.join()}`));
    expect(out).toEqual(new Set(['exec-1 orch-1', 'gw-1 orch-1', 'orch-1 ', 'stranger orch-1', 'stranger-cell ']));
  });

  test('with the flows only, nothing else is tried; the report does not change from run to run', async () => {
    const report = await matrix(HOMELAB.evidence, { flowsOnly: true });
    expect(report.verdict).toBe('holds');
    expect(words(report.cells)).toEqual(DECLARED);
    expect(labJson(await matrix(HOMELAB.evidence, { flowsOnly: true }))).toBe(labJson(report));
  });
});

describe('what is not as it should be', () => {
  test('a hole in the evidence itself is predicted, seen and called undeclared', async () => {
    const evidence = edited('ollama-1', ...HOLE);
    const body = rulesetIn(evidence, 'ollama-1');
    const report = await matrix({
      sources: { ...evidence.sources, 'host/ollama-1/nft.txt': { status: 'ok', body: body.replace(...ANSWERS) } },
    });
    expect(report.verdict).toBe('violated');
    expect(words(found(report, 'open'))).toEqual(['stranger-cell -> ollama-1 tcp 11434']);
    expect(found(report, 'disagrees')).toEqual([]);
    const [finding] = report.findings;
    expect(finding?.decisions.map((d) => `${d.verdict} ${d.host} ${d.hook}: ${d.rule}`)).toEqual([
      'accept ollama-1 input: iifname "eth0" tcp dport 11434 accept',
      'accept ollama-1 output: oifname "eth0" tcp sport 11434 accept',
      expect.stringMatching(/^accept ollama-1 postrouting: /),
      // The device's own hook still holds the answer back.
      expect.stringMatching(/^drop ollama-1 egress: /),
    ]);
  });

  test('a host that has other rules than the evidence says is a disagreement, with the rule that was to decide', async () => {
    const opened = rulesetIn(edited('ollama-1', ...HOLE), 'ollama-1');
    const loaded = new Map([...HOMELAB.topology.hosts.keys()].map((name) => [name, rulesetOf(name)]));
    const report = await matrix(HOMELAB.evidence, { loaded: loaded.set('ollama-1', opened) });
    expect(report.verdict).toBe('violated');
    expect(words(found(report, 'disagrees'))).toEqual(['stranger-cell -> ollama-1 tcp 11434']);
    const [finding] = report.findings;
    expect(finding?.cell.predicted).toEqual({ delivered: 'no', answered: 'no' });
    expect(finding?.cell.observed?.delivered).toBe(true);
    expect(finding?.decisions.map((d) => `${d.verdict} ${d.host} ${d.hook} ${d.rule}`)).toEqual([
      'drop ollama-1 input counter name "in_denied" drop',
    ]);
  });

  test('a declared flow that the kernel does not let through is a disagreement, and one that no rule lets through is broken', async () => {
    const closed = new Map([...HOMELAB.topology.hosts.keys()].map((name) => [name, rulesetOf(name)]));
    closed.set('gw-1', rulesetOf('gw-1').replace(/tcp dport 443/g, 'tcp dport 444'));
    const [unlike, broken] = await Promise.all([
      matrix(HOMELAB.evidence, { loaded: closed, flowsOnly: true }),
      matrix(edited('gw-1', /tcp dport 443/g, 'tcp dport 444'), { flowsOnly: true }),
    ]);
    expect(words(found(unlike, 'disagrees'))).toEqual(['exec-1 -> gw-1 tcp 443']);
    expect(words(found(broken, 'broken'))).toEqual(['exec-1 -> gw-1 tcp 443']);
    expect([unlike.verdict, broken.verdict]).toEqual(['violated', 'violated']);
  });

  test('what cannot be predicted is unknown, never green', async () => {
    const report = await matrix(edited('gw-1', /(chain ingress \{\n)/, '$1\t\tmeta cpu 0-4095 tcp dport 22 accept\n'));
    expect(words(found(report, 'unknown'))).toContain('stranger -> gw-1 tcp 22');
    expect(report.verdict).not.toBe('holds');
  });
});

describe('flows that are for one user of the host', () => {
  const { topology, evidence } = declare(`
version: 1
tailnet: {id: TusersCNTRL, operators: [ops@example.com]}
roles: {model: {tag: "tag:model"}, orchestrator: {tag: "tag:orchestrator"}}
hosts:
  model:
    {role: model, placement: tailnet, device: nModelCNTRL, addresses: [100.64.0.10], access: {kind: render-only}}
  orch:
    {role: orchestrator, device: nOrchCNTRL, flowUsers: [1000], addresses: [100.64.0.20], access: {kind: render-only}}
services: {ollama: {on: model, tcp: [11434]}}
flows: [{id: orchestrator-model, from: orchestrator, to: ollama}]
`);

  test('are tried as that user and, to be refused, as root', async () => {
    await using sandbox = await openSandbox();
    requireOrSkip(sandbox.isPrivileged, 'needs root: a user namespace knows one user only');
    const report = await runMatrix(sandbox, topology, evidence);
    expect(report.verdict).toBe('holds');
    const tries = report.cells.filter(
      (c) => c.from === 'orch' && c.to === 'model' && c.device === 'tailscale0' && c.port === 11434,
    );
    expect(tries.map((c) => `${c.proto} ${c.uid} ${c.verdict}`).sort()).toEqual([
      ...['tcp 0 closed', 'tcp 1000 works', 'udp 0 closed', 'udp 1000 closed'],
    ]);
  });

  test('are unknown where only root can be had', async () => {
    await using sandbox = await openSandbox('user');
    const report = await runMatrix(sandbox, topology, evidence);
    expect(report.verdict).toBe('unknown');
    expect(report.missing[0]).toMatch(/^the flows of orch are for user 1000/);
    expect(report.findings).toEqual([]);
  });
});

describe('what no host pins is left to the tailnet policy', () => {
  const text = (base: string) => `
version: 1
tailnet: {id: TpolicyCNTRL, operators: [ops@example.com]${base}}
roles: {orchestrator: {tag: "tag:orchestrator"}, gateway: {tag: "tag:gateway"}}
hosts:
  orch: {role: orchestrator, device: nOrchCNTRL, access: {kind: render-only}}
  gw: {role: gateway, device: nGwCNTRL, access: {kind: render-only}}
services: {gateway: {on: gateway, tcp: [443]}, ssh: {on: orchestrator, tcp: [22]}}
flows:
  - {id: orchestrator-gateway, from: orchestrator, to: gateway}
  - {id: operators-ssh, from: operators, to: ssh}
`;
  const everybody = '{"grants": [{"src": ["autogroup:member"], "dst": ["tag:gateway"], "ip": ["tcp:443"]}]}';

  test.each([
    ['stops strangers', 'policy-only', 'holds', declare(text(''))],
    ['lets strangers in', 'open', 'violated', declare(text(', base: ./base.hujson'), everybody)],
  ] as const)('which %s: %s', async (_, verdict, whole, { topology, evidence }) => {
    await using sandbox = await openSandbox();
    const report = await runMatrix(sandbox, topology, evidence);
    const cells = report.cells.filter(
      (c) => c.from === 'stranger' && c.device === 'tailscale0' && c.observed?.delivered,
    );
    expect(words(cells)).toEqual(['stranger -> gw tcp 443', 'stranger -> orch tcp 22']);
    expect(new Set(cells.filter((c) => c.port === 443).map((c) => c.verdict))).toEqual(new Set([verdict]));
    expect(new Set(cells.filter((c) => c.port === 22).map((c) => c.verdict))).toEqual(new Set(['policy-only']));
    expect(words(found(report, 'works'))).toEqual(['orch -> gw tcp 443']);
    expect(report.verdict).toBe(whole);
  });
});

test('a flow through a subnet router that hides its source works, and nothing else comes through', async () => {
  const { topology, evidence } = declare(`
version: 1
tailnet: {id: TroutedCNTRL, operators: [ops@example.com]}
roles: {model: {tag: "tag:model"}, orchestrator: {tag: "tag:orchestrator"}, node: {tag: "tag:node"}}
segments: {cell: {prefixes: [10.77.1.0/24, "fd77:1::/64"], router: router}}
hosts:
  model:
    {role: model, placement: segment, segment: cell, addresses: [10.77.1.10, "fd77:1::a"], access: {kind: render-only}}
  orch:
    {role: orchestrator, device: nO1CNTRL, addresses: [100.64.0.20, "fd7a:115c:a1e0::14"], access: {kind: render-only}}
  router:
    role: node
    device: nR1CNTRL
    segment: cell
    addresses: [10.77.1.1, "fd77:1::1", 100.64.0.21, "fd7a:115c:a1e0::15"]
    access: {kind: render-only}
services: {ollama: {on: model, tcp: [11434]}}
flows: [{id: orchestrator-model, from: orchestrator, to: ollama}]
`);
  await using sandbox = await openSandbox();
  const report = await runMatrix(sandbox, topology, evidence);
  expect(report.findings).toEqual([]);
  expect(found(report, 'works').map((c) => `${c.from} ${c.device} ${c.through.join()} ${c.dst} ${c.port}`)).toEqual([
    'orch tailscale0 router 10.77.1.10 11434',
    'orch tailscale0 router fd77:1::a 11434',
  ]);
});
