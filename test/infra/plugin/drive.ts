import type { ServiceError } from '@grpc/grpc-js';
import { connectProvider, unary } from '../../../infra/grpc/client.ts';
import type { PropertyObject } from '../../../infra/grpc/property-value.ts';
import { providerMessages } from '../../../infra/grpc/proto.ts';
import { startProvider } from '../../../infra/grpc/serve.ts';
import { fromOptionalStruct, toStruct } from '../../../infra/grpc/struct.ts';
import type { PolicyParts } from '../../../infra/plugin/policy-inputs.ts';
import { cordonProvider } from '../../../infra/plugin/provider.ts';

/** The engine's side of one resource type of our plugin, in plain values, over real gRPC. */
export interface Driver {
  check(news: PropertyObject): Promise<{ inputs: PropertyObject; failures: { property: string; reason: string }[] }>;
  diff(olds: PropertyObject, news: PropertyObject): Promise<Difference>;
  create(properties: PropertyObject, preview?: boolean): Promise<{ id: string; properties: PropertyObject }>;
  /** @param inputs as in state; the same as `state` where a type has no outputs of its own */
  read(id: string, state?: PropertyObject, inputs?: PropertyObject): Promise<ReadAnswer>;
  update(id: string, olds: PropertyObject, news: PropertyObject, preview?: boolean): Promise<PropertyObject>;
  remove(id: string, properties: PropertyObject): Promise<void>;
  stop(): void;
}

export interface Difference {
  readonly changed: boolean;
  /** `add|delete|update[-replace] PATH`, sorted. */
  readonly details: readonly string[];
  readonly replaces: readonly string[];
}

export interface ReadAnswer {
  readonly id: string;
  readonly properties: PropertyObject;
  readonly inputs: PropertyObject;
  readonly refreshBeforeUpdate: boolean;
}

const NOT_NEEDED: PolicyParts = {
  readLivePolicy: () => Promise.reject(new Error('no tailnet in this test')),
  describeDifference: () => '',
};

/** Starts the plugin's server and drives resources of `type`, all with the same name. */
export async function drive(type: string, parts: PolicyParts = NOT_NEEDED, name = 'subject'): Promise<Driver> {
  const provider = await startProvider(cordonProvider(parts), undefined);
  const client = connectProvider(provider.port);
  const urn = `urn:pulumi:dev::cordon::${type}::${name}`;
  return {
    async check(news) {
      const request = new providerMessages.CheckRequest().setUrn(urn).setNews(toStruct(news));
      const answer = await unary<InstanceType<typeof providerMessages.CheckResponse>>((done) =>
        client.check(request, done),
      );
      const failures = answer.getFailuresList().map((f) => ({ property: f.getProperty(), reason: f.getReason() }));
      return { inputs: fromOptionalStruct(answer.getInputs()) ?? {}, failures };
    },
    async diff(olds, news) {
      const request = new providerMessages.DiffRequest()
        .setUrn(urn)
        .setId('id')
        .setOlds(toStruct(olds))
        .setNews(toStruct(news));
      const answer = await unary<InstanceType<typeof providerMessages.DiffResponse>>((done) =>
        client.diff(request, done),
      );
      const kinds = Object.entries(providerMessages.PropertyDiff.Kind);
      const found: string[] = [];
      answer.getDetaileddiffMap().forEach((value, path) => {
        const kind = kinds.find(([, number]) => number === value.getKind())?.[0] ?? '?';
        found.push(`${kind.toLowerCase().replace('_', '-')} ${path}`);
      });
      const changed = answer.getChanges() === providerMessages.DiffResponse.DiffChanges.DIFF_SOME;
      return { changed, details: found.sort(), replaces: answer.getReplacesList() };
    },
    async create(properties, preview = false) {
      const request = new providerMessages.CreateRequest()
        .setUrn(urn)
        .setProperties(toStruct(properties))
        .setPreview(preview);
      const answer = await unary<InstanceType<typeof providerMessages.CreateResponse>>((done) =>
        client.create(request, done),
      );
      return { id: answer.getId(), properties: fromOptionalStruct(answer.getProperties()) ?? {} };
    },
    async read(id, state, inputs = state) {
      const request = new providerMessages.ReadRequest().setUrn(urn).setId(id);
      if (state !== undefined) request.setProperties(toStruct(state));
      if (inputs !== undefined) request.setInputs(toStruct(inputs));
      const answer = await unary<InstanceType<typeof providerMessages.ReadResponse>>((done) =>
        client.read(request, done),
      );
      return {
        id: answer.getId(),
        properties: fromOptionalStruct(answer.getProperties()) ?? {},
        inputs: fromOptionalStruct(answer.getInputs()) ?? {},
        refreshBeforeUpdate: answer.getRefreshBeforeUpdate(),
      };
    },
    async update(id, olds, news, preview = false) {
      const request = new providerMessages.UpdateRequest()
        .setUrn(urn)
        .setId(id)
        .setOlds(toStruct(olds))
        .setNews(toStruct(news))
        .setPreview(preview);
      const answer = await unary<InstanceType<typeof providerMessages.UpdateResponse>>((done) =>
        client.update(request, done),
      );
      return fromOptionalStruct(answer.getProperties()) ?? {};
    },
    async remove(id, properties) {
      const request = new providerMessages.DeleteRequest().setUrn(urn).setId(id).setProperties(toStruct(properties));
      await unary((done) => client.delete(request, done));
    },
    stop() {
      client.close();
      provider.stop();
    },
  };
}

/** The message of a failed call. */
export async function failureText(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (error) {
    return (error as ServiceError).details;
  }
  throw new Error('the call was expected to fail');
}
