import { type Missing, missingOf } from '../../state/known.ts';
import type { State } from '../../state/state.ts';
import type { Host } from '../../topology/model.ts';
import type { Blame, Claim } from '../claim.ts';
import type { ProofContext } from '../context.ts';
import type { Excess } from './excess.ts';
import { hostExcess } from './host-excess.ts';
import { tailnetExcess } from './tailnet-excess.ts';

/**
 * `ingress` and `egress` of every host: at each layer by itself, nothing gets in or out but the declared flows.
 * Violated by what surely passes; unknown where something could pass, or a layer could not be read.
 */
export function isolationClaims(context: ProofContext, declared: State | undefined): readonly Claim[] {
  const all = [...tailnetExcess(context), ...hostExcess(context, declared)];
  return [...context.topology.hosts.values()].flatMap((host) =>
    (['ingress', 'egress'] as const).map((claim) =>
      toClaim(
        context,
        host,
        claim,
        all.filter((e) => e.host === host && e.claim === claim),
        isEdited(context, declared),
      ),
    ),
  );
}

function toClaim(
  context: ProofContext,
  host: Host,
  claim: 'ingress' | 'egress',
  found: readonly Excess[],
  edited: boolean,
): Claim {
  const sure = found.filter((e) => e.sure);
  const shown = sure.length > 0 ? sure : found;
  const missing = unique([
    ...found.flatMap((e) => e.missing),
    ...(host.device === undefined ? [] : tailnetMissing(context)),
  ]);
  const first = shown[0];
  const state = sure.length > 0 ? 'violated' : found.length > 0 || missing.length > 0 ? 'unknown' : 'holds';
  return {
    claim,
    subject: host.name,
    state,
    causes: state === 'violated' ? causesOf(sure, edited) : [],
    ...(state === 'violated' && first?.witness !== undefined ? { witness: first.witness } : {}),
    blame: state === 'violated' ? distinctBlame(shown) : [],
    missing,
  };
}

/** The live policy is not the declared one: somebody changed it past the topology. */
function isEdited(context: ProofContext, declared: State | undefined): boolean {
  const live = context.state.tailnet.policy;
  const wanted = declared?.tailnet.policy;
  return wanted?.known === true && live.known && wanted.value.etag !== live.value.etag;
}

function causesOf(found: readonly Excess[], edited: boolean): string[] {
  const ids = new Set(found.flatMap((e) => e.causes));
  if (edited && found.some((e) => e.blame.some((b) => b.source === 'tailnet/policy'))) ids.add('IAC-03');
  return [...ids];
}

/** What keeps the tailnet's part from being known, constructs that are not modelled included. */
function tailnetMissing(context: ProofContext): readonly Missing[] {
  if (!context.tailnet.known) return missingOf(context.tailnet);
  return context.tailnet.value.compiled.unmodelled
    .filter((u) => u.touches.includes('packets') || u.touches.includes('peers'))
    .map((u) => ({
      source: u.span === undefined ? 'tailnet' : `${u.span.file}:${u.span.line}:${u.span.column}`,
      why: u.what,
    }));
}

function distinctBlame(found: readonly Excess[]): Blame[] {
  const blame = found.flatMap((e) => e.blame);
  return [...new Map(blame.map((b) => [JSON.stringify(b), b])).values()];
}

function unique(missing: readonly Missing[]): Missing[] {
  return [...new Map(missing.map((m) => [`${m.source} ${m.why}`, m])).values()];
}
