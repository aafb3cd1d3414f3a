import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';

/** Folder of the importing file, what it imports, and whether the rules say no. */
const IMPORTS: readonly (readonly [string, string, boolean])[] = [
  ['src/net', '../tailnet/device.ts', true],
  ['src/net', '../observe/world.ts', true],
  ['src/tailnet', '../nftables/parse.ts', true],
  ['src/tailnet/policy', '../../topology/model.ts', true],
  ['src/topology', '../proof/prove.ts', true],
  ['src/state', '../topology/model.ts', true],
  ['src/proof', '../report/text.ts', true],
  ['src/proof/claims', '../../apply/host-firewall.ts', true],
  ['src/report', '../cli/output.ts', true],
  ['src/report', '../../infra/prove.ts', true],
  ['src/proof', 'node:fs', true],
  ['src/state', 'node:child_process', true],
  ['src/topology', 'execa', true],
  ['src/tailnet', 'ky', true],
  ['src/report', 'pino', true],
  ['src/proof', '@pulumi/pulumi', true],
  ['src/tailnet', '../net/prefix.ts', false],
  ['src/tailnet/policy', '../../source/span.ts', false],
  ['src/proof', '../topology/model.ts', false],
  ['src/report', '../proof/report.ts', false],
  ['src/tailnet', 'node:crypto', false],
  ['src/observe', 'node:fs', false],
  ['src/cli', '../report/text.ts', false],
];

const GLOBALS = ['process.env', 'fetch("x")', 'setTimeout(f, 1)', 'performance.now()', 'console.log(1)'];

const diagnostics = z.object({
  diagnostics: z.array(z.object({ category: z.string(), location: z.object({ path: z.unknown() }) })),
});

let folder = '';
/** `path category` of everything the linter found in the probes. */
let found = new Set<string>();

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cordon-rules-'));
  const config = JSON.parse(readFileSync('biome.json', 'utf8'));
  writeFileSync(join(folder, 'biome.json'), JSON.stringify({ ...config, vcs: { enabled: false } }));
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
  const put = (path: string, text: string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  for (const [i, [from, name]] of IMPORTS.entries()) {
    put(`${from}/probe${i}.ts`, `import { thing } from '${name}';\n\nexport const used = thing;\n`);
  }
  for (const [i, expression] of GLOBALS.entries()) {
    put(`src/proof/global${i}.ts`, `export const x = ${expression};\n`);
    put(`src/cli/global${i}.ts`, `export const x = ${expression};\n`);
  }
  const run = spawnSync(
    resolve('node_modules/.bin/biome'),
    ['lint', '--reporter=json', '--max-diagnostics=none', 'src'],
    {
      cwd: folder,
      encoding: 'utf8',
    },
  );
  const parsed = diagnostics.parse(JSON.parse(run.stdout));
  found = new Set(parsed.diagnostics.map((d) => `${JSON.stringify(d.location.path)} ${d.category}`));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function says(path: string, rule: string): boolean {
  return [...found].some((f) => f.includes(path) && f.includes(rule));
}

describe('the folder rules are enforced by the linter', () => {
  test.each(IMPORTS.map((row, i) => [...row, i] as const))(
    '%s importing %s: refused = %s',
    (from, _name, refused, i) => {
      expect(says(`${from}/probe${i}.ts`, 'noRestrictedImports')).toBe(refused);
    },
  );

  test.each(GLOBALS.map((expression, i) => [expression, i] as const))('pure code may not use %s', (_expression, i) => {
    expect(says(`src/proof/global${i}.ts`, 'noRestrictedGlobals')).toBe(true);
    expect(says(`src/cli/global${i}.ts`, 'noRestrictedGlobals')).toBe(false);
  });
});
