import type { Topology, Waiver } from '../../topology/model.ts';
import type { Claim } from '../claim.ts';

/**
 * Puts waivers on the violated claims they are for: `id` is `CLAIM/SUBJECT` (`ingress/orch-1`) or a cause that is the
 * claim's only one. A waived claim stays violated. An expired waiver waives nothing, so what it hid comes back by itself.
 */
export function withWaivers(topology: Topology, claims: readonly Claim[], today: string): readonly Claim[] {
  const valid = topology.waivers.filter((w) => w.expires >= today);
  const expired = topology.waivers.filter((w) => w.expires < today).map(expiredClaim);
  const waived = claims.map((claim) => {
    const waiver = claim.state === 'violated' ? valid.find((w) => isFor(w, claim)) : undefined;
    if (waiver === undefined) return claim;
    const { id, owner, reason, expires } = waiver;
    return { ...claim, waiver: { id, owner, reason, expires } };
  });
  return [...waived, ...expired];
}

/** An expired waiver is a violation of its own: somebody has to renew it with a reason, or remove it. */
function expiredClaim(waiver: Waiver): Claim {
  const { file, line, column } = waiver.span;
  const text = `expired on ${waiver.expires}, owner ${waiver.owner}`;
  const blame = [{ source: file, line, column, text }];
  return { claim: 'waiver', subject: waiver.id, state: 'violated', causes: ['IAC-21'], blame, missing: [] };
}

function isFor(waiver: Waiver, claim: Claim): boolean {
  if (waiver.id === `${claim.claim}/${claim.subject}`) return true;
  return claim.causes.length === 1 && claim.causes[0] === waiver.id;
}
