import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { causesPage } from '../../src/report/causes-page.ts';

const PAGE = new URL('../../docs/causes.md', import.meta.url);

test('docs/causes.md is what the table of causes says', () => {
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(PAGE, causesPage());
  expect(readFileSync(PAGE, 'utf8')).toBe(causesPage());
});
