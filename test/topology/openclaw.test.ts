import { describe, expect, it } from 'vitest';
import type { Topology } from '../../src/topology/model.ts';
import { openclawDeclaration } from '../../src/topology/openclaw-declaration.ts';
import { accepted, edited, load } from './support.ts';

type Edit = Parameters<typeof edited>[0];

const topologyWith = (edit: Edit): Topology => accepted(load(edited(edit)));

/** Codes of a topology that is refused. */
const codesWith = (edit: Edit): string[] => {
  const result = load(edited(edit));
  return result.ok ? [] : result.diagnostics.map((d) => d.code);
};

describe('flows of lanes', () => {
  const lanes = (topology: Topology) =>
    topology.flows.filter((flow) => flow.id.startsWith('lane-')).map(({ id, from, to }) => [id, from, to]);

  /** A role `ci` with a service, and the agent’s resource. */
  const withCi: Edit = (t) => {
    t.roles.ci = { tag: 'tag:ci' };
    t.services.builds = { on: 'ci', tcp: [8080] };
  };

  it('open the services of a resource for the executor', () => {
    expect(lanes(topologyWith(withCi))).toEqual([['lane-localcode-builds', 'executor', 'builds']]);
  });

  it('open nothing for a tag that no role has, or a role without services', () => {
    expect(lanes(topologyWith(() => {}))).toEqual([]);
    expect(
      lanes(
        topologyWith((t) => {
          t.roles.ci = { tag: 'tag:ci' };
        }),
      ),
    ).toEqual([]);
  });

  it('are not opened twice, by two agents or beside a declared flow', () => {
    const two: Edit = (t) => {
      withCi(t);
      t.agents.Other = { lane: 'local', resources: ['tag:ci'] };
    };
    expect(lanes(topologyWith(two))).toHaveLength(1);
    const declared: Edit = (t) => {
      withCi(t);
      t.flows.push({ id: 'own', from: 'executor', to: 'builds' });
    };
    expect(lanes(topologyWith(declared))).toEqual([]);
  });

  it('start at the executor that the agent names', () => {
    const other: Edit = (t) => {
      withCi(t);
      t.roles.runner = { tag: 'tag:runner', kind: 'executor' };
      t.agents.LocalCode.executor = 'runner';
    };
    expect(lanes(topologyWith(other))).toEqual([['lane-localcode-builds', 'runner', 'builds']]);
    const nobody: Edit = (t) => {
      other(t);
      delete t.agents.LocalCode.executor;
    };
    expect(lanes(topologyWith(nobody))).toEqual([]);
  });
});

describe('what is refused', () => {
  it.each<[string, Edit, string]>([
    ['a preset that does not exist', (t) => (t.openclaw.preset = 'hardened-2026-03'), 'topology-unknown-preset'],
    ['an executor that does not exist', (t) => (t.agents.LocalCode.executor = 'exec'), 'topology-unknown-reference'],
    ['the model as executor', (t) => (t.agents.LocalCode.executor = 'model'), 'topology-model-in-openclaw'],
    ['a version that is none', (t) => (t.openclaw.version = 'latest'), 'topology-bad-value'],
    ['a port that is none', (t) => (t.openclaw.port = 70000), 'topology-bad-value'],
    ['an override of no key', (t) => (t.openclaw.overrides = { port: 1 }), 'topology-bad-name'],
    [
      'an override with a map',
      (t) => (t.openclaw.overrides = { 'gateway.auth': { mode: 'none' } }),
      'topology-wrong-type',
    ],
    ['another key', (t) => (t.openclaw.override = {}), 'topology-unknown-key'],
  ])('%s', (_name, edit, code) => expect(codesWith(edit)).toEqual([code]));
});

it('tells the baseline where the model is, and what differs', () => {
  const topology = topologyWith((t) => {
    t.openclaw.port = 18789;
    t.openclaw.overrides = { 'gateway.tailscale.mode': 'serve' };
  });
  if (topology.openclaw === undefined) throw new Error('no openclaw');
  const { deployment, overrides } = openclawDeclaration(topology, topology.openclaw);
  expect(deployment.port).toBe(18789);
  expect(deployment.models).toEqual(['ollama/qwen3']);
  expect([...(deployment.providers.get('ollama')?.baseUrls ?? [])].every((u) => /^http:\/\/\S+:11434$/.test(u))).toBe(
    true,
  );
  expect(deployment.providers.get('ollama')?.baseUrls.length).toBeGreaterThan(0);
  expect(overrides).toEqual([{ key: ['gateway', 'tailscale', 'mode'], value: 'serve' }]);
});
