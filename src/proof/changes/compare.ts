import { type Missing, missingOf } from '../../state/known.ts';
import type { PolicyState, State } from '../../state/state.ts';
import type { Device } from '../../tailnet/device.ts';
import type { Topology } from '../../topology/model.ts';
import { tailnetReach } from '../relations/tailnet.ts';
import { buildUniverse } from '../relations/universe.ts';
import type { Comparison } from '../report.ts';
import { attributeChanges } from './attribute-changes.ts';
import { becomesChanges } from './becomes-changes.ts';
import { capabilityChanges } from './capability-changes.ts';
import type { Change, Summary } from './change.ts';
import { hostChanges } from './host-changes.ts';
import { changedSections } from './sections.ts';
import { sshChanges } from './ssh-changes.ts';
import { tailnetChanges } from './tailnet-changes.ts';
import type { TailnetSide } from './tailnet-side.ts';

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
  const missing: Missing[] = missingOf(pa, pb, da, db);
  if (!pa.known || !pb.known) return { ...NOTHING, missing };
  const listA = da.known ? da.value : [];
  const listB = db.known ? db.value : [];
  const devicesA = sideDevices(listA, listB);
  const devicesB = sideDevices(listB, listA);
  const policies = [pa.value.policy, pb.value.policy];
  const tags = topology === undefined ? [] : [...topology.roles.values()].map((r) => r.tag);
  const sideOf = (
    side: Side,
    state: PolicyState,
    devices: readonly Device[],
    others: readonly Device[],
  ): TailnetSide => ({
    reach: tailnetReach(state.policy, buildUniverse({ devices, policies, tags, others })),
    policy: state.policy,
    text: state.text,
    file: side.file,
  });
  const before = sideOf(a, pa.value, devicesA, devicesB);
  const after = sideOf(b, pb.value, devicesB, devicesA);
  const reach = tailnetChanges(before, after);
  const capabilities = capabilityChanges(before, after);
  const ssh = sshChanges(before, after);
  const attributes = attributeChanges(before, after);
  const changes = [
    ...reach.changes,
    ...ssh.changes,
    ...capabilities.changes,
    ...attributes.changes,
    ...becomesChanges(before, after),
  ];
  for (const part of [reach, ssh, capabilities, attributes]) missing.push(...part.missing);
  missing.push(...changedSections(before, after));
  const isCosmetic = changes.length === 0 && missing.length === 0 && pa.value.text !== pb.value.text;
  const cosmetic = isCosmetic ? ['tailnet/policy: the text differs, who reaches whom does not'] : [];
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

function compareHosts(topology: Topology, a: Side, b: Side): Part[] {
  const known = [...topology.hosts.values()].map((host): Part => {
    const [ha, hb] = [a.state.hosts.get(host.name), b.state.hosts.get(host.name)];
    const source = `host/${host.name}/nft.txt`;
    if (ha === undefined || hb === undefined) {
      return { ...NOTHING, missing: [{ source, why: 'not in the evidence' }] };
    }
    const { changes, missing, differs } = hostChanges(topology, host, ha, hb);
    const same = changes.length === 0 && missing.length === 0 && differs;
    return { changes, missing, cosmetic: same ? [`${source}: the text differs, what passes does not`] : [] };
  });
  return [...known, strangeHosts(topology, a, b)];
}

/** Hosts that only one of two topologies has: without interfaces and addresses it cannot be told what changed there. */
function strangeHosts(topology: Topology, a: Side, b: Side): Part {
  const names = [...new Set([...a.state.hosts.keys(), ...b.state.hosts.keys()])].filter((n) => !topology.hosts.has(n));
  const textOf = (side: Side, name: string) => {
    const ruleset = side.state.hosts.get(name)?.ruleset;
    return ruleset?.known === true ? ruleset.value.text : undefined;
  };
  const changed = names.filter((n) => textOf(a, n) !== textOf(b, n));
  const why = 'the rulesets differ, and the host is not in the topology';
  return { ...NOTHING, missing: changed.map((n) => ({ source: `host/${n}/nft.txt`, why })) };
}
