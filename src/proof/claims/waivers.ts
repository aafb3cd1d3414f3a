import type { Topology, Waiver } from '../../topology/model.ts';
import type { Claim } from '../claim.ts';

/**
 * Puts waivers on the violated claims that they are for. A waiver names a cause, everywhere (`TS-SET-02`) or of one claim
 * (`ingress:orch-1:TS-ACL-02`, `authority:tailnet:settings:TS-SET-02`); a claim is waived when every cause of it is, so a
 * new one brings it back. A claim without causes, such as a flow that does not work, is named itself
 * (`flow:executor-gateway`). A waived claim stays violated. An expired waiver waives nothing, so what it hid comes back by
 * itself.
 */
export function withWaivers(topology: Topology, claims: readonly Claim[], today: string): readonly Claim[] {
  const valid = topology.waivers.filter((w) => w.expires >= today);
  const expired = topology.waivers.filter((w) => w.expires < today).map(expiredClaim);
  const waived = claims.map((claim) => {
    const waiver = claim.state === 'violated' ? waiverOf(claim, valid) : undefined;
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

/** The waiver to show: the first one to expire of those that it takes to cover every cause. */
function waiverOf(claim: Claim, valid: readonly Waiver[]): Waiver | undefined {
  const name = `${claim.claim}:${claim.subject.replaceAll('/', ':')}`;
  const wanted = claim.causes.length === 0 ? [[name]] : claim.causes.map((cause) => [cause, `${name}:${cause}`]);
  const found = wanted.map((ids) => valid.filter((w) => ids.includes(w.id)));
  if (found.some((list) => list.length === 0)) return undefined;
  return found.flat().toSorted((a, b) => (a.expires < b.expires ? -1 : 1))[0];
}
