import { compare } from '../proof/changes/compare.ts';
import { type Claim, type ClaimState, verdictOf } from '../proof/claim.ts';
import { proveState } from '../proof/prove.ts';
import type { Report } from '../proof/report.ts';
import type { Evidence } from '../state/evidence.ts';
import { interpret, statusWords } from '../state/interpret.ts';
import type { Declared } from './topology-file.ts';

/** Claims on declared evidence: what `prove` says of a topology before anything is applied. */
export function declaredReport(declared: Declared, today: string): Report {
  const { topology, evidence } = declared;
  const claims = proveState(topology, evidence, interpret(evidence), { today });
  return reportOf(claims, evidence);
}

/** Claims of a topology on evidence from elsewhere, without comparing. */
export function claimsReport(declared: Declared, observed: Evidence, today: string): Report {
  const wanted = interpret(declared.evidence);
  const claims = proveState(declared.topology, observed, interpret(observed), { today, declared: wanted });
  return reportOf(claims, observed);
}

/** Claims on observed evidence, and how it differs from what is declared: what `check` says. */
export function driftReport(declared: Declared, observed: Evidence, today: string): Report {
  const { topology, evidence } = declared;
  const wanted = interpret(evidence);
  const live = interpret(observed);
  const claims = proveState(topology, observed, live, { today, declared: wanted });
  const comparison = compare(
    topology,
    { state: wanted, file: 'declared policy' },
    { state: live, file: 'live policy' },
  );
  return { ...reportOf(claims, observed), comparison };
}

/** A source that did not answer leaves the whole unknown, even where no claim of this version asks for it. */
function reportOf(claims: readonly Claim[], evidence: Evidence): Report & { verdict: ClaimState } {
  const coverage = coverageOf(evidence);
  const decided = verdictOf(claims);
  const verdict = decided === 'holds' && coverage.unobserved.length > 0 ? 'unknown' : decided;
  return { verdict, claims, coverage };
}

function coverageOf(evidence: Evidence): Report['coverage'] {
  const sources = Object.entries(evidence.sources).sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    observed: sources.filter(([, e]) => e.status === 'ok').map(([name]) => name),
    unobserved: sources.filter(([, e]) => e.status !== 'ok').map(([source, e]) => ({ source, why: statusWords(e) })),
  };
}
