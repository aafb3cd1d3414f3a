import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CommitSpace, commitSpace, table } from '../apply/commit-space.ts';
import { canUseNamespaces } from '../support/namespace.ts';
import { requireOrSkip } from '../support/require.ts';
import { testFolder } from './folder.ts';
import { cordonHere } from './here.ts';

const able = canUseNamespaces();
const needs = 'nftables in network namespaces needs root, iproute2 and nftables';
const folder = testFolder();

let host: CommitSpace | undefined;
beforeEach(() => {
  if (able) host = commitSpace('cli', table(1));
});
afterEach(() => host?.remove());

/** The example's gateway, reached in the test's namespace. */
function withHost(): CommitSpace {
  requireOrSkip(able && host !== undefined, needs);
  const model = /^( {2}ollama-1:[^\n]*(?:\n {4}[^\n]*)*?\n {4}access: )\{[^}]*\}/m;
  expect(folder.topology).toMatch(model);
  folder.write('cordon.yaml', folder.topology.replace(model, `$1{ kind: netns, name: ${host.space.name} }`));
  return host;
}
const run = (...args: string[]) => cordonHere(['host', 'apply', ...args], { cwd: folder.path });

describe('cordon host apply', () => {
  it('shows what would change, puts it in place, and finds it there', async () => {
    const { own } = withHost();
    const dry = await run('cordon.yaml', 'ollama-1', '--dry-run');
    expect(dry).toMatchObject({ code: 2, stderr: '' });
    expect(dry.stdout).toContain('-\t\ttcp dport 1 accept');
    expect(own()).toBe(table(1));
    const applied = await run('cordon.yaml', 'ollama-1', '--confirm-within', '10');
    expect(applied.stdout).toBe('ollama-1: ruleset applied and read back\nin place: the declared ruleset\n');
    expect(applied.code).toBe(0);
    expect(own()).toContain('comment "flow:');
    expect(await run('cordon.yaml', 'ollama-1', '--dry-run')).toMatchObject({
      code: 0,
      stdout: 'ollama-1: ruleset already in place\n',
    });
    expect(await run('cordon.yaml', 'ollama-1')).toMatchObject({ code: 0 });
  });

  it('says what is in place when the host cannot be reached', async () => {
    withHost().remove();
    const gone = await run('cordon.yaml', 'ollama-1');
    expect(gone.code).toBe(3);
    expect(gone.stdout).toMatch(
      /there is no network namespace .*\nnothing was changed on the host\nin place: not known/,
    );
    expect(await run('cordon.yaml', 'ollama-1', '--dry-run')).toMatchObject({ code: 3 });
  });

  it.each([
    [['cordon.yaml', 'nobody'], 'declares no host nobody'],
    [['cordon.yaml', 'ollama-1', '--confirm-within', '4'], '--confirm-within 4 is no usable number'],
    [['cordon.yaml', 'ollama-1', '--confirm-within', '3601'], '--confirm-within 3601 is no usable number'],
    [['cordon.yaml', 'ollama-1', '--confirm-within', '9.5'], '--confirm-within 9.5 is no usable number'],
    [['missing.yaml', 'ollama-1'], 'there is no such file'],
  ])('refuses %j', async (args, words) => {
    const { code, stdout, stderr } = await run(...args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(words);
  });

  it('never touches a host that is declared render-only', async () => {
    folder.write('cordon.yaml', folder.topology.replace(/access: \{[^}]*\}/, 'access: { kind: render-only }'));
    const { code, stderr } = await run('cordon.yaml', 'ollama-1');
    expect(code).toBe(1);
    expect(stderr).toContain('never touches it');
  });
});
