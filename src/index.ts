/**
 * The library: pure functions from texts to findings. Reading the world, changing it and the command line are not part
 * of it.
 *
 * ```ts
 * const loaded = loadTopology('cordon.yaml', text, readBase);
 * const compiled = loaded.ok ? compileTopology(loaded.value) : loaded;
 * const claims = prove(topology, evidence, { today: '2026-11-24' });
 * ```
 */

export type { Change, Summary } from './proof/changes/change.ts';
export { compare } from './proof/changes/compare.ts';
export type { Claim } from './proof/claim.ts';
export { verdictOf } from './proof/claim.ts';
export { prove } from './proof/prove.ts';
export type { Report } from './proof/report.ts';
export { jsonReport } from './report/json.ts';
export { textReport } from './report/text.ts';
export type { Diagnostic, Result } from './source/diagnostic.ts';
export { formatDiagnostic } from './source/diagnostic.ts';
export type { Evidence, Snapshot } from './state/evidence.ts';
export { interpret } from './state/interpret.ts';
export { parseSnapshot, printSnapshot } from './state/snapshot.ts';
export type { State } from './state/state.ts';
export {
  compilePolicy,
  type DeviceGroup,
  type DeviceResult,
  type PolicyResult,
  type PolicySettings,
} from './tailnet/compile-policy.ts';
export { type Device, parseDevices } from './tailnet/device.ts';
export { formatHujson } from './tailnet/hujson/format.ts';
export { LINT_RULES, type LintFinding } from './tailnet/lint/finding.ts';
export { type LintResult, lintPolicy } from './tailnet/lint/lint.ts';
export { policyEtag } from './tailnet/policy/etag.ts';
export { type Judgement, judgePolicy } from './tailnet/policy/judge.ts';
export { compileTopology } from './topology/compile.ts';
export { loadTopology } from './topology/load.ts';
export type { Topology } from './topology/model.ts';
