import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectProvider, unary } from '../../../infra/grpc/client.ts';
import { emptyMessages, providerMessages } from '../../../infra/grpc/proto.ts';
import type { RunningProvider } from '../../../infra/grpc/serve.ts';
import { startProvider } from '../../../infra/grpc/serve.ts';
import { toStruct } from '../../../infra/grpc/struct.ts';
import { TYPES, VERSION } from '../../../infra/plugin/package.ts';
import { cordonProvider } from '../../../infra/plugin/provider.ts';
import { requireOrSkip } from '../../support/require.ts';

const ROOT = resolve(import.meta.dirname, '../../..');

let provider: RunningProvider;
let client: ReturnType<typeof connectProvider>;
beforeAll(async () => {
  const parts = { readLivePolicy: () => Promise.reject(new Error('no tailnet')), describeDifference: () => '' };
  provider = await startProvider(cordonProvider(parts), undefined);
  client = connectProvider(provider.port);
});
afterAll(() => {
  client.close();
  provider.stop();
});

describe('the provider', () => {
  it('describes its resources in a schema whose references resolve', async () => {
    type Schema = InstanceType<typeof providerMessages.GetSchemaResponse>;
    const answer = await unary<Schema>((done) => client.getSchema(new providerMessages.GetSchemaRequest(), done));
    const schema = JSON.parse(answer.getSchema());
    expect(Object.keys(schema.resources).sort()).toEqual(Object.values(TYPES).sort());
    for (const reference of answer.getSchema().matchAll(/"#\/types\/([^"]+)"/g)) {
      expect(Object.keys(schema.types)).toContain(reference[1]);
    }
    for (const resource of Object.values<{ properties: object; required: string[] }>(schema.resources)) {
      expect(Object.keys(resource.properties)).toEqual(expect.arrayContaining(resource.required));
    }
  });

  it('knows no other types', async () => {
    const request = new providerMessages.CheckRequest().setUrn('urn:pulumi:d::p::cordon:index:Other::x');
    request.setNews(toStruct({}));
    await expect(unary((done) => client.check(request, done))).rejects.toMatchObject({
      code: status.UNIMPLEMENTED,
      details: 'there is no resource type cordon:index:Other',
    });
  });

  it('begins no change after the engine has cancelled, and still answers what only reads', async () => {
    await unary((done) => client.cancel(new emptyMessages.Empty(), done));
    const urn = `urn:pulumi:d::p::${TYPES.hostFirewall}::x`;
    const inputs = toStruct({ host: 'm', access: { kind: 'netns', name: 'cordon-test-nowhere' }, ruleset: '' });
    const create = new providerMessages.CreateRequest().setUrn(urn).setProperties(inputs);
    await expect(unary((done) => client.create(create, done))).rejects.toMatchObject({ code: status.CANCELLED });
    const remove = new providerMessages.DeleteRequest().setUrn(urn).setId('x').setProperties(inputs);
    await expect(unary((done) => client.delete(remove, done))).rejects.toMatchObject({ code: status.CANCELLED });
    const check = new providerMessages.CheckRequest().setUrn(urn).setNews(inputs);
    await unary((done) => client.check(check, done));
  });
});

describe('the executable', () => {
  const executable = join(ROOT, 'infra/plugin/pulumi-resource-cordon');

  it('is where Pulumi.yaml says, runs, and has the version that the program asks for', async () => {
    requireOrSkip(existsSync(join(ROOT, 'dist/infra/plugin/main.js')), 'the plugin runs compiled: run `npm run build`');
    const { stdout } = await promisify(execFile)(executable, ['-version']);
    expect(stdout).toBe(`${VERSION}\n`);
  });
});
