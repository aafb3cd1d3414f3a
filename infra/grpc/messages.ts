import type {
  CheckRequest as CheckMessage,
  ConfigureRequest as ConfigureMessage,
  CreateRequest as CreateMessage,
  DeleteRequest as DeleteMessage,
  DiffRequest as DiffMessage,
  ProviderHandshakeRequest as HandshakeMessage,
  ReadRequest as ReadMessage,
  UpdateRequest as UpdateMessage,
} from '@pulumi/pulumi/proto/provider_pb.js';
import { providerMessages } from './proto.ts';
import type {
  CheckFailure,
  CheckRequest,
  CheckResult,
  ConfigureRequest,
  CreateRequest,
  CreateResult,
  DeleteRequest,
  DiffKind,
  DiffRequest,
  DiffResult,
  HandshakeRequest,
  InvokeResult,
  ProviderFeatures,
  ReadRequest,
  ReadResult,
  UpdateRequest,
  UpdateResult,
} from './provider.ts';
import { fromOptionalStruct, toStruct } from './struct.ts';

/*
 * Protocol messages to and from the plain requests and results of provider.ts. The outgoing ones set only what the
 * result has, so that absent and empty stay different on the wire.
 */

export function handshakeRequest(m: HandshakeMessage): HandshakeRequest {
  return {
    engineAddress: m.getEngineAddress(),
    rootDirectory: m.hasRootDirectory() ? m.getRootDirectory() : undefined,
    programDirectory: m.hasProgramDirectory() ? m.getProgramDirectory() : undefined,
    supportsRefreshBeforeUpdate: m.getSupportsRefreshBeforeUpdate(),
  };
}

export function configureRequest(m: ConfigureMessage): ConfigureRequest {
  return {
    args: fromOptionalStruct(m.getArgs()) ?? {},
    variables: Object.fromEntries(m.getVariablesMap().getEntryList()),
    acceptSecrets: m.getAcceptsecrets(),
    acceptResources: m.getAcceptresources(),
  };
}

export function checkRequest(m: CheckMessage): CheckRequest {
  return {
    ...resource(m),
    olds: fromOptionalStruct(m.getOlds()),
    news: fromOptionalStruct(m.getNews()) ?? {},
    randomSeed: m.getRandomseed_asU8(),
  };
}

export function diffRequest(m: DiffMessage): DiffRequest {
  return {
    ...resource(m),
    id: m.getId(),
    olds: fromOptionalStruct(m.getOlds()) ?? {},
    news: fromOptionalStruct(m.getNews()) ?? {},
    oldInputs: fromOptionalStruct(m.getOldInputs()),
    ignoreChanges: m.getIgnorechangesList(),
  };
}

export function createRequest(m: CreateMessage): CreateRequest {
  return {
    ...resource(m),
    properties: fromOptionalStruct(m.getProperties()) ?? {},
    preview: m.getPreview(),
    timeoutSeconds: m.getTimeout(),
  };
}

export function readRequest(m: ReadMessage): ReadRequest {
  return {
    ...resource(m),
    id: m.getId(),
    properties: fromOptionalStruct(m.getProperties()),
    inputs: fromOptionalStruct(m.getInputs()),
  };
}

export function updateRequest(m: UpdateMessage): UpdateRequest {
  return {
    ...resource(m),
    id: m.getId(),
    olds: fromOptionalStruct(m.getOlds()) ?? {},
    news: fromOptionalStruct(m.getNews()) ?? {},
    oldInputs: fromOptionalStruct(m.getOldInputs()),
    ignoreChanges: m.getIgnorechangesList(),
    preview: m.getPreview(),
    timeoutSeconds: m.getTimeout(),
  };
}

export function deleteRequest(m: DeleteMessage): DeleteRequest {
  return {
    ...resource(m),
    id: m.getId(),
    properties: fromOptionalStruct(m.getProperties()) ?? {},
    oldInputs: fromOptionalStruct(m.getOldInputs()),
    timeoutSeconds: m.getTimeout(),
  };
}

export function handshakeResponse(features: ProviderFeatures) {
  return new providerMessages.ProviderHandshakeResponse()
    .setAcceptSecrets(features.acceptSecrets ?? false)
    .setAcceptResources(features.acceptResources ?? false)
    .setSupportsAutonamingConfiguration(features.supportsAutonamingConfiguration ?? false);
}

export function configureResponse(features: ProviderFeatures) {
  return new providerMessages.ConfigureResponse()
    .setAcceptsecrets(features.acceptSecrets ?? false)
    .setSupportspreview(features.supportsPreview ?? false)
    .setAcceptresources(features.acceptResources ?? false)
    .setSupportsAutonamingConfiguration(features.supportsAutonamingConfiguration ?? false);
}

export function checkResponse(result: CheckResult) {
  return new providerMessages.CheckResponse()
    .setInputs(toStruct(result.inputs))
    .setFailuresList((result.failures ?? []).map(failure));
}

export function diffResponse(result: DiffResult) {
  const { DiffChanges } = providerMessages.DiffResponse;
  const message = new providerMessages.DiffResponse();
  message.setChanges(
    { none: DiffChanges.DIFF_NONE, some: DiffChanges.DIFF_SOME, unknown: DiffChanges.DIFF_UNKNOWN }[result.changes],
  );
  message.setDiffsList([...(result.diffs ?? [])]);
  message.setReplacesList([...(result.replaces ?? [])]);
  message.setStablesList([...(result.stables ?? [])]);
  message.setDeletebeforereplace(result.deleteBeforeReplace ?? false);
  if (result.detailedDiff !== undefined) {
    message.setHasdetaileddiff(true);
    for (const [path, diff] of Object.entries(result.detailedDiff)) {
      const entry = new providerMessages.PropertyDiff();
      entry.setKind(kindOf(diff.kind));
      entry.setInputdiff(diff.inputDiff ?? false);
      message.getDetaileddiffMap().set(path, entry);
    }
  }
  return message;
}

export function createResponse(result: CreateResult) {
  return new providerMessages.CreateResponse()
    .setId(result.id)
    .setProperties(toStruct(result.properties))
    .setRefreshBeforeUpdate(result.refreshBeforeUpdate ?? false);
}

export function readResponse(result: ReadResult) {
  const message = new providerMessages.ReadResponse().setId(result.id);
  if (result.properties !== undefined) message.setProperties(toStruct(result.properties));
  if (result.inputs !== undefined) message.setInputs(toStruct(result.inputs));
  return message.setRefreshBeforeUpdate(result.refreshBeforeUpdate ?? false);
}

export function updateResponse(result: UpdateResult) {
  return new providerMessages.UpdateResponse()
    .setProperties(toStruct(result.properties))
    .setRefreshBeforeUpdate(result.refreshBeforeUpdate ?? false);
}

export function invokeResponse(result: InvokeResult) {
  return new providerMessages.InvokeResponse()
    .setReturn(toStruct(result.result))
    .setFailuresList((result.failures ?? []).map(failure));
}

function resource(m: { getUrn(): string; getType(): string; getName(): string }) {
  const urn = m.getUrn();
  // urn:pulumi:STACK::PROJECT::PARENT$TYPE::NAME; engines before 3.148 sent only the urn.
  const parts = urn.split('::');
  const type = m.getType() || (parts[2]?.split('$').at(-1) ?? '');
  return { urn, type, name: m.getName() || parts.slice(3).join('::') };
}

function failure(f: CheckFailure) {
  return new providerMessages.CheckFailure().setProperty(f.property ?? '').setReason(f.reason);
}

function kindOf(kind: DiffKind) {
  const { Kind } = providerMessages.PropertyDiff;
  return {
    add: Kind.ADD,
    'add-replace': Kind.ADD_REPLACE,
    delete: Kind.DELETE,
    'delete-replace': Kind.DELETE_REPLACE,
    update: Kind.UPDATE,
    'update-replace': Kind.UPDATE_REPLACE,
  }[kind];
}
