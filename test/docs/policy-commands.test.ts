import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { LINT_RULES } from '../../src/tailnet/lint/finding.ts';

const PAGE = new URL('../../docs/policy-commands.md', import.meta.url);
const GOLDEN = new URL('../cli/golden/policy/', import.meta.url);

/** The page with the outputs and the table of rules as they are now. */
function current(page: string): string {
  return page
    .replace(/<!-- shows (\S+) -->\n```\n[\s\S]*?```\n/g, (_all, name: string) => {
      const text = readFileSync(new URL(name, GOLDEN), 'utf8');
      return `<!-- shows ${name} -->\n\`\`\`\n${text}\`\`\`\n`;
    })
    .replace(/(<!-- lint rules -->\n.*\n.*\n)(\|.*\n)*/, (_all, head: string) => head + ruleRows());
}

function ruleRows(): string {
  return Object.entries(LINT_RULES)
    .map(
      ([id, { severity, needsDevices, finds }]) =>
        `| \`${id}\`${needsDevices ? ' ¹' : ''} | ${severity} | ${finds} |\n`,
    )
    .join('');
}

test('docs/policy-commands.md shows what the commands print, and every rule of the linter', () => {
  const page = readFileSync(PAGE, 'utf8');
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(PAGE, current(page));
  expect(readFileSync(PAGE, 'utf8')).toBe(current(page));
  expect(page.match(/<!-- shows /g)).toHaveLength(3);
});
