import type { LogEntry } from './engine-log.ts';
import type { PropertyObject } from './property-value.ts';

/** What every handler gets beside its request. */
export interface CallContext {
  /** Writes to the engine's display, for the resource of this call. */
  log(severity: LogEntry['severity'], message: string): Promise<void>;
  /** Aborted when the engine cancels (Ctrl-C): finish or undo what was begun, start nothing new. */
  readonly signal: AbortSignal;
}

/** The resource a call is about. */
interface ResourceCall {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
}

export interface HandshakeRequest {
  readonly engineAddress: string;
  readonly rootDirectory: string | undefined;
  readonly programDirectory: string | undefined;
  /** The engine honours `refreshBeforeUpdate`. */
  readonly supportsRefreshBeforeUpdate: boolean;
}

/** What the provider can take; a feature that is not offered is translated away by the engine. */
export interface ProviderFeatures {
  readonly acceptSecrets?: boolean;
  readonly acceptResources?: boolean;
  readonly supportsPreview?: boolean;
  readonly supportsAutonamingConfiguration?: boolean;
}

export interface ConfigureRequest {
  /** Provider configuration with its types; older engines and SDKs send nested values as JSON text. */
  readonly args: PropertyObject;
  /** The same as `NAMESPACE:config:KEY` strings. */
  readonly variables: Readonly<Record<string, string>>;
  readonly acceptSecrets: boolean;
  readonly acceptResources: boolean;
}

export interface CheckRequest extends ResourceCall {
  /** Inputs of the last update; undefined for a new resource. */
  readonly olds: PropertyObject | undefined;
  readonly news: PropertyObject;
  /** Stable for one resource and update: source of generated names. */
  readonly randomSeed: Uint8Array;
}

export interface CheckFailure {
  /** Path of the property, such as `rules[3].proto`; absent if the failure is about the whole. */
  readonly property?: string;
  readonly reason: string;
}

export interface CheckResult {
  readonly inputs: PropertyObject;
  /** Any failure stops the update before it starts. */
  readonly failures?: readonly CheckFailure[];
}

export interface DiffRequest extends ResourceCall {
  readonly id: string;
  /** Outputs in state. */
  readonly olds: PropertyObject;
  /** Inputs that Check answered. */
  readonly news: PropertyObject;
  readonly oldInputs: PropertyObject | undefined;
  /** Property paths under `ignoreChanges`. */
  readonly ignoreChanges: readonly string[];
}

export type DiffKind = 'add' | 'add-replace' | 'delete' | 'delete-replace' | 'update' | 'update-replace';

export interface DiffResult {
  readonly changes: 'none' | 'some' | 'unknown';
  /** Names of the top-level properties that differ. */
  readonly diffs?: readonly string[];
  /** Names of the properties whose change needs a replacement. */
  readonly replaces?: readonly string[];
  /** Names of outputs that will stay the same through the update. */
  readonly stables?: readonly string[];
  readonly deleteBeforeReplace?: boolean;
  /**
   * By property path (`ruleset.rules[3]`): what the engine shows. `inputDiff` = the path is one of the inputs, compare
   * old and new inputs rather than old state and new inputs.
   */
  readonly detailedDiff?: Readonly<Record<string, { readonly kind: DiffKind; readonly inputDiff?: boolean }>>;
}

export interface CreateRequest extends ResourceCall {
  readonly properties: PropertyObject;
  /** Nothing may be changed; answer what would be, with unknowns. */
  readonly preview: boolean;
  /** `customTimeouts` of the resource in seconds; 0 = not given. */
  readonly timeoutSeconds: number;
}

export interface CreateResult {
  /** Never empty, except in a preview. */
  readonly id: string;
  readonly properties: PropertyObject;
  /** Asks the engine to read the resource before it compares, even without --refresh. */
  readonly refreshBeforeUpdate?: boolean;
}

export interface ReadRequest extends ResourceCall {
  readonly id: string;
  /** Outputs in state; undefined when importing by id. */
  readonly properties: PropertyObject | undefined;
  readonly inputs: PropertyObject | undefined;
}

export interface ReadResult {
  /** Empty = the resource is gone. Not reachable is an error, never "gone". */
  readonly id: string;
  readonly properties: PropertyObject | undefined;
  readonly inputs: PropertyObject | undefined;
  readonly refreshBeforeUpdate?: boolean;
}

export interface UpdateRequest extends DiffRequest {
  readonly preview: boolean;
  readonly timeoutSeconds: number;
}

export interface UpdateResult {
  readonly properties: PropertyObject;
  readonly refreshBeforeUpdate?: boolean;
}

export interface DeleteRequest extends ResourceCall {
  readonly id: string;
  readonly properties: PropertyObject;
  readonly oldInputs: PropertyObject | undefined;
  readonly timeoutSeconds: number;
}

export interface InvokeRequest {
  readonly token: string;
  readonly args: PropertyObject;
  readonly preview: boolean;
}

export interface InvokeResult {
  readonly result: PropertyObject;
  readonly failures?: readonly CheckFailure[];
}

/**
 * A provider in terms of plain values. A handler that is left out answers UNIMPLEMENTED, which the engine takes as
 * "does not have it" for handshake, getSchema, getMapping and parameterize. Handlers run concurrently for different
 * resources. Whatever a handler throws becomes the call's error; see ProviderError and InitFailedError.
 */
export interface ProviderHandlers {
  handshake?(request: HandshakeRequest, context: CallContext): Promise<ProviderFeatures>;
  /** JSON text of the package schema. */
  getSchema?(version: number, context: CallContext): Promise<string>;
  checkConfig?(request: CheckRequest, context: CallContext): Promise<CheckResult>;
  diffConfig?(request: DiffRequest, context: CallContext): Promise<DiffResult>;
  configure?(request: ConfigureRequest, context: CallContext): Promise<ProviderFeatures>;
  check?(request: CheckRequest, context: CallContext): Promise<CheckResult>;
  diff?(request: DiffRequest, context: CallContext): Promise<DiffResult>;
  create?(request: CreateRequest, context: CallContext): Promise<CreateResult>;
  read?(request: ReadRequest, context: CallContext): Promise<ReadResult>;
  update?(request: UpdateRequest, context: CallContext): Promise<UpdateResult>;
  delete?(request: DeleteRequest, context: CallContext): Promise<void>;
  invoke?(request: InvokeRequest, context: CallContext): Promise<InvokeResult>;
  construct?(type: string, context: CallContext): Promise<never>;
  list?(token: string, context: CallContext): Promise<never>;
}

/** A provider plugin: what it is called, and what it does. */
export interface ProviderDefinition {
  /** Package name, the first part of its resource types. */
  readonly name: string;
  readonly version: string;
  readonly handlers: ProviderHandlers;
}
