import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { temporaryFolder, writeProgram } from './folders.ts';
import type { Provisioned, Tailnet } from './real-engine.ts';
import {
  API_KEY,
  makeProject,
  PROVISION_LIMIT_MS,
  realEngine,
  requireEngine,
  startTailnet,
  writeNodeProject,
} from './real-engine.ts';

/* The real engine with our language host and the stand-in: two resources, every command that people type. */
const PROGRAM = `
  import * as pulumi from '@pulumi/pulumi';
  import * as tailscale from '@pulumi/tailscale';
  const provider = new tailscale.Provider('tn', { apiKey: process.env.KEY, baseUrl: process.env.API });
  new tailscale.DnsPreferences('dns', { magicDns: process.env.MAGIC !== 'off' }, { provider });
  new tailscale.DeviceTags('tags', { deviceId: 'nMODEL11CNTRL', tags: ['tag:model', 'tag:b'] }, { provider });
  export const project = pulumi.getProject();
  export const node = process.versions.node;
`;

const PACK = `
  import { PolicyPack } from '@pulumi/policy';
  new PolicyPack('pack', {
    policies: [{
      name: 'no-magic',
      description: 'MagicDNS stays off.',
      enforcementLevel: 'mandatory',
      validateResource: (args, report) => {
        if (args.type === 'tailscale:index/dnsPreferences:DnsPreferences' && args.props.magicDns) report('it is on');
      },
    }],
  });
`;

const LIMIT_MS = 10 * 60_000;
let provisioned: Provisioned;
let tailnet: Tailnet;

beforeAll(async () => {
  provisioned = await realEngine();
  tailnet = await startTailnet();
}, PROVISION_LIMIT_MS);

afterAll(() => tailnet.emulator.close());

const environment = (changes: Record<string, string> = {}) => ({ KEY: API_KEY, API: tailnet.emulator.url, ...changes });

describe('two resources', () => {
  test(
    'up, preview, drift, refresh, destroy',
    async () => {
      const engine = requireEngine(provisioned);
      const { run } = await makeProject(engine, temporaryFolder(), PROGRAM);

      const up = await run(['up', '--yes', '--skip-preview'], environment());
      expect(up, up.stdout + up.stderr).toMatchObject({ exitCode: 0 });
      expect(up.stdout).toContain('+ 4 created');
      expect(up.stdout).toMatch(/stand-in for the Tailscale provider plugin/);
      expect(tailnet.emulator.state.devices[0]?.tags).toEqual(['tag:b', 'tag:model']);

      const outputs = JSON.parse((await run(['stack', 'output', '--json'])).stdout);
      expect(outputs.project).toBe('rec');
      expect(Number(outputs.node.split('.')[0])).toBeGreaterThanOrEqual(22);

      tailnet.asked.length = 0;
      const preview = await run(['preview', '--expect-no-changes'], environment());
      expect(preview, preview.stdout).toMatchObject({ exitCode: 0 });
      expect(tailnet.asked).toEqual([]);
      const changed = await run(['preview', '--expect-no-changes'], environment({ MAGIC: 'off' }));
      expect(changed, changed.stdout).toMatchObject({ exitCode: 7 });

      expect(await run(['refresh', '--preview-only', '--expect-no-changes'])).toMatchObject({ exitCode: 0 });
      await fetch(`${tailnet.emulator.url}/_emulator/devices`, {
        method: 'POST',
        body: JSON.stringify({ devices: [{ nodeId: 'nMODEL11CNTRL', tags: ['tag:other'] }] }),
      });
      expect(await run(['refresh', '--preview-only', '--expect-no-changes'])).toMatchObject({ exitCode: 7 });
      expect(await run(['refresh', '--yes', '--skip-preview'])).toMatchObject({ exitCode: 0 });

      const destroy = await run(['destroy', '--yes', '--skip-preview']);
      expect(destroy, destroy.stdout).toMatchObject({ exitCode: 0 });
      expect(tailnet.emulator.state.devices[0]?.tags).toEqual([]);
    },
    LIMIT_MS,
  );

  test(
    'a policy pack stops a preview with exit 1, and lets pass what it allows',
    async () => {
      const engine = requireEngine(provisioned);
      const root = temporaryFolder();
      const { run } = await makeProject(engine, root, PROGRAM);
      const pack = join(root, 'pack');
      writeNodeProject(pack, 'pack', PACK);
      writeFileSync(join(pack, 'PulumiPolicy.yaml'), 'runtime: nodejs\nmain: index.js\n');

      const refused = await run(['preview', '--policy-pack', pack], environment());
      expect(refused, refused.stdout + refused.stderr).toMatchObject({ exitCode: 1 });
      expect(refused.stdout).toMatch(/\[mandatory\]\s+no-magic[\s\S]*it is on/);
      const passed = await run(['preview', '--policy-pack', pack], environment({ MAGIC: 'off' }));
      expect(passed, passed.stdout + passed.stderr).toMatchObject({ exitCode: 0 });
    },
    LIMIT_MS,
  );
});

test(
  'a program that fails says why, once, and `up` ends with 1',
  async () => {
    const engine = requireEngine(provisioned);
    const { run } = await makeProject(engine, temporaryFolder(), "throw new Error('the program has a bug');");
    const up = await run(['up', '--yes', '--skip-preview']);
    expect(up.exitCode).toBe(1);
    expect(up.stdout).toContain('the program has a bug');
    expect(up.stdout).not.toContain('exited with code');
  },
  LIMIT_MS,
);

test(
  '`pulumi up` typed by hand works, whatever `node` is first on the PATH',
  async () => {
    const engine = requireEngine(provisioned);
    const root = temporaryFolder();
    const { folder } = await makeProject(engine, root, 'export const answer = 42;');
    writeProgram(join(root, 'old', 'node'), 'echo "SyntaxError: far too old" >&2; exit 1');
    const typed = await execa('pulumi', ['up', '--yes', '--skip-preview'], {
      cwd: folder,
      env: {
        PATH: `${engine.bin}:${join(root, 'old')}:/usr/bin:/bin`,
        HOME: root,
        PULUMI_BACKEND_URL: `file://${join(root, 'state')}`,
        PULUMI_CONFIG_PASSPHRASE_FILE: join(root, 'passphrase'),
      },
      extendEnv: false,
      reject: false,
    });
    expect(typed, typed.stdout + typed.stderr).toMatchObject({ exitCode: 0 });
    expect(typed.stdout).toContain('answer: 42');
  },
  LIMIT_MS,
);

test(
  '`pulumi import` ends well and shows what the program has to declare',
  async () => {
    const engine = requireEngine(provisioned);
    const { run } = await makeProject(engine, temporaryFolder(), '');
    const set = await run(['config', 'set', 'tailscale:baseUrl', tailnet.emulator.url]);
    expect(set, set.stderr).toMatchObject({ exitCode: 0 });
    const imported = await run(['import', 'tailscale:index/acl:Acl', 'policy', 'acl', '--yes', '--protect=false'], {
      TAILSCALE_API_KEY: API_KEY,
    });
    expect(imported, imported.stdout + imported.stderr).toMatchObject({ exitCode: 0 });
    expect(imported.stdout).toContain('resource policy "tailscale:index/acl:Acl"');
  },
  LIMIT_MS,
);
