import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { cordonHere } from './here.ts';
import { cordon, HOMELAB } from './program.ts';

const COMMANDS = [
  'compile',
  'prove',
  'check',
  'diff',
  'observe',
  'reconcile',
  'emulator',
  'doctor',
  'schema',
  'demo',
] as const;

const folder = mkdtempSync(join(tmpdir(), 'cordon-cli-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('help', () => {
  it('lists every command and the exit codes on stdout', async () => {
    const { code, stdout, stderr } = await cordon(['--help']);
    expect(code).toBe(0);
    expect(stderr).toBe('');
    for (const command of COMMANDS) expect(stdout).toMatch(new RegExp(`^ {2}cordon ${command}\\b`, 'm'));
    expect(stdout).toContain('0 nothing wrong, 2 drift or violation, 3 something is unknown, 1 no answer');
  });

  it.each(COMMANDS)('of %s is on stdout and names every option once', async (command) => {
    const { code, stdout, stderr } = await cordon([command, '--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(new RegExp(`^cordon ${command}`));
    const options = [...stdout.matchAll(/^ +(?:-\w, )?(--[a-z-]+)/gm)].map((m) => m[1]);
    expect(options).toContain('--help');
    expect(options).toHaveLength(new Set(options).size);
  });

  it('prints the version of package.json', async () => {
    const { code, stdout } = await cordon(['--version'], { cwd: folder });
    expect({ code, stdout }).toEqual({ code: 0, stdout: '0.1.0\n' });
  });
});

describe('a mistake in the command line', () => {
  // What is typed → what the one line has to say. Each ends with 1, nothing on stdout, no stack.
  const mistakes: readonly (readonly [readonly string[], string])[] = [
    [[], 'Name a command'],
    [['chek'], 'there is no command chek, did you mean check?'],
    [['--nope'], 'Name a command'],
    [['check', '--nope'], 'Unknown argument: nope'],
    [['check', 'extra'], 'Unknown argument: extra'],
    [['check', '--format', 'xml'], 'Given: "xml", Choices: "text", "json"'],
    [['check', '--topology'], 'Not enough arguments following: topology'],
    [['check', '--topology='], 'topology is empty'],
    [['check', '--topology', 'a.yaml', '--topology', 'b.yaml'], '--topology is given more than once'],
    [['check', '--snapshot', 'a', '--snapshot', 'b'], '--snapshot is given more than once'],
    [['check', '--topology', HOMELAB, '--timeout', 'soon'], '--timeout is not a number'],
    [['check', '--topology', HOMELAB, '--timeout', '0'], '--timeout 0 is no number of seconds'],
    [['check', '--topology', HOMELAB, '--timeout', '-3'], '--timeout -3 is no number of seconds'],
    [['check', '--topology', HOMELAB, '--timeout', '1e9'], 'is no number of seconds'],
    [['prove', HOMELAB, 'two'], 'Unknown argument: two'],
    [['prove', HOMELAB, '--topology', HOMELAB], 'is a topology itself'],
    [['diff', HOMELAB], 'two sides are compared, and fewer are named'],
    [['diff', 'live', 'live'], '`live` needs a topology'],
    [['diff', HOMELAB, HOMELAB, '--fail-on', 'narrowing'], 'Given: "narrowing", Choices: "widening", "any"'],
    [['reconcile', '--stage', 'heal'], 'Given: "heal", Choices: "observe", "plan", "enforce"'],
    [['schema'], 'Not enough non-option arguments'],
    [['schema', 'policy'], 'Given: "policy", Choices: "topology", "snapshot"'],
    [['emulator', '--port', 'any'], '--port is not a number'],
    [['emulator', '--port', '65536'], '--port 65536 is no TCP port'],
    [['emulator', '--port', '1.5'], '--port 1.5 is no TCP port'],
    [['emulator', '--state', folder], 'cannot read the emulator state'],
  ];

  it.each(mistakes)('%j', async (args, words) => {
    const { code, stdout, stderr } = await cordonHere(args, { cwd: folder });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(words);
    expect(stderr.trimEnd().split('\n').length).toBeLessThanOrEqual(2);
    expect(stderr).not.toMatch(/^\s+at |node:internal|bug in cordon/m);
  });

  it('is the same as a process of its own', async () => {
    for (const args of [[], ['chek'], ['check', '--format', 'xml'], ['check', '--topology']]) {
      const { code, stdout, stderr } = await cordon(args, { cwd: folder });
      expect({ code, stdout, stderr }).toEqual(await cordonHere(args, { cwd: folder }));
      expect(code).toBe(1);
    }
  });

  it('is told in English on a machine that speaks another language', async () => {
    const env = { LANG: 'de_DE.UTF-8', LC_ALL: 'de_DE.UTF-8', LANGUAGE: 'de' };
    const { stderr } = await cordon(['check', '--nope'], { env });
    expect(stderr).toContain('Unknown argument: nope');
  });

  it('in CORDON_LOG_LEVEL names the levels', async () => {
    const { code, stderr } = await cordon(['check', '--topology', HOMELAB], { env: { CORDON_LOG_LEVEL: 'loud' } });
    expect(code).toBe(1);
    expect(stderr).toBe(
      'cordon: CORDON_LOG_LEVEL is "loud" [usage]\nhint: trace, debug, info, warn, error, fatal, silent\n',
    );
  });
});
