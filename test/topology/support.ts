import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { Diagnostic, Result } from '../../src/source/diagnostic.ts';
import { loadTopology } from '../../src/topology/load.ts';
import type { Topology } from '../../src/topology/model.ts';

/** Folder of the examples, with a trailing slash. */
export const EXAMPLES = fileURLToPath(new URL('../../examples/', import.meta.url));

export function readIfThere(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

export function load(text: string, base?: string): Result<Topology> {
  return loadTopology('cordon.yaml', text, () => base);
}

/** Loads one of the examples with the file name a user would give from the top of the checkout. */
export function loadExample(name: string): Topology {
  const file = `examples/${name}/cordon.yaml`;
  const text = readFileSync(`${EXAMPLES}${name}/cordon.yaml`, 'utf8');
  const result = loadTopology(file, text, (path) => readIfThere(`${EXAMPLES}${path.slice('examples/'.length)}`));
  if (!result.ok) throw new Error(result.diagnostics.map((d) => d.message).join('\n'));
  return result.value;
}

/** All diagnostics, whatever the outcome. */
export function diagnosticsOf(result: Result<unknown>): readonly Diagnostic[] {
  return result.ok ? result.warnings : result.diagnostics;
}

/** `line:column code` of each. */
export function places(result: Result<unknown>): string[] {
  return diagnosticsOf(result).map((d) => `${d.span.line}:${d.span.column} ${d.code}`);
}

/** Just the codes. */
export function codes(result: Result<unknown>): string[] {
  return diagnosticsOf(result).map((d) => d.code);
}

/** The value; fails the test with the messages otherwise. */
export function accepted<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(result.diagnostics.map((d) => `${d.code}: ${d.message}`).join('\n'));
  return result.value;
}

// biome-ignore lint/suspicious/noExplicitAny: tests break topologies in every way, types included
export type Loose = any;

/** A valid topology as plain data, to be changed by one field: two placements, a subnet router, ranges, UDP. */
export function plain(): Loose {
  return {
    version: 1,
    tailnet: { id: 'T1testCNTRL', operators: ['ops@example.com'] },
    roles: {
      model: { tag: 'tag:model' },
      orchestrator: { tag: 'tag:orchestrator' },
      executor: { tag: 'tag:executor' },
      gateway: { tag: 'tag:gateway' },
      router: { tag: 'tag:router', kind: 'other' },
    },
    segments: {
      cell: { prefixes: ['10.77.1.0/24', 'fd77:1::/64'], router: 'orch-1' },
      far: { prefixes: ['10.78.1.0/24', 'fd78:1::/64'], router: 'rtr-1' },
    },
    hosts: {
      'ollama-1': host('model', { placement: 'segment', segment: 'cell', addresses: ['10.77.1.10', 'fd77:1::a'] }),
      'ollama-2': host('model', { placement: 'segment', segment: 'far', addresses: ['10.78.1.10', 'fd78:1::a'] }),
      'orch-1': host('orchestrator', {
        device: 'n1orchCNTRL',
        segment: 'cell',
        addresses: ['10.77.1.1', 'fd77:1::1', '100.64.0.20', 'fd7a:115c:a1e0::14'],
      }),
      'exec-1': host('executor', { device: 'n1execCNTRL', addresses: ['100.64.0.30', 'fd7a:115c:a1e0::1e'] }),
      'gw-1': host('gateway', { device: 'n1gwCNTRL', addresses: ['100.64.0.40', 'fd7a:115c:a1e0::28'] }),
      'rtr-1': host('router', {
        device: 'n1rtrCNTRL',
        segment: 'far',
        addresses: ['10.78.1.1', 'fd78:1::1', '100.64.0.60', 'fd7a:115c:a1e0::3c'],
      }),
    },
    services: {
      ollama: { on: 'model', tcp: [11434] },
      gateway: { on: 'gateway', tcp: [443, '8000-8010'], udp: [443] },
      ssh: { on: 'orchestrator', tcp: [22] },
    },
    flows: [
      { id: 'orchestrator-model', from: 'orchestrator', to: 'ollama' },
      { id: 'executor-gateway', from: 'executor', to: 'gateway' },
      { id: 'operators-ssh', from: 'operators', to: 'ssh' },
    ],
    agents: { LocalCode: { lane: 'local', model: 'ollama/qwen3', tools: { allow: ['read'] }, resources: ['tag:ci'] } },
    openclaw: { preset: 'hardened-2026-02', gateway: 'gw-1', nodes: ['exec-1'] },
    waivers: [{ id: 'TS-SET-03', owner: 'ops', reason: 'no lock yet', expires: '2027-01-31' }],
    attestations: [{ id: 'mfa', by: 'ops', on: '2026-11-01', expires: '2027-02-28' }],
  };
}

function host(role: string, rest: Record<string, unknown>): Record<string, unknown> {
  return { role, ...rest, access: { kind: 'render-only' } };
}

/** `plain()` changed by `edit`, as YAML. */
export function edited(edit: (t: Loose) => void): string {
  const t = plain();
  edit(t);
  // Without the round trip shared objects would become anchors, which the format refuses.
  return stringify(JSON.parse(JSON.stringify(t)));
}

/** Compares with a golden file beside the tests; UPDATE_GOLDEN=1 writes it. A missing file fails. */
export function expectGolden(url: URL, actual: string): void {
  const path = fileURLToPath(url);
  if (process.env['UPDATE_GOLDEN'] === '1') {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, actual);
  }
  expect(actual, `differs from ${path}; if that is right, run with UPDATE_GOLDEN=1`).toBe(readIfThere(path));
}

/** One change of a valid topology, and what is said about it. */
export interface Rule {
  readonly name: string;
  readonly edit: (t: Loose) => void;
  /** Codes of all diagnostics, in the order of the file; empty = accepted without a word. */
  readonly codes: readonly string[];
}

/** Runs tables of rules: what breaks each, and the nearest things that do not. */
export function describeRules(groups: Readonly<Record<string, readonly Rule[]>>): void {
  describe.each(Object.entries(groups))('%s', (_group, rules) => {
    it.each(rules.map((rule) => [rule.name, rule] as const))('%s', (_name, rule) => {
      const result = load(edited(rule.edit));
      expect(codes(result), places(result).join('\n')).toEqual(rule.codes);
      expect(result.ok).toBe(diagnosticsOf(result).every((d) => d.severity === 'warning'));
    });
  });
}
