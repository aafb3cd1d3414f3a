import { parseRuleset } from '../../src/nftables/parse.ts';
import type { Ruleset } from '../../src/nftables/ruleset.ts';
import type { Diagnostic, Result } from '../../src/source/diagnostic.ts';
import { formatDiagnostic } from '../../src/source/diagnostic.ts';

/** The value of a result that has to be good. */
export function goodValue<T>(result: Result<T>): T {
  if (result.ok) return result.value;
  throw new Error(result.diagnostics.map(formatDiagnostic).join('\n'));
}

/** The diagnostics of a result that has to be bad. */
export function diagnosticsOf<T>(result: Result<T>): readonly Diagnostic[] {
  if (result.ok) throw new Error('expected diagnostics');
  return result.diagnostics;
}

export function parsed(text: string): Ruleset {
  return goodValue(parseRuleset('nft.txt', text));
}

/** The ruleset without spans and handles, to compare what was read with what was written. */
export function withoutPlaces(ruleset: Ruleset): unknown {
  const dropped = new Set(['span', 'handle']);
  const text = JSON.stringify(ruleset, (key, value) =>
    dropped.has(key) ? undefined : typeof value === 'bigint' ? `${value}n` : value,
  );
  return JSON.parse(text);
}

/** A listing of `table inet cordon` with one input chain of these rules and further chains, for short tests. */
export function inetTable(rules: readonly string[], more = '', policy = 'drop', hook = 'input'): string {
  const body = rules.map((r) => `\t\t${r}\n`).join('');
  return `table inet cordon {\n${more}\tchain base {\n\t\ttype filter hook ${hook} priority 300; policy ${policy};\n${body}\t}\n}\n`;
}
