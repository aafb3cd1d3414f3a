import type { Known, Missing } from '../../state/known.ts';
import type { PolicyState, State } from '../../state/state.ts';
import type { Device } from '../../tailnet/device.ts';
import type { Unmodelled } from '../../tailnet/policy/policy.ts';
import type { Topology } from '../../topology/model.ts';
import { tailnetReach } from '../relations/tailnet.ts';
import { buildUniverse } from '../relations/universe.ts';
import type { Comparison } from '../report.ts';
import type { Change, Summary } from './change.ts';
import { hostChanges } from './host-changes.ts';
import { tailnetChanges } from './tailnet-changes.ts';

/** One side: a state, and the name of its policy for blame. */
export interface Side {
  readonly state: State;
  readonly file: string;
}

interface Part {
  readonly changes: readonly Change[];
  readonly cosmetic: readonly string[];
  readonly missing: readonly Missing[];
}

const NOTHING: Part = { changes: [], cosmetic: [], missing: [] };

/**
 * Compares two states by what they mean: who gains or loses which packets to whom.
 * @param topology names the hosts, interfaces and roles; undefined compares tailnet policies alone
 */
export function compare(topology: Topology | undefined, a: Side, b: Side): Comparison {
  const parts = [comparePolicies(topology, a, b), ...(topology === undefined ? [] : compareHosts(topology, a, b))];
  const changes = parts.flatMap((p) => p.changes);
  const cosmetic = parts.flatMap((p) => p.cosmetic);
  const missing = parts.flatMap((p) => p.missing);
  return { summary: summaryOf(changes, cosmetic, missing), changes, cosmetic, missing };
}

function summaryOf(changes: readonly Change[], cosmetic: readonly string[], missing: readonly Missing[]): Summary {
  if (missing.length > 0) return 'unknown';
  const gains = changes.some((c) => c.kind === 'gain');
  const losses = changes.some((c) => c.kind === 'lose');
  if (gains && losses) return 'mixed';
  if (gains) return 'widening';
  if (losses) return 'narrowing';
  return cosmetic.length > 0 ? 'cosmetic' : 'none';
}

function comparePolicies(topology: Topology | undefined, a: Side, b: Side): Part {
  const [pa, pb] = [a.state.tailnet.policy, b.state.tailnet.policy];
  const [da, db] = [a.state.tailnet.devices, b.state.tailnet.devices];
  const missing = [...missingPolicy(pa), ...missingPolicy(pb)];
  if (!pa.known || !pb.known) return { ...NOTHING, missing };
  if (!da.known) missing.push(...da.missing);
  if (!db.known) missing.push(...db.missing);
  const listA = da.known ? da.value : [];
  const listB = db.known ? db.value : [];
  const devicesA = sideDevices(listA, listB);
  const devicesB = sideDevices(listB, listA);
  const policies = [pa.value.policy, pb.value.policy];
  const tags = topology === undefined ? [] : [...topology.roles.values()].map((r) => r.tag);
  const { changes, missing: unsure } = tailnetChanges(
    {
      reach: tailnetReach(pa.value.policy, buildUniverse(devicesA, policies, tags, devicesB)),
      text: pa.value.text,
      file: a.file,
    },
    {
      reach: tailnetReach(pb.value.policy, buildUniverse(devicesB, policies, tags, devicesA)),
      text: pb.value.text,
      file: b.file,
    },
  );
  missing.push(...unsure, ...changedUnmodelled(pa.value, pb.value));
  const cosmetic =
    changes.length === 0 && missing.length === 0 && pa.value.text !== pb.value.text
      ? ['tailnet/policy: the text differs, who reaches whom does not']
      : [];
  return { changes, cosmetic, missing };
}

/**
 * The devices of one side, completed by those that only the other side has: a device that one side does not list is no
 * difference between policies. An address list that one side left open is filled in from the other.
 */
function sideDevices(own: readonly Device[], other: readonly Device[]): readonly Device[] {
  const byId = new Map(other.map((d) => [d.id, d] as const));
  const completed = own.map((d) => {
    const twin = byId.get(d.id);
    return d.addresses.length === 0 && twin !== undefined ? { ...d, addresses: twin.addresses } : d;
  });
  const ids = new Set(own.map((d) => d.id));
  return [...completed, ...other.filter((d) => !ids.has(d.id))].sort((x, y) => (x.id < y.id ? -1 : 1));
}

function missingPolicy(policy: Known<PolicyState>): readonly Missing[] {
  return policy.known ? [] : policy.missing;
}

/** Constructs that are not modelled say nothing about the difference as long as both sides have them word for word. */
function changedUnmodelled(a: PolicyState, b: PolicyState): Missing[] {
  const texts = (side: PolicyState) => new Map(side.policy.unmodelled.map((u) => [textOf(side, u), u] as const));
  const [ta, tb] = [texts(a), texts(b)];
  const changed = [
    ...[...ta].filter(([text]) => !tb.has(text)).map(([, u]) => u),
    ...[...tb].filter(([text]) => !ta.has(text)).map(([, u]) => u),
  ];
  return changed.map((u) => ({
    source: u.span === undefined ? 'tailnet/policy' : `${u.span.file}:${u.span.line}:${u.span.column}`,
    why: `changed, and not modelled: ${u.what}`,
  }));
}

function textOf(side: PolicyState, u: Unmodelled): string {
  const text = u.span === undefined ? '' : side.text.slice(u.span.offset, u.span.offset + u.span.length);
  return `${u.what} ${text.replace(/\s+/g, ' ')}`;
}

function compareHosts(topology: Topology, a: Side, b: Side): Part[] {
  return [...topology.hosts.values()].map((host): Part => {
    const [ha, hb] = [a.state.hosts.get(host.name), b.state.hosts.get(host.name)];
    const source = `host/${host.name}/nft.txt`;
    if (ha === undefined || hb === undefined) {
      return { ...NOTHING, missing: [{ source, why: 'not in the evidence' }] };
    }
    const { changes, missing, differs } = hostChanges(topology, host, ha, hb);
    const same = changes.length === 0 && missing.length === 0 && differs;
    return { changes, missing, cosmetic: same ? [`${source}: the text differs, what passes does not`] : [] };
  });
}
