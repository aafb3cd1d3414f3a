import { z } from 'zod';
import type { Claim } from '../../src/proof/claim.ts';
import { type ProveOptions, prove } from '../../src/proof/prove.ts';
import type { Evidence, SourceEntry } from '../../src/state/evidence.ts';
import { interpret } from '../../src/state/interpret.ts';
import { compileTopology } from '../../src/topology/compile.ts';
import type { Topology } from '../../src/topology/model.ts';
import { accepted, edited, type Loose, load, loadExample } from '../topology/support.ts';

/** The day on which the tests prove. */
export const TODAY = '2026-11-24';

/** A topology with what it compiles to. */
export interface World {
  readonly topology: Topology;
  readonly evidence: Evidence;
}

/** One of the examples, compiled. */
export function exampleWorld(name: string): World {
  return worldOf(loadExample(name));
}

/** The plain test topology changed by `edit`, compiled: two placements, a subnet router, operators, UDP and ranges. */
export function plainWorld(edit: (t: Loose) => void = () => {}, base?: string): World {
  return worldOf(accepted(load(edited(edit), base)));
}

export function worldOf(topology: Topology): World {
  return { topology, evidence: accepted(compileTopology(topology)) };
}

/** Evidence with one source replaced. */
export function withSource(evidence: Evidence, source: string, entry: SourceEntry | undefined): Evidence {
  const { [source]: _, ...rest } = evidence.sources;
  return { sources: entry === undefined ? rest : { ...rest, [source]: entry } };
}

/** Evidence with a piece of a host's ruleset replaced; the piece must be there. */
export function withRules(evidence: Evidence, host: string, from: string | RegExp, to: string): Evidence {
  const source = `host/${host}/nft.txt`;
  const text = rulesOf(evidence, host);
  const body = replaced(text, from, to);
  return withSource(evidence, source, { status: 'ok', body });
}

/** The ruleset of a host. */
export function rulesOf(evidence: Evidence, host: string): string {
  return z.string().parse(evidence.sources[`host/${host}/nft.txt`]?.body);
}

/** Evidence with a piece of the policy replaced; the piece must be there. */
export function withPolicy(evidence: Evidence, from: string | RegExp, to: string): Evidence {
  return withPolicyText(evidence, replaced(policyOf(evidence), from, to));
}

/** Evidence with another policy. */
export function withPolicyText(evidence: Evidence, text: string): Evidence {
  return withSource(evidence, 'tailnet/policy', { status: 'ok', body: { text } });
}

/** The policy text. */
export function policyOf(evidence: Evidence): string {
  return z.object({ text: z.string() }).parse(evidence.sources['tailnet/policy']?.body).text;
}

/** A grant in front of all others. */
export function withGrant(evidence: Evidence, grant: object): Evidence {
  return withPolicy(evidence, /"grants": \[/, `"grants": [\n${JSON.stringify(grant)},\n`);
}

const devicesBody = z.object({ devices: z.array(z.looseObject({ nodeId: z.string() })) });

/** The device list. */
export function devicesOf(evidence: Evidence): readonly { readonly nodeId: string; readonly [key: string]: unknown }[] {
  return devicesBody.parse(evidence.sources['tailnet/devices']?.body).devices;
}

/** Evidence with another device list. */
export function withDevices(evidence: Evidence, devices: readonly object[]): Evidence {
  return withSource(evidence, 'tailnet/devices', { status: 'ok', body: { devices } });
}

/** Evidence in which one device has other fields; the device must be there. */
export function withDevice(evidence: Evidence, nodeId: string, change: object): Evidence {
  const devices = devicesOf(evidence);
  if (!devices.some((d) => d.nodeId === nodeId)) throw new Error(`no device ${nodeId}`);
  return withDevices(
    evidence,
    devices.map((d) => (d.nodeId === nodeId ? { ...d, ...change } : d)),
  );
}

/** Evidence with one device more. */
export function withStranger(evidence: Evidence, device: object): Evidence {
  const stranger = {
    nodeId: 'nStrangerCNTRL',
    name: 'stranger.example.ts.net',
    hostname: 'stranger',
    user: 'mallory@example.com',
    tags: [],
    addresses: ['100.64.0.99', 'fd7a:115c:a1e0::63'],
    advertisedRoutes: [],
    enabledRoutes: [],
    authorized: true,
    isExternal: false,
  };
  return withDevices(evidence, [...devicesOf(evidence), { ...stranger, ...device }]);
}

/** Proves evidence against a topology, with the compiled side as what is declared. */
export function proved(world: World, evidence: Evidence = world.evidence, options: Partial<ProveOptions> = {}) {
  return prove(world.topology, evidence, { today: TODAY, declared: interpret(world.evidence), ...options });
}

/** The claim `ingress orch-1`; fails where there is none, or more than one. */
export function claimOf(claims: readonly Claim[], name: string): Claim {
  const found = claims.filter((c) => `${c.claim} ${c.subject}` === name);
  const [claim] = found;
  if (claim === undefined || found.length > 1) throw new Error(`${found.length} claims ${name}`);
  return claim;
}

/** `ingress orch-1` of the claims in a state. */
export function namesOf(claims: readonly Claim[], state: Claim['state']): string[] {
  return claims.filter((c) => c.state === state).map((c) => `${c.claim} ${c.subject}`);
}

function replaced(text: string, from: string | RegExp, to: string): string {
  const changed = text.replace(from, () => to);
  if (changed === text) throw new Error(`not found: ${from}`);
  return changed;
}
