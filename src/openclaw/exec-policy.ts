import { keyText, valueAt } from './keys.ts';
import type { Line } from './line.ts';

/** What `tools.exec.mode` stands for (openclaw `src/infra/exec-approvals-core.ts:resolveExecPolicyForMode`). */
const PAIRS: Readonly<Record<string, { readonly security: string; readonly ask: string }>> = {
  deny: { security: 'deny', ask: 'off' },
  allowlist: { security: 'allowlist', ask: 'off' },
  ask: { security: 'allowlist', ask: 'on-miss' },
  auto: { security: 'allowlist', ask: 'on-miss' },
  full: { security: 'full', ask: 'off' },
};

/**
 * The part of the pair that `mode` gives where `tools.exec` has a mode and not the part itself.
 * @param tools the `tools` map, of the whole configuration or of one agent
 * @returns undefined where no mode is set, or none that exists
 */
function execByMode(tools: unknown, part: 'security' | 'ask'): string | undefined {
  const mode = valueAt(tools, ['exec', 'mode']);
  return typeof mode === 'string' && Object.hasOwn(PAIRS, mode) ? PAIRS[mode]?.[part] : undefined;
}

/** Whether nothing is executed at all, so that nobody has to be asked. */
export function isExecDenied(tools: unknown): boolean {
  return (valueAt(tools, ['exec', 'security']) ?? execByMode(tools, 'security')) === 'deny';
}

/**
 * The lines of `tools.exec.security` and `.ask` where `mode` says them, and asking where nothing runs; others as they are.
 * @param tools as above
 */
export function withMode(line: Line, tools: unknown): Line {
  const key = keyText(line.key);
  if (key !== 'tools.exec.security' && key !== 'tools.exec.ask') return line;
  if (key === 'tools.exec.ask' && isExecDenied(tools)) return { ...line, unset: { kind: 'default', value: 'always' } };
  const value = execByMode(tools, key === 'tools.exec.ask' ? 'ask' : 'security');
  return value === undefined ? line : { ...line, unset: { kind: 'default', value } };
}
