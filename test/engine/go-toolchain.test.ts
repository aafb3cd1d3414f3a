import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { builtCliName, moduleVersion } from '../../infra/engine/build-cli.ts';
import { findGo, isOlder, requiredGoVersion } from '../../infra/engine/go-toolchain.ts';
import { engineVersion } from '../../infra/engine/versions.ts';
import { temporaryFolder, writeProgram } from './folders.ts';

/** A folder whose `go` answers `go env …` with these lines. */
function fakeGo(answers: readonly string[]): string {
  const folder = temporaryFolder();
  writeProgram(join(folder, 'go'), `printf '%s\\n' ${answers.map((a) => `'${a}'`).join(' ')}`);
  return folder;
}

describe('the Go to build with', () => {
  test('is found on the PATH; only its proxies are asked, no source hosts', async () => {
    const folder = fakeGo(['go1.99.1', '/mod', '/build', 'https://proxy.example,direct', 'auto']);
    expect(await findGo({ PATH: folder })).toEqual({
      path: join(folder, 'go'),
      version: '1.99.1',
      moduleCache: '/mod',
      buildCache: '/build',
      proxy: 'https://proxy.example',
    });
  });

  test('may be older than needed if it fetches the newer toolchain itself', async () => {
    const folder = fakeGo(['go1.21.0', '/mod', '/build', 'https://proxy.example', 'auto']);
    expect((await findGo({ PATH: folder })).version).toBe('1.21.0');
  });

  test.each([
    ['too old, and told not to switch', ['go1.25.9', '', '', '', 'local']],
    ['too old to know how to switch', ['go1.20.14', '', '', '', 'auto']],
    ['without an answer', ['']],
  ])('%s: says which one is needed', async (_, answers) => {
    await expect(findGo({ PATH: fakeGo(answers) })).rejects.toMatchObject({
      code: 'go-too-old',
      hint: expect.stringContaining(await requiredGoVersion()),
    });
  });

  test('missing: says how to get it', async () => {
    await expect(findGo({ PATH: temporaryFolder() }, [])).rejects.toMatchObject({
      code: 'go-missing',
      hint: expect.stringMatching(/apt-get install golang/),
    });
  });

  test.each([
    ['1.26', '1.26.0', false],
    ['1.25.9', '1.26.0', true],
    ['1.26.8', '1.26.0', false],
    ['1.9', '1.10', true],
    ['1.26rc1', '1.26.0', false],
    ['', '1.0', true],
  ])('%s is older than %s: %s', (version, than, older) => {
    expect(isOlder(version, than)).toBe(older);
  });
});

test('the CLI module and the SDK are of one version', async () => {
  expect(await moduleVersion()).toBe(engineVersion());
});

test('the name of a cached build tells version and platform', async () => {
  expect(await builtCliName()).toMatch(
    new RegExp(`^cli-v${engineVersion().replaceAll('.', '\\.')}-${process.platform}-${process.arch}-[0-9a-f]{12}$`),
  );
});
