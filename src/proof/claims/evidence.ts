import type { Evidence } from '../../state/evidence.ts';
import { statusWords } from '../../state/interpret.ts';
import type { Missing } from '../../state/known.ts';
import type { State } from '../../state/state.ts';
import type { Topology } from '../../topology/model.ts';
import type { Claim } from '../claim.ts';

/** The sources without which the claims of this version cannot be decided. */
export function requiredSources(topology: Topology): readonly string[] {
  const hosts = [...topology.hosts.keys()].map((name) => `host/${name}/nft.txt`);
  return ['tailnet/policy', 'tailnet/settings', 'tailnet/devices', ...hosts];
}

/** `evidence` for every required source: it answered, completely, and its answer could be read. */
export function evidenceClaims(topology: Topology, evidence: Evidence, state: State): readonly Claim[] {
  return requiredSources(topology).map((source): Claim => {
    const missing = missingIn(source, evidence, state);
    return {
      claim: 'evidence',
      subject: source,
      state: missing.length > 0 ? 'unknown' : 'holds',
      causes: [],
      blame: [],
      missing,
    };
  });
}

function missingIn(source: string, evidence: Evidence, state: State): readonly Missing[] {
  const entry = evidence.sources[source];
  if (entry === undefined) return [{ source, why: 'not in the evidence' }];
  if (entry.status !== 'ok') return [{ source, why: statusWords(entry) }];
  const read = readOf(source, state);
  if (read === undefined) return [{ source, why: 'not read' }];
  return read.known ? [] : read.missing;
}

function readOf(source: string, state: State) {
  if (source === 'tailnet/policy') return state.tailnet.policy;
  if (source === 'tailnet/settings') return state.tailnet.settings;
  if (source === 'tailnet/devices') return state.tailnet.devices;
  const host = /^host\/([^/]+)\/nft\.txt$/.exec(source)?.[1];
  return host === undefined ? undefined : state.hosts.get(host)?.ruleset;
}
