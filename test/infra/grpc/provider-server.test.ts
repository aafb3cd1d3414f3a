import { status } from '@grpc/grpc-js';
import { afterEach, describe, expect, test } from 'vitest';
import type { LogCollector } from '../../../infra/grpc/client.ts';
import { connectProvider, startLogCollector, unary } from '../../../infra/grpc/client.ts';
import { InitFailedError, ProviderError } from '../../../infra/grpc/errors.ts';
import { emptyMessages, providerMessages, statusMessages } from '../../../infra/grpc/proto.ts';
import type { ProviderHandlers } from '../../../infra/grpc/provider.ts';
import { startProvider } from '../../../infra/grpc/serve.ts';
import { MAX_STATUS_MESSAGE } from '../../../infra/grpc/status.ts';
import { fromStruct, toStruct } from '../../../infra/grpc/struct.ts';
import { CordonError } from '../../../src/source/error.ts';

const URN = 'urn:pulumi:dev::p::parent:index:Parent$demo:index:Thing::a::b';
const cleanups: (() => void)[] = [];

afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

async function serve(handlers: ProviderHandlers, log?: LogCollector) {
  const provider = await startProvider({ name: 'demo', version: '1.2.3', handlers }, log?.address);
  cleanups.push(() => provider.stop());
  const client = connectProvider(provider.port);
  cleanups.push(() => client.close());
  return client;
}

const checkMessage = () => new providerMessages.CheckRequest().setUrn(URN).setNews(toStruct({ a: 1 }));

describe('what the handlers do not have', () => {
  test('answers UNIMPLEMENTED, which the engine takes for an older plugin', async () => {
    const client = await serve({});
    const handshake = unary((done) => client.handshake(new providerMessages.ProviderHandshakeRequest(), done));
    await expect(handshake).rejects.toMatchObject({
      code: status.UNIMPLEMENTED,
      details: 'Handshake is not yet implemented',
    });
    await expect(unary((done) => client.check(checkMessage(), done))).rejects.toMatchObject({
      code: status.UNIMPLEMENTED,
    });
  });

  test('also for List, which is a stream', async () => {
    const client = await serve({
      async list(token) {
        throw new ProviderError(`no list for ${token}`, { code: status.UNIMPLEMENTED });
      },
    });
    const stream = client.list(new providerMessages.ListRequest().setToken('demo:index:Thing'));
    const error = await new Promise((resolve) => {
      stream.on('error', resolve);
      stream.on('data', resolve);
    });
    expect(error).toMatchObject({ code: status.UNIMPLEMENTED, details: 'no list for demo:index:Thing' });
  });

  test('the version is always there', async () => {
    const client = await serve({});
    const info = await unary<{ getVersion(): string }>((done) => client.getPluginInfo(new emptyMessages.Empty(), done));
    expect(info.getVersion()).toBe('1.2.3');
  });
});

describe('requests and results', () => {
  test('check: type and name from the message, else from the urn; absent olds stay absent', async () => {
    const seen: unknown[] = [];
    const client = await serve({
      async check(request) {
        seen.push(request);
        return { inputs: request.news, failures: [{ property: 'rules[3].proto', reason: 'no' }, { reason: 'whole' }] };
      },
    });
    const answer = await unary<ReturnType<typeof providerMessages.CheckResponse.deserializeBinary>>((done) =>
      client.check(checkMessage(), done),
    );
    expect(seen).toMatchObject([{ urn: URN, type: 'demo:index:Thing', name: 'a::b', olds: undefined, news: { a: 1 } }]);
    expect(answer.getFailuresList().map((f) => [f.getProperty(), f.getReason()])).toEqual([
      ['rules[3].proto', 'no'],
      ['', 'whole'],
    ]);
    await unary((done) => client.check(checkMessage().setType('x:y:Z').setName('n').setOlds(toStruct({})), done));
    expect(seen[1]).toMatchObject({ type: 'x:y:Z', name: 'n', olds: {} });
  });

  test('diff: changes, lists and detailed paths', async () => {
    const client = await serve({
      async diff() {
        return {
          changes: 'some',
          diffs: ['ruleset'],
          replaces: ['host'],
          stables: ['id'],
          deleteBeforeReplace: true,
          detailedDiff: { 'ruleset.rules[3]': { kind: 'update' }, host: { kind: 'add-replace', inputDiff: true } },
        };
      },
    });
    const answer = await unary<InstanceType<typeof providerMessages.DiffResponse>>((done) =>
      client.diff(new providerMessages.DiffRequest().setUrn(URN), done),
    );
    expect(answer.toObject()).toMatchObject({
      changes: providerMessages.DiffResponse.DiffChanges.DIFF_SOME,
      diffsList: ['ruleset'],
      replacesList: ['host'],
      stablesList: ['id'],
      deletebeforereplace: true,
      hasdetaileddiff: true,
    });
    const { Kind } = providerMessages.PropertyDiff;
    const detailed = new Map<string, unknown>();
    answer.getDetaileddiffMap().forEach((d, path) => {
      detailed.set(path, d.toObject());
    });
    expect(detailed).toEqual(
      new Map([
        ['ruleset.rules[3]', { kind: Kind.UPDATE, inputdiff: false }],
        ['host', { kind: Kind.ADD_REPLACE, inputdiff: true }],
      ]),
    );
  });

  test('read: "gone" has an empty id and nothing else; absent and empty properties are told apart', async () => {
    const client = await serve({
      async read(request) {
        if (request.id === 'gone') return { id: '', properties: undefined, inputs: undefined };
        return { id: request.id, properties: { had: request.properties !== undefined }, inputs: {} };
      },
    });
    const read = (m: InstanceType<typeof providerMessages.ReadRequest>) =>
      unary<InstanceType<typeof providerMessages.ReadResponse>>((done) => client.read(m, done));
    const gone = await read(new providerMessages.ReadRequest().setUrn(URN).setId('gone'));
    expect([gone.getId(), gone.hasProperties(), gone.hasInputs()]).toEqual(['', false, false]);
    const imported = await read(new providerMessages.ReadRequest().setUrn(URN).setId('x'));
    expect(imported.getProperties() && fromStruct(imported.getProperties() as never)).toEqual({ had: false });
    expect(imported.hasInputs()).toBe(true);
    const known = await read(new providerMessages.ReadRequest().setUrn(URN).setId('x').setProperties(toStruct({})));
    expect(known.getProperties() && fromStruct(known.getProperties() as never)).toEqual({ had: true });
  });

  test('create asks for a refresh before the next update', async () => {
    const client = await serve({
      create: async (r) => ({ id: r.preview ? '' : 'i', properties: r.properties, refreshBeforeUpdate: true }),
    });
    const answer = await unary<InstanceType<typeof providerMessages.CreateResponse>>((done) =>
      client.create(new providerMessages.CreateRequest().setUrn(URN).setProperties(toStruct({ a: 1 })), done),
    );
    expect([answer.getId(), answer.getRefreshBeforeUpdate()]).toEqual(['i', true]);
  });
});

describe('errors', () => {
  const failWith = (error: unknown): ProviderHandlers => ({
    async check() {
      throw error;
    },
  });

  test.each([
    [
      'ProviderError with a code',
      new ProviderError('not reachable', { code: status.UNAVAILABLE }),
      14,
      'not reachable',
    ],
    ['any other error', new Error('boom'), 2, 'boom'],
    [
      'CordonError with hint',
      new CordonError('x', 'no nft', { hint: 'install nftables' }),
      2,
      'no nft\nhint: install nftables',
    ],
    ['something that is not an error', 'text', 2, 'text'],
  ])('%s', async (_, error, code, details) => {
    const client = await serve(failWith(error));
    await expect(unary((done) => client.check(checkMessage(), done))).rejects.toMatchObject({ code, details });
  });

  test('a message too long for a trailer is cut, and the whole of it logged', async () => {
    const log = await startLogCollector();
    cleanups.push(() => log.stop());
    const long = 'ü'.repeat(MAX_STATUS_MESSAGE + 1);
    const client = await serve(failWith(new Error(long)), log);
    await expect(unary((done) => client.check(checkMessage(), done))).rejects.toMatchObject({
      code: 2,
      details: `${'ü'.repeat(MAX_STATUS_MESSAGE)}… (cut; the full text was logged)`,
    });
    expect(log.entries).toEqual([{ severity: 'error', message: long, urn: URN }]);
  });

  test('a half-done create hands over what it left', async () => {
    const client = await serve({
      async create() {
        throw new InitFailedError({ id: 'i', properties: { a: 1 }, inputs: { a: 2 }, reasons: ['timer', 'probe'] });
      },
    });
    const error = await unary((done) => client.create(new providerMessages.CreateRequest().setUrn(URN), done)).catch(
      (e: unknown) => e,
    );
    const [raw] = (error as { metadata: { get(k: string): Buffer[] } }).metadata.get('grpc-status-details-bin');
    const envelope = statusMessages.Status.deserializeBinary(raw ?? Buffer.alloc(0));
    expect(envelope.getMessage()).toBe('timer; probe');
    const left = envelope
      .getDetailsList()[0]
      ?.unpack(providerMessages.ErrorResourceInitFailed.deserializeBinary, 'pulumirpc.ErrorResourceInitFailed');
    expect(left?.getId()).toBe('i');
    expect(left?.getReasonsList()).toEqual(['timer', 'probe']);
    expect(left?.getProperties() && fromStruct(left.getProperties() as never)).toEqual({ a: 1 });
    expect(left?.getInputs() && fromStruct(left.getInputs() as never)).toEqual({ a: 2 });
  });
});

describe('context', () => {
  test('log lines carry the urn of the call', async () => {
    const log = await startLogCollector();
    cleanups.push(() => log.stop());
    const client = await serve(
      {
        async check(request, context) {
          await context.log('warning', 'careful');
          return { inputs: request.news };
        },
      },
      log,
    );
    await unary((done) => client.check(checkMessage(), done));
    expect(log.entries).toEqual([{ severity: 'warning', message: 'careful', urn: URN }]);
  });

  test('Cancel aborts the calls that run', async () => {
    const client = await serve({
      create: (_, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new ProviderError('undone', { code: status.CANCELLED })));
        }),
    });
    const running = unary((done) => client.create(new providerMessages.CreateRequest().setUrn(URN), done)).catch(
      (error: unknown) => error,
    );
    await unary((done) => client.cancel(new emptyMessages.Empty(), done));
    expect(await running).toMatchObject({ code: status.CANCELLED, details: 'undone' });
  });

  test('finish lets a running call undo its work and answer', async () => {
    const provider = await startProvider(
      {
        name: 'demo',
        version: '1.0.0',
        handlers: {
          create: async (_, { signal }) => {
            await new Promise((resolve) => signal.addEventListener('abort', resolve));
            await new Promise((resolve) => setTimeout(resolve, 100));
            throw new ProviderError('rolled back');
          },
        },
      },
      undefined,
    );
    const client = connectProvider(provider.port);
    cleanups.push(() => client.close());
    const running = unary((done) => client.create(new providerMessages.CreateRequest().setUrn(URN), done)).catch(
      (error: unknown) => error,
    );
    await expect.poll(() => unary((done) => client.getPluginInfo(new emptyMessages.Empty(), done))).toBeDefined();
    await provider.finish(5_000);
    expect(await running).toMatchObject({ details: 'rolled back' });
  });
});
