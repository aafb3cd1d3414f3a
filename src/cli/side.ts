import { closedRuleset } from '../apply/host-firewall-tables.ts';
import { compare } from '../proof/changes/compare.ts';
import type { Comparison } from '../proof/report.ts';
import { CordonError, InputError } from '../source/error.ts';
import type { Evidence } from '../state/evidence.ts';
import { interpret } from '../state/interpret.ts';
import type { State } from '../state/state.ts';
import { parsePolicy } from '../tailnet/policy/parse.ts';
import type { Topology } from '../topology/model.ts';
import { parseGitName } from './git-name.ts';
import { snapshotIn } from './snapshot-file.ts';
import { FILES, isTopologyFile, readDeclared, sayWarnings, type TextSource } from './topology-file.ts';
import type { LookOptions } from './world.ts';

/** One side of `cordon diff`. */
export interface DiffSide {
  /** As the user named it. */
  readonly name: string;
  readonly kind: 'topology' | 'snapshot' | 'policy' | 'live';
  readonly evidence: Evidence;
  /** Name for blame: lines are those of the policy's text, not of the file that it comes from. */
  readonly file: string;
  /** Where the side is a topology. */
  readonly topology?: Topology;
}

/** What the sides of one comparison are read with. */
export interface SideContext extends LookOptions {
  /** Body of the API's device list for a policy file; none = roles alone. */
  readonly devices: unknown;
  /** Names what `live` observes. */
  readonly topology: Topology | undefined;
  /** What a revision without a path is asked for. */
  readonly path?: string | undefined;
}

/**
 * Reads one side: `live`, a topology (`.yaml`), a snapshot (JSON with `sources`) or a tailnet policy file, the last three
 * also from a git revision (`git:REV[:PATH]`).
 * @throws InputError for a policy that does not parse, CordonError for a file that cannot be read
 */
export async function readSide(name: string, context: SideContext): Promise<DiffSide> {
  if (name === 'live') {
    if (context.topology === undefined) throw needsTopology('`live` needs a topology that says what to look at');
    // What looks at the world is only loaded where somebody looks.
    const { observe } = await import('./world.ts');
    return { name, kind: 'live', evidence: await observe(context.topology, context), file: 'live policy' };
  }
  const git = parseGitName(name);
  if (git === undefined) return readSideFrom(name, name, FILES, context);
  const path = git.path ?? context.path ?? 'cordon.yaml';
  const { gitRevision } = await import('./git-revision.ts');
  return readSideFrom(name, path, gitRevision(git.revision), context);
}

function readSideFrom(name: string, path: string, source: TextSource, { devices }: SideContext): DiffSide {
  if (isTopologyFile(path)) {
    const declared = readDeclared(path, source);
    sayWarnings(declared);
    const file = `tailnet/policy of ${name}`;
    return { name, kind: 'topology', evidence: declared.evidence, file, topology: declared.topology };
  }
  const text = source.read(path);
  if (isSnapshot(text)) {
    return { name, kind: 'snapshot', evidence: snapshotIn(path, text), file: `tailnet/policy of ${name}` };
  }
  const parsed = parsePolicy(name, text);
  if (!parsed.ok) throw new InputError(parsed.diagnostics);
  return { name, kind: 'policy', evidence: policyEvidence(text, devices), file: name };
}

/** Who gains and loses what from one side to the other. */
export function compareSides(a: DiffSide, b: DiffSide, topology: Topology | undefined): Comparison {
  return compare(topology, { state: stateOf(a, b), file: a.file }, { state: stateOf(b, a), file: b.file });
}

/** The state of one side, with what the other side's topology has and this one's has not. */
function stateOf(side: DiffSide, other: DiffSide): State {
  if (side.kind !== 'topology' || other.kind !== 'topology') return interpret(side.evidence);
  const absent = Object.keys(other.evidence.sources)
    .filter((source) => source.endsWith('/nft.txt') && side.evidence.sources[source] === undefined)
    // A machine that is not declared lets nobody in and nothing out: it does not exist.
    .map((source) => [source, { status: 'ok', body: closedRuleset() }] as const);
  return interpret({ sources: { ...side.evidence.sources, ...Object.fromEntries(absent) } });
}

/**
 * The topology that names hosts and roles for both sides; undefined where only tailnet policies can be compared.
 * @throws CordonError `diff-needs-topology` where rulesets could be compared and nothing names their hosts
 */
export function commonTopology(a: DiffSide, b: DiffSide, given: Topology | undefined): Topology | undefined {
  if (a.kind === 'policy' || b.kind === 'policy') return undefined;
  const [before, after] = [a.topology ?? given, b.topology ?? given];
  const main = after ?? before;
  if (main === undefined) {
    if (![a, b].some(hasHosts)) return undefined;
    throw needsTopology('the rulesets of two snapshots need a topology that names their hosts');
  }
  return {
    ...main,
    hosts: new Map([...(before?.hosts ?? []), ...main.hosts]),
    roles: new Map([...(before?.roles ?? []), ...main.roles]),
  };
}

function hasHosts({ evidence }: DiffSide): boolean {
  return Object.keys(evidence.sources).some((source) => source.startsWith('host/'));
}

function needsTopology(message: string): CordonError {
  return new CordonError('diff-needs-topology', message, { hint: 'give --topology cordon.yaml' });
}

function policyEvidence(text: string, devices: unknown): Evidence {
  return {
    sources: {
      'tailnet/policy': { status: 'ok', body: { text } },
      'tailnet/devices': { status: 'ok', body: devices ?? { devices: [] } },
    },
  };
}

function isSnapshot(text: string): boolean {
  return /^\s*\{/.test(text) && /"schemaVersion"/.test(text) && /"sources"/.test(text);
}
