import { compare } from '../../src/proof/changes/compare.ts';
import { groupChanges } from '../../src/report/change-groups.ts';
import { describeGroup } from '../../src/report/change-words.ts';
import { interpret } from '../../src/state/interpret.ts';
import type { State } from '../../src/state/state.ts';
import { describeTextDifference } from './text-difference.ts';

/** How many groups of changes, and lines of the text difference, an error message carries. */
const GROUPS = 8;
const LINES = 80;

/**
 * What overwriting the live policy would change: who would gain or lose reach, with a packet each, over one future
 * holder of every tag and user (the guard has no device list); then the difference of the texts.
 */
export function describePolicyDifference(liveText: string, declaredText: string): string {
  const { summary, changes, missing } = compare(
    undefined,
    { state: policyState(liveText), file: 'live policy' },
    { state: policyState(declaredText), file: 'declared policy' },
  );
  const groups = groupChanges(changes);
  const lines = [`Overwriting it would be ${summary}:`];
  for (const group of groups.slice(0, GROUPS)) {
    const { who, what, witness } = describeGroup(group);
    lines.push(
      `  ${group.kind === 'gain' ? '+ gains' : '- loses'} ${who}`,
      `          ${what}`,
      `          packet ${witness}`,
    );
  }
  if (groups.length > GROUPS) lines.push(`  … and ${groups.length - GROUPS} more`);
  for (const m of missing) lines.push(`  not known: ${m.source}: ${m.why}`);
  const text = describeTextDifference(liveText, declaredText).trimEnd().split('\n');
  lines.push('', ...text.slice(0, LINES));
  if (text.length > LINES) lines.push(`… and ${text.length - LINES} more lines`);
  return lines.join('\n');
}

function policyState(text: string): State {
  return interpret({
    sources: {
      'tailnet/policy': { status: 'ok', body: { text } },
      'tailnet/devices': { status: 'ok', body: { devices: [] } },
    },
  });
}
