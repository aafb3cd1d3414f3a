import Table from 'cli-table3';
import { createColors } from 'picocolors';
import type { Finding } from '../../openclaw/line.ts';
import { redact } from '../../topology/load/secrets.ts';

/** How the table is drawn: no borders, two blanks between columns, so that it can be cut and searched. */
const PLAIN = {
  chars: Object.fromEntries(
    'top top-mid top-left top-right bottom bottom-mid bottom-left bottom-right left left-mid mid mid-mid right right-mid middle'
      .split(' ')
      .map((part) => [part, '']),
  ),
  style: { 'padding-left': 0, 'padding-right': 2, head: [], border: [] },
};

/**
 * The findings of one gateway for people: the verdict, a table of what does not hold, then each fix once.
 * @param subject what was looked at, such as `gw-1`
 * @param options.verbose also list the lines that hold
 */
export function findingsText(
  subject: string,
  findings: readonly Finding[],
  options: { color: boolean; verbose: boolean },
): string {
  const c = createColors(options.color);
  const count = (state: Finding['state']) => findings.filter((f) => f.state === state).length;
  const [bad, open, held] = [count('violated') + count('invalid'), count('unknown'), count('holds')];
  const verdict =
    bad > 0 ? c.red(c.bold('DEVIATES')) : open > 0 ? c.yellow(c.bold('UNKNOWN')) : c.green(c.bold('HOLDS'));
  const lines = [`${verdict} ${subject}: ${held} lines hold, ${bad} deviate, ${open} unknown`];
  const listed = findings.filter((f) => options.verbose || f.state !== 'holds');
  if (listed.length > 0) lines.push('', ...tableLines(listed), '', ...fixLines(listed));
  return redact(`${lines.join('\n')}\n`);
}

function tableLines(findings: readonly Finding[]): string[] {
  const table = new Table({ ...PLAIN, head: ['state', 'line', 'expected', 'effective', 'source'] });
  for (const f of findings) {
    table.push([f.state, cut(f.path, 64), cut(text(f.expected), 44), cut(text(f.effective), 44), cut(f.source, 60)]);
  }
  return table
    .toString()
    .split('\n')
    .map((line) => `  ${line.trimEnd()}`);
}

function fixLines(findings: readonly Finding[]): string[] {
  return findings
    .filter((f) => f.state !== 'holds')
    .flatMap((f) => {
      const causes = f.causes.length === 0 ? '' : ` (${f.causes.join(', ')}, ${f.severity})`;
      return [`  ${f.path}${causes}`, `    ${f.fix}`];
    });
}

function text(value: unknown): string {
  if (value === null || value === undefined) return '(not set)';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function cut(value: string, length: number): string {
  return value.length <= length ? value : `${value.slice(0, length - 1)}…`;
}
