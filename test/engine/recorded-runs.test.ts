import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readRecording } from '../infra/tailscale-stand-in/replay/recording.ts';
import { temporaryFolder } from './folders.ts';
import type { Project, Provisioned, Tailnet } from './real-engine.ts';
import { API_KEY, makeProject, PROVISION_LIMIT_MS, realEngine, requireEngine, startTailnet } from './real-engine.ts';

/*
 * Runs of the engine that were recorded with the real plugin, done again with the stand-in: same exit code, same
 * requests, same summary. Independent resources come in any order.
 */
const POLICY = '{"grants":[{"src":["tag:orch"],"dst":["tag:model"],"ip":["tcp:11434"]}]}';
const OPENED = '// console edit\n{"grants": [{"src": ["*"], "dst": ["*"], "ip": ["*"]}]}\n';

/** The program of the recording: provider `tn` and five resources. */
const PROGRAM = `
  import * as tailscale from '@pulumi/tailscale';
  const provider = new tailscale.Provider('tn', {
    apiKey: process.env.KEY, baseUrl: process.env.API, tailnet: '-',
  });
  const options = { provider };
  new tailscale.Acl('acl', { acl: process.env.POLICY }, options);
  if (process.env.ONLY !== 'acl') {
    new tailscale.TailnetSettings('settings', { devicesKeyDurationDays: 30 }, options);
    new tailscale.DnsPreferences('dns', { magicDns: true }, options);
    const routes = new tailscale.DeviceSubnetRoutes(
      'routes', { deviceId: 'nMODEL11CNTRL', routes: ['10.0.0.0/24'] }, options,
    );
    new tailscale.DeviceTags(
      'tags', { deviceId: 'nMODEL11CNTRL', tags: ['tag:model'] }, { provider, dependsOn: [routes] },
    );
  }
`;

const LIMIT_MS = 10 * 60_000;
const recorded = new Map(readRecording().engine.map((run) => [run.n, run]));
let provisioned: Provisioned;

beforeAll(async () => {
  provisioned = await realEngine();
}, PROVISION_LIMIT_MS);

/** Does run `n` of the recording again. */
async function again(n: number, project: Project, tailnet: Tailnet, env: Record<string, string> = {}): Promise<void> {
  const run = recorded.get(n);
  if (run === undefined) throw new Error(`there is no run ${n}`);
  tailnet.asked.length = 0;
  const here = await project.run(run.command.split(' '), {
    KEY: API_KEY,
    API: tailnet.emulator.url,
    POLICY,
    ...env,
  });
  const output = here.stdout + here.stderr;
  expect(here.exitCode, `${run.name}: ${output}`).toBe(run.exitCode);
  // The recorder notes a precondition beside the path.
  const requests = run.http.map((line) => line.replace(/ If-Match=\S+/, ''));
  expect([...tailnet.asked].sort(), run.name).toEqual(requests.sort());
  const words = output.replace(/\s+/g, ' ');
  for (const line of run.summary) expect(words, run.name).toContain(line.replace(/\s+/g, ' '));
}

describe('against the recording', () => {
  let tailnet: Tailnet;
  beforeAll(async () => {
    tailnet = await startTailnet();
  });
  afterAll(() => tailnet.emulator.close());

  test(
    'first preview and up, clean, console edit seen and repaired, change, destroy, and the next up refused',
    async () => {
      const project = await makeProject(requireEngine(provisioned), temporaryFolder(), PROGRAM);
      await again(1316, project, tailnet);
      await again(1317, project, tailnet);
      await again(1319, project, tailnet);
      await tailnet.editPolicy(OPENED);
      await again(1321, project, tailnet);
      await again(1322, project, tailnet);
      await again(1323, project, tailnet);
      const changed = { POLICY: POLICY.replace('11434', '11435') };
      await again(1326, project, tailnet, changed);
      await again(1354, project, tailnet);
      await again(1358, project, tailnet, { ONLY: 'acl' });
    },
    LIMIT_MS,
  );
});
