import { parsePolicy } from '../../tailnet/policy/parse.ts';
import type { Policy } from '../../tailnet/policy/policy.ts';
import { attributeChanges } from '../changes/attribute-changes.ts';
import { becomesChanges } from '../changes/becomes-changes.ts';
import { capabilityChanges } from '../changes/capability-changes.ts';
import type { Change } from '../changes/change.ts';
import { changedSections } from '../changes/sections.ts';
import { sshChanges } from '../changes/ssh-changes.ts';
import { tailnetChanges } from '../changes/tailnet-changes.ts';
import type { TailnetSide } from '../changes/tailnet-side.ts';
import type { Blame, Claim } from '../claim.ts';
import type { ProofContext } from '../context.ts';
import { tailnetReach } from '../relations/tailnet.ts';
import { buildUniverse } from '../relations/universe.ts';
import { uniqueMissing } from './missing.ts';

/**
 * `flow` of the base policy: what the organisation's own policy allows is still allowed. cordon adds to it and takes
 * nothing away; whoever loses something by it shows that it was not kept.
 * @returns no claim where there is no base
 */
export function baseClaim(context: ProofContext): readonly Claim[] {
  const { base } = context.topology.tailnet;
  if (base === undefined) return [];
  const claim = { claim: 'flow', subject: 'tailnet/base', causes: [], blame: [] } as const;
  const { policy, devices } = context.state.tailnet;
  if (!policy.known || !devices.known) {
    return [{ ...claim, state: 'unknown', missing: context.tailnet.known ? [] : context.tailnet.missing }];
  }
  const own = parsePolicy(base.file, base.text);
  if (!own.ok) return [{ ...claim, state: 'unknown', missing: [{ source: base.file, why: 'it does not parse' }] }];
  const side = (p: Policy, text: string, file: string): TailnetSide => ({
    reach: tailnetReach(p, buildUniverse({ devices: devices.value, policies: [own.value, policy.value.policy] })),
    policy: p,
    text,
    file,
  });
  const before = side(withRules(own.value), base.text, base.file);
  const after = side(policy.value.policy, policy.value.text, 'tailnet/policy');
  const reach = tailnetChanges(before, after);
  const capabilities = capabilityChanges(before, after);
  const ssh = sshChanges(before, after);
  const attributes = attributeChanges(before, after);
  const parts = [reach, ssh, capabilities, attributes];
  const lost = [...parts.flatMap((p) => p.changes), ...becomesChanges(before, after)].filter((c) => c.kind === 'lose');
  // Sections that the base does not have are nothing that it could lose.
  const sections = changedSections(before, after, 'those of a');
  const missing = uniqueMissing([...parts.flatMap((p) => p.missing), ...sections]);
  if (lost.length > 0) return [{ ...claim, state: 'violated', blame: lost.flatMap(blameOf), missing }];
  return [{ ...claim, state: missing.length > 0 ? 'unknown' : 'holds', missing }];
}

/** A base without rules has none of its own; that such a file alone would allow everything is nobody's wish. */
function withRules(policy: Policy): Policy {
  const { acls, grants } = policy.sections;
  return acls === 'absent' && grants === 'absent' ? { ...policy, sections: { acls, grants: 'empty' } } : policy;
}

function blameOf(change: Change): Blame[] {
  const text = `${change.src.selector} -> ${change.dst.selector} is no longer allowed`;
  return change.blame.map((b) => ({ source: b.file, line: b.line, column: b.column, text }));
}
