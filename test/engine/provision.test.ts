import { existsSync, lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { engineStatus } from '../../infra/engine/engine-status.ts';
import type { EngineProgress } from '../../infra/engine/progress.ts';
import type { ProvisionOptions } from '../../infra/engine/provision.ts';
import { engineWay, provisionEngine } from '../../infra/engine/provision.ts';
import type { EngineSources } from '../../infra/engine/sources.ts';
import { engineVersion, tailscalePluginVersion } from '../../infra/engine/versions.ts';
import { CordonError } from '../../src/source/error.ts';
import { temporaryFolder, writeProgram } from './folders.ts';

const VERSION = engineVersion();
const PLUGIN = `plugins/resource-tailscale-v${tailscalePluginVersion()}/pulumi-resource-tailscale`;
const CLI_BODY = `echo v${VERSION}`;

/** Sources without network or compiler, which say what they were asked for. */
function fakeSources(reachable: boolean, changes: Partial<EngineSources> = {}) {
  const asked: string[] = [];
  const sources: EngineSources = {
    async isDownloadReachable() {
      asked.push('probe');
      return reachable;
    },
    async downloadCli(folder) {
      asked.push('download cli');
      writeProgram(join(folder, 'bin', 'pulumi'), CLI_BODY);
      writeProgram(join(folder, 'bin', 'pulumi-language-nodejs'), 'exit 0');
    },
    async downloadTailscalePlugin(_cli, folder) {
      asked.push('download plugin');
      writeProgram(join(folder, PLUGIN), 'echo real');
    },
    async findGo() {
      asked.push('go');
      return { path: '/go', version: '1.99', moduleCache: '', buildCache: '', proxy: '' };
    },
    async buildCli(_go, folder, _environment, onWork) {
      asked.push('build');
      onWork('compiling');
      writeProgram(join(folder, 'pulumi'), CLI_BODY);
    },
    ...changes,
  };
  return { sources, asked };
}

/** A machine of its own: nothing on the PATH but a shell, nothing in the home. */
function machine(changes: NodeJS.ProcessEnv = {}) {
  const root = temporaryFolder();
  const environment = { PATH: '/usr/bin:/bin', PULUMI_HOME: join(root, 'pulumi-home'), ...changes };
  return { root, environment, cacheDir: join(root, 'cache') };
}

function provision(options: ProvisionOptions) {
  return provisionEngine(options);
}

describe('order', () => {
  test('an installed CLI is taken before anything is asked', async () => {
    const { root, environment, cacheDir } = machine();
    const cli = writeProgram(join(root, 'bin', 'pulumi'), CLI_BODY);
    writeProgram(join(root, 'bin', 'pulumi-language-nodejs'), 'exit 0');
    const { sources, asked } = fakeSources(false);
    const engine = await provision({
      environment: { ...environment, PATH: `${join(root, 'bin')}:/usr/bin:/bin` },
      cacheDir,
      sources,
    });
    expect(engine).toMatchObject({ cli, cliKind: 'installed', version: VERSION, languageHost: { kind: 'bundled' } });
    expect(asked).toEqual(['probe']);
    expect(engine.tailscalePlugin.kind).toBe('stand-in');
  });

  test('a reachable host gives CLI and plugin; the second run asks nobody', async () => {
    const { environment, cacheDir } = machine();
    const { sources, asked } = fakeSources(true);
    const engine = await provision({ environment, cacheDir, sources });
    expect(engine).toMatchObject({
      cliKind: 'download',
      languageHost: { kind: 'bundled' },
      tailscalePlugin: { kind: 'real' },
    });
    expect((await execa(engine.tailscalePlugin.path)).stdout).toBe('real');
    expect(lstatSync(join(engine.home, PLUGIN, '..')).isDirectory()).toBe(true);
    expect(asked).toEqual(['probe', 'download cli', 'probe', 'download plugin']);
    asked.length = 0;
    const again = await provision({ environment, cacheDir, sources });
    expect(again).toEqual(engine);
    expect(asked).toEqual([]);
  });

  test('an unreachable host leads to a build with our language host and the stand-in', async () => {
    const { environment, cacheDir } = machine();
    const { sources, asked } = fakeSources(false);
    const engine = await provision({ environment, cacheDir, sources });
    expect(engine).toMatchObject({
      cliKind: 'build',
      version: VERSION,
      languageHost: { kind: 'own' },
      tailscalePlugin: { kind: 'stand-in' },
    });
    expect(asked).toEqual(['probe', 'go', 'build', 'probe']);
    asked.length = 0;
    expect(await provision({ environment, cacheDir, sources })).toEqual(engine);
    expect(asked).toEqual(['probe']);
  });

  test('a CLI built on a closed network gets the real plugin as soon as the network is open', async () => {
    const { environment, cacheDir } = machine();
    await provision({ environment, cacheDir, sources: fakeSources(false).sources });
    const { sources, asked } = fakeSources(true);
    const engine = await provision({ environment, cacheDir, sources });
    expect(engine).toMatchObject({ cliKind: 'build', tailscalePlugin: { kind: 'real' } });
    expect(asked).toEqual(['probe', 'download plugin']);
  });

  test('a plugin that cannot be downloaded after all leaves the stand-in, with a word', async () => {
    const { environment, cacheDir } = machine();
    const { sources } = fakeSources(true, {
      async downloadTailscalePlugin() {
        throw new CordonError('engine-download-failed', 'refused');
      },
    });
    const said: EngineProgress[] = [];
    const engine = await provision({ environment, cacheDir, sources, onProgress: (p) => said.push(p) });
    expect(engine.tailscalePlugin.kind).toBe('stand-in');
    expect(said.map((p) => p.message)).toContain('refused; going on with the stand-in');
  });
});

describe('forced ways', () => {
  test('build asks for nothing but Go, and takes no notice of what is installed', async () => {
    const { root, environment, cacheDir } = machine({ CORDON_ENGINE: 'build' });
    writeProgram(join(root, 'bin', 'pulumi'), CLI_BODY);
    const { sources, asked } = fakeSources(true);
    const engine = await provision({
      environment: { ...environment, PATH: `${join(root, 'bin')}:/usr/bin:/bin` },
      cacheDir,
      sources,
    });
    expect(engine.cliKind).toBe('build');
    expect(asked).toEqual(['go', 'build']);
  });

  test('download does not probe, and its failure is an error', async () => {
    const { environment, cacheDir } = machine({ CORDON_ENGINE: 'download' });
    const { sources, asked } = fakeSources(false);
    expect((await provision({ environment, cacheDir, sources })).tailscalePlugin.kind).toBe('real');
    expect(asked).toEqual(['download cli', 'download plugin']);
    const failing = fakeSources(false, {
      async downloadTailscalePlugin() {
        throw new CordonError('engine-download-failed', 'refused');
      },
    });
    const other = machine({ CORDON_ENGINE: 'download' });
    await expect(provision({ ...other, sources: failing.sources })).rejects.toMatchObject({
      code: 'engine-download-failed',
    });
  });

  test.each([
    ['nothing there', undefined, 'no Pulumi CLI is installed'],
    ['too old', 'echo v3.1.0', 'version 3.1.0 is older than'],
    ['another major version', 'echo v4.0.0', 'another major version'],
    ['without a version', 'exit 3', 'says no version'],
  ])('installed, with %s: an error that says what to install', async (_, body, message) => {
    const { root, environment, cacheDir } = machine({ CORDON_ENGINE: 'installed' });
    if (body !== undefined) writeProgram(join(root, 'bin', 'pulumi'), body);
    const { sources, asked } = fakeSources(true);
    const run = provision({
      environment: { ...environment, PATH: `${join(root, 'bin')}:/usr/bin:/bin` },
      cacheDir,
      sources,
    });
    await expect(run).rejects.toMatchObject({
      code: 'engine-missing',
      message: expect.stringContaining(message),
      hint: expect.stringContaining(VERSION),
    });
    expect(asked).toEqual([]);
  });

  test('an unknown way names the known ones', () => {
    expect(() => engineWay({ CORDON_ENGINE: 'dowload' })).toThrow(
      expect.objectContaining({
        code: 'engine-way-unknown',
        hint: expect.stringContaining('installed, download, build'),
      }),
    );
    expect(engineWay({ CORDON_ENGINE: '' })).toBeUndefined();
  });
});

describe('the stand-in never hides the real plugin', () => {
  test('the user’s own plugin is used, also with a CLI we built, and replaces a stand-in of an earlier run', async () => {
    const { environment, cacheDir } = machine({ CORDON_ENGINE: 'build' });
    const { sources } = fakeSources(false);
    const before = await provision({ environment, cacheDir, sources });
    expect(before.tailscalePlugin.kind).toBe('stand-in');
    expect(existsSync(join(before.tailscalePlugin.path, '..', 'STAND-IN'))).toBe(true);
    writeProgram(join(environment.PULUMI_HOME, PLUGIN), 'echo the real one');
    const after = await provision({ environment, cacheDir, sources });
    expect(after.tailscalePlugin).toEqual({ kind: 'real', path: before.tailscalePlugin.path });
    expect((await execa(after.tailscalePlugin.path)).stdout).toBe('the real one');
    expect(existsSync(join(after.tailscalePlugin.path, '..', 'STAND-IN'))).toBe(false);
  });

  test('nothing is ever written to the user’s own Pulumi home', async () => {
    const { environment, cacheDir } = machine();
    const { sources } = fakeSources(true);
    await provision({ environment, cacheDir, sources });
    expect(existsSync(environment.PULUMI_HOME)).toBe(false);
  });
});

describe('what a run gets', () => {
  test('a closed environment, our Node first, and the user’s login', async () => {
    const { environment, cacheDir } = machine();
    writeProgram(join(environment.PULUMI_HOME, 'credentials.json'), '');
    const engine = await provision({ environment, cacheDir, sources: fakeSources(false).sources });
    expect(engine.env).toMatchObject({
      PULUMI_HOME: engine.home,
      PULUMI_CREDENTIALS_PATH: environment.PULUMI_HOME,
      PULUMI_SKIP_UPDATE_CHECK: 'true',
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: 'true',
      PULUMI_IGNORE_AMBIENT_PLUGINS: 'true',
      PULUMI_DISABLE_REGISTRY_RESOLVE: 'true',
    });
    const node = await execa('node', ['--version'], { env: engine.env, extendEnv: false });
    expect(Number(node.stdout.slice(1).split('.')[0])).toBeGreaterThanOrEqual(22);
  });

  test('a `pulumi` for the PATH that brings its environment, but leaves the user’s settings alone', async () => {
    const { environment, cacheDir } = machine();
    const { sources } = fakeSources(false, {
      async buildCli(_go, folder) {
        writeProgram(
          join(folder, 'pulumi'),
          `[ "$1" = version ] && echo v${VERSION} || echo "$PULUMI_HOME|$PULUMI_SKIP_UPDATE_CHECK|$*"`,
        );
      },
    });
    const engine = await provision({ environment, cacheDir, sources });
    const typed = (env: Record<string, string>) =>
      execa('pulumi', ['up', '--yes', 'a b'], {
        env: { PATH: `${engine.bin}:/usr/bin:/bin`, ...env },
        extendEnv: false,
      });
    expect((await typed({})).stdout).toBe(`${engine.home}|true|up --yes a b`);
    expect((await typed({ PULUMI_HOME: '/mine' })).stdout).toBe('/mine|true|up --yes a b');
  });

  test('a CLI that is not what it should be does not get into the cache', async () => {
    const { environment, cacheDir } = machine();
    const { sources } = fakeSources(false, {
      async buildCli(_go, folder) {
        writeProgram(join(folder, 'pulumi'), 'echo v3.0.0');
      },
    });
    const run = () => provision({ environment, cacheDir, sources });
    await expect(run()).rejects.toMatchObject({ code: 'engine-unusable' });
    await expect(run()).rejects.toMatchObject({ code: 'engine-unusable' });
  });

  test('launchers survive odd folder names', async () => {
    const root = join(temporaryFolder(), 'it\'s a $HOME `x` "y"');
    const engine = await provision({
      environment: { PATH: '/usr/bin:/bin', PULUMI_HOME: join(root, 'p') },
      cacheDir: root,
      sources: fakeSources(false).sources,
    });
    const typed = await execa(join(engine.bin, 'pulumi'), ['version']);
    expect(typed.stdout).toBe(`v${VERSION}`);
    const plugin = await execa(engine.tailscalePlugin.path, ['-version']);
    expect(plugin.stdout).toBe(tailscalePluginVersion());
    expect(readFileSync(engine.languageHost.path, 'utf8')).toMatch(/^#!\/bin\/sh\n/);
  });
});

describe('status', () => {
  const stateOf = (status: Awaited<ReturnType<typeof engineStatus>>, piece: string) =>
    status.pieces.find((p) => p.piece === piece);

  test('before and after provisioning', async () => {
    const { environment, cacheDir } = machine();
    const before = await engineStatus({ environment, cacheDir });
    expect(stateOf(before, 'cli')).toMatchObject({ state: 'obtainable', hint: expect.stringMatching(/\w/) });
    expect(stateOf(before, 'tailscale-plugin')).toMatchObject({
      state: 'stand-in',
      hint: expect.stringMatching(/plugin install/),
    });
    expect(existsSync(cacheDir)).toBe(false);
    await provision({ environment, cacheDir, sources: fakeSources(true).sources });
    const after = await engineStatus({ environment, cacheDir });
    expect(stateOf(after, 'cli')).toMatchObject({
      state: 'found',
      what: expect.stringContaining('downloaded by cordon'),
    });
    expect(stateOf(after, 'language-host')).toMatchObject({ what: "the CLI's own" });
    expect(stateOf(after, 'tailscale-plugin')).toMatchObject({ state: 'found' });
  });

  test('a forced way that cannot work says so', async () => {
    const { environment, cacheDir } = machine({ CORDON_ENGINE: 'installed' });
    const status = await engineStatus({ environment, cacheDir });
    expect(status.way).toBe('installed');
    expect(stateOf(status, 'cli')).toMatchObject({ state: 'missing', hint: expect.stringContaining('CORDON_ENGINE') });
  });

  test('every piece that is not there has a hint', async () => {
    for (const way of ['', 'installed', 'download', 'build']) {
      const { environment, cacheDir } = machine({ CORDON_ENGINE: way });
      for (const piece of (await engineStatus({ environment, cacheDir })).pieces) {
        if (piece.state !== 'found') expect(piece.hint, `${way} ${piece.piece}`).toMatch(/\w/);
      }
    }
  });
});
