import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { slippedIn, testFolder } from './folder.ts';
import { cordonHere } from './here.ts';

const folder = testFolder();
const run = (...args: string[]) => cordonHere(['diff', ...args], { cwd: folder.path });

const POLICY =
  '{"tagOwners": {"tag:a": [], "tag:b": []}, "grants": [{"src": ["tag:a"], "dst": ["tag:b"], "ip": ["tcp:22"]}]}';
const WIDER = POLICY.replace('tcp:22', 'tcp:22-23');

/** Commits everything in the folder. */
function commit(): void {
  const git = (...args: string[]) =>
    execFileSync(
      'git',
      ['-c', 'user.name=t', '-c', 'user.email=t@example.com', '-c', 'init.defaultBranch=main', ...args],
      {
        cwd: folder.path,
        stdio: 'pipe',
      },
    );
  git('init', '--quiet');
  git('add', '.');
  git('commit', '--quiet', '--message', 'state');
}

describe('cordon diff of git revisions', () => {
  it('compares a topology with what it was, its base policy included', async () => {
    commit();
    folder.write('tailnet.base.hujson', slippedIn(folder.base));
    const { code, stdout } = await run('git:HEAD', 'cordon.yaml', '--json', '--fail-on', 'widening');
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ summary: 'widening' });
    expect(JSON.parse((await run('cordon.yaml', 'git:HEAD', '--json')).stdout)).toMatchObject({ summary: 'narrowing' });
    expect(JSON.parse((await run('git:HEAD', 'git:HEAD', '--json')).stdout)).toMatchObject({ summary: 'none' });
  });

  it('reads policies and snapshots of a revision by their paths', async () => {
    folder.write('p.hujson', POLICY);
    folder.snapshot('s.json');
    commit();
    folder.write('p.hujson', WIDER);
    expect(JSON.parse((await run('git:HEAD:p.hujson', 'p.hujson', '--json')).stdout).summary).toBe('widening');
    expect((await run('git:HEAD:s.json', 'cordon.yaml')).stdout).toContain('Difference none');
  });

  it.each([
    ['git:nope', 'cordon.yaml'],
    ['git:HEAD:nope.yaml', 'cordon.yaml'],
    ['git:--help', 'cordon.yaml'],
  ])('says what %s is not', async (a, b) => {
    commit();
    const { code, stdout, stderr } = await run(a, b);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('[git-unreadable]');
    expect(stderr).toContain('git:REV:PATH');
    expect(stderr).not.toContain('    at ');
  });

  it('says so outside of a repository', async () => {
    const { code, stderr } = await run('git:HEAD', 'cordon.yaml');
    expect(code).toBe(1);
    expect(stderr).toContain('not a git repository');
  });
});

describe('cordon diff --pairs', () => {
  const line = (id: string, a: string, b: string, devices?: string) => `${JSON.stringify({ id, a, b, devices })}\n`;
  const answers = (stdout: string) =>
    stdout
      .trimEnd()
      .split('\n')
      .map((text) => JSON.parse(text));

  it('answers line by line, as each pair is answered alone', async () => {
    folder.write('a.hujson', POLICY);
    folder.write('b.hujson', WIDER);
    folder.write('d.json', JSON.stringify(folder.declared.sources['tailnet/devices']?.body));
    const pairs =
      line('w', 'a.hujson', 'b.hujson') +
      line('n', 'b.hujson', 'a.hujson', 'd.json') +
      line('s', 'a.hujson', 'a.hujson');
    const { code, stdout } = await run('--pairs', folder.write('pairs.jsonl', pairs));
    expect(code).toBe(0);
    expect(answers(stdout).map(({ id, summary }) => [id, summary])).toEqual([
      ['w', 'widening'],
      ['n', 'narrowing'],
      ['s', 'none'],
    ]);
    const alone = JSON.parse((await run('a.hujson', 'b.hujson', '--json')).stdout);
    expect(answers(stdout)[0].changes).toEqual(alone.changes);
    expect((await run('--pairs', 'pairs.jsonl', '--fail-on', 'widening')).code).toBe(2);
  });

  it('goes on after a pair that cannot be read, and does not end with 0', async () => {
    folder.write('a.hujson', POLICY);
    folder.write('broken.hujson', '{"grants": [');
    const pairs =
      line('1', 'a.hujson', 'nope.hujson') + line('2', 'broken.hujson', 'a.hujson') + line('3', 'a.hujson', 'a.hujson');
    const { code, stdout } = await run('--pairs', folder.write('pairs.jsonl', pairs));
    expect(code).toBe(1);
    const [one, two, three] = answers(stdout);
    expect(one.error).toContain('nope.hujson');
    expect(two.error).toContain('broken.hujson:1:');
    expect([one.summary, two.summary, three.summary]).toEqual([undefined, undefined, 'none']);
  });

  it('names every line that is no pair, and compares nothing', async () => {
    const { code, stdout, stderr } = await run(
      '--pairs',
      folder.write('pairs.jsonl', `${line('1', 'a', 'b')}{"id": 2}\n\nx\n`),
    );
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('pairs.jsonl:2:1: error');
    expect(stderr).toContain('pairs.jsonl:4:1: error');
    expect(stderr).toContain('2 errors');
  });
});
