import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const root = mkdtempSync(join(tmpdir(), 'cordon-conformance-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A folder of captures: `<category>/<id>.json` each, changed as said. */
function corpus(name: string, ids: readonly string[], change: (text: string) => string = (text) => text): string {
  const folder = join(root, name);
  mkdirSync(folder);
  for (const id of ids) {
    const category = id.split('-')[0] ?? '';
    mkdirSync(join(folder, category), { recursive: true });
    cpSync(here(`cases/${id}.json`), join(folder, category, `${id}.json`));
    const file = join(folder, category, `${id}.json`);
    writeFileSync(file, change(readFileSync(file, 'utf8')));
  }
  return folder;
}

function run(...args: string[]): Promise<{ code: unknown; lines: string[]; stderr: string }> {
  return new Promise((done) => {
    execFile(process.execPath, [here('main.ts'), ...args], (error, stdout, stderr) => {
      done({ code: error === null ? 0 : error.code, lines: stdout.trimEnd().split('\n'), stderr });
    });
  });
}

describe('the conformance tool', () => {
  it('counts captures, names what fails and what is not to be trusted, and writes its answers', async () => {
    const good = corpus('good', ['ssh-a1', 'acl-err01']);
    const suspect = corpus('suspect', ['ssh-g1'], (t) => t.replace('"api":', '"suspect":"made up","api":'));
    cpSync(suspect, good, { recursive: true });
    const out = join(root, 'out');
    const { code, lines } = await run('--cases', good, '--emit', out);
    expect(lines).toEqual([
      'left out, marked as not to be trusted: ssh-g1',
      'messages of refusals: 1 of 1 word for word',
      '2 passed, 0 failed',
    ]);
    expect(code).toBe(0);
    const answer = (path: string): unknown => JSON.parse(readFileSync(join(out, path), 'utf8'));
    expect(answer('acl/acl-err01.json')).toEqual({
      api: { code: 400, message: 'src=tag not found: "tag:nonexistent"' },
    });
    expect(answer('ssh/ssh-a1.json')).toMatchObject({
      api: { code: 200 },
      expect: {
        beedrill: { ssh: [], rules: [{ dst: [['*', '*']] }], routes: {}, peerCaps: {} },
        bulbasaur: { ssh: [{ action: 'accept', users: { root: 'root' } }] },
      },
    });
  });

  it('fails for one difference, one unreadable capture, or none at all', async () => {
    const bad = corpus('bad', ['ssh-a1', 'acl-err01'], (t) =>
      t.replaceAll('"users":{"root":"root"}', '"users":{"root":""}'),
    );
    writeFileSync(join(bad, 'acl', 'odd.json'), '{"id": "odd"}');
    const { code, lines } = await run('--cases', bad);
    expect(lines).toEqual([
      expect.stringMatching(/^acl\/odd\.json: /),
      expect.stringMatching(/^ssh\/ssh-a1: bulbasaur ssh: \[0\] is /),
      'messages of refusals: 1 of 1 word for word',
      '1 passed, 2 failed',
    ]);
    expect(code).toBe(1);
    expect(await run('--cases', corpus('empty', []))).toMatchObject({ code: 1 });
  });

  it('answers for every device where nothing was captured, and counts no such case', async () => {
    const open = corpus('open', ['ssh-a1'], (text) => {
      const { api: _, expect: _captured, ...question } = JSON.parse(text) as Record<string, unknown>;
      return JSON.stringify(question);
    });
    const out = join(root, 'open-out');
    const { code, lines } = await run('--cases', open, '--emit', out);
    expect([code, lines[0], lines.at(-1)]).toEqual([1, 'without an answer to compare with: 1', '0 passed, 0 failed']);
    const answer = JSON.parse(readFileSync(join(out, 'ssh', 'ssh-a1.json'), 'utf8')) as { expect: object };
    expect(Object.keys(answer.expect)).toHaveLength(15);
  });

  it('refuses a wrong call', async () => {
    expect(await run()).toMatchObject({ code: 2, stderr: expect.stringContaining('usage: conformance --cases DIR') });
    const nowhere = join(root, 'nowhere');
    expect(await run('--cases', nowhere)).toMatchObject({ code: 2, stderr: `${nowhere} is no folder\n` });
  });
});
