import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { NODE_MINIMUM, nodeComplaint } from '../../infra/engine/require-node.ts';

const SOURCE = readFileSync(new URL('../../infra/engine/require-node.ts', import.meta.url), 'utf8');

describe('which Node will do', () => {
  test.each(['22.18.0', '22.18.1', '22.20.0', '23.0.0', '24.21.0', '100.0.0'])('%s', (version) => {
    expect(nodeComplaint(version)).toBeUndefined();
  });

  test.each(['22.17.9', '22.9.0', '20.20.2', '8.0.0', '18.20.0', ''])(
    '%s will not, in one line that says what to do',
    (version) => {
      const complaint = nodeComplaint(version) ?? '';
      expect(complaint).toContain(NODE_MINIMUM);
      expect(complaint).toContain('npm run');
      expect(complaint).not.toContain('\n');
    },
  );
});

test.each([
  ['under Pulumi, with the code that stops it from adding to it', { PULUMI_NODEJS_ENGINE: '127.0.0.1:1' }, 32],
  ['elsewhere, with the code for "no answer"', { PULUMI_NODEJS_ENGINE: '' }, 1],
])('ends the process with that line; %s', async (_, env, exitCode) => {
  const script = `${stripTypeScriptTypes(SOURCE)}
    Object.defineProperty(process, 'versions', { value: { node: '20.20.2' } });
    requireNode();
    console.log('went on');`;
  const run = await execa(process.execPath, ['--input-type=module', '--eval', script], { env, reject: false });
  expect(run).toMatchObject({ exitCode, stdout: '', stderr: nodeComplaint('20.20.2') });
});

test('uses nothing that an old Node cannot parse, and imports nothing', () => {
  const code = stripTypeScriptTypes(SOURCE)
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/\/\/.*$/gm, '');
  expect(code).not.toMatch(/\?\?|\?\.|\bimport\b|\bawait\b|\bclass\b|\|\|=/);
});
