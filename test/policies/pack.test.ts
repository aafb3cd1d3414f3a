import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { credentials } from '@grpc/grpc-js';
import analyzerService from '@pulumi/pulumi/proto/analyzer_grpc_pb.js';
import analyzerMessages from '@pulumi/pulumi/proto/analyzer_pb.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LogCollector } from '../../infra/grpc/client.ts';
import { startLogCollector, unary } from '../../infra/grpc/client.ts';
import type { PropertyObject } from '../../infra/grpc/property-value.ts';
import { Unknown } from '../../infra/grpc/property-value.ts';
import { emptyMessages } from '../../infra/grpc/proto.ts';
import { toStruct } from '../../infra/grpc/struct.ts';
import { requireOrSkip } from '../support/require.ts';
import type { Resource } from './stack.ts';
import { find, homelabStack, ROOT } from './stack.ts';

const isBuilt = existsSync(join(ROOT, 'dist/policies/index.js'));
const needs = 'the policy pack is started compiled: run `npm run build` first';
const ACL = 'tailscale:index/acl:Acl';

let engine: LogCollector;
let pack: ChildProcess;
let client: InstanceType<typeof analyzerService.AnalyzerClient>;

/** Starts the pack as a language host does: its folder as working directory, the port on the first line of stdout. */
beforeAll(async () => {
  if (!isBuilt) return;
  engine = await startLogCollector();
  const sdk = dirname(createRequire(import.meta.url).resolve('@pulumi/pulumi/package.json'));
  const folder = join(ROOT, 'policies');
  pack = spawn(process.execPath, [join(sdk, 'cmd/run-policy-pack'), engine.address, folder], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const port = await new Promise<string>((resolve, reject) => {
    pack.stdout?.once('data', (data: Buffer) => resolve(data.toString().trim()));
    pack.once('exit', (code) => reject(new Error(`the policy pack ended with ${code}`)));
  });
  client = new analyzerService.AnalyzerClient(`127.0.0.1:${port}`, credentials.createInsecure());
}, 60_000);
afterAll(() => {
  client?.close();
  pack?.kill();
  engine?.stop();
});

type Answer = InstanceType<typeof analyzerMessages.AnalyzeResponse>;
const told = (answer: Answer) =>
  answer.getDiagnosticsList().map((d) => {
    const isMandatory = d.getEnforcementlevel() === analyzerMessages.EnforcementLevel.MANDATORY;
    // The message begins with the policy's description, on a line of its own.
    const message = d.getMessage().replace(/^.*\n/, '');
    return `${isMandatory ? 'mandatory' : 'advice'} ${d.getPolicyname()}: ${message}`;
  });

async function analyze(type: string, props: PropertyObject, ignoreChanges: string[] = []): Promise<string[]> {
  const options = new analyzerMessages.AnalyzerResourceOptions().setIgnorechangesList(ignoreChanges);
  const request = new analyzerMessages.AnalyzeRequest()
    .setType(type)
    .setUrn(`urn:pulumi:dev::cordon::${type}::x`)
    .setName('x')
    .setProperties(toStruct(props))
    .setOptions(options);
  return told(await unary<Answer>((done) => client.analyze(request, done)));
}

async function analyzeStack(stack: readonly Resource[]): Promise<string[]> {
  const resources = stack.map((r) =>
    new analyzerMessages.AnalyzerResource()
      .setType(r.type)
      .setUrn(r.urn)
      .setName(r.urn.split('::').at(-1) ?? '')
      .setProperties(toStruct(r.props as PropertyObject))
      .setOptions(new analyzerMessages.AnalyzerResourceOptions())
      .setDependenciesList(r.dependencies.map((d) => d.urn)),
  );
  const request = new analyzerMessages.AnalyzeStackRequest().setResourcesList(resources);
  return told(await unary<Answer>((done) => client.analyzeStack(request, done)));
}

describe('the policy pack as a server', () => {
  it('says its name, version and policies, all of them mandatory', async () => {
    requireOrSkip(isBuilt, needs);
    type Info = InstanceType<typeof analyzerMessages.AnalyzerInfo>;
    const info = await unary<Info>((done) => client.getAnalyzerInfo(new emptyMessages.Empty(), done));
    expect([info.getName(), info.getVersion()]).toEqual(['cordon', '0.1.0']);
    const policies = info.getPoliciesList();
    expect(policies.map((p) => p.getName())).toEqual([
      'no-opening-switch',
      'no-opening-delete',
      'nothing-hidden',
      'claims-hold',
    ]);
    const levels = policies.map((p) => p.getEnforcementlevel());
    expect(new Set(levels)).toEqual(new Set([analyzerMessages.EnforcementLevel.MANDATORY]));
  });

  it('refuses the switches that open, known or not', async () => {
    requireOrSkip(isBuilt, needs);
    expect(await analyze(ACL, { acl: '{}' })).toEqual([]);
    expect(await analyze(ACL, { acl: '{}', resetAclOnDestroy: true })).toEqual([
      'mandatory no-opening-switch: resetAclOnDestroy must be off',
    ]);
    expect(await analyze(ACL, { acl: '{}', overwriteExistingContent: new Unknown('boolean') })).toEqual([
      'mandatory no-opening-switch: overwriteExistingContent is not known yet, and must be off',
    ]);
    expect(await analyze(ACL, { acl: '{}' }, ['acl'])).toEqual([
      'mandatory nothing-hidden: ignoreChanges hides drift: acl',
    ]);
    expect(await analyze('cordon:index:HostFirewall', { onDelete: 'remove' })).toHaveLength(1);
  });

  it('proves the claims on what a whole stack carries', async () => {
    requireOrSkip(isBuilt, needs);
    const stack = homelabStack();
    expect(await analyzeStack(stack)).toEqual([]);
    const acl = find(stack, ':Acl');
    acl.props['acl'] = String(acl.props['acl']).replace(
      '["tag:gateway"], "ip": ["tcp:443"]',
      '["tag:gateway"], "ip": ["*"]',
    );
    const found = await analyzeStack(stack);
    expect(found.every((d) => d.startsWith('mandatory claims-hold'))).toBe(true);
    expect(found.join('\n')).toContain('not isolated');
  });

  it('does not let an unknown policy pass as advice', async () => {
    requireOrSkip(isBuilt, needs);
    const stack = homelabStack();
    find(stack, ':Acl').props['acl'] = new Unknown();
    expect(await analyzeStack(stack)).toContainEqual(
      expect.stringMatching(/^mandatory claims-hold: the policy: acl is not known yet/),
    );
  });
});
