import { status } from '@grpc/grpc-js';
import { CordonError } from '../../src/source/error.ts';
import type { PropertyObject } from './property-value.ts';

export { status };

/** A failed call. The engine prints the message and stops at this resource. */
export class ProviderError extends CordonError {
  /** gRPC status code; providers mostly answer UNKNOWN (2), which the engine prints without decoration. */
  readonly status: number;

  constructor(message: string, options: { code?: number; cause?: unknown; hint?: string } = {}) {
    super('provider-call-failed', message, options);
    this.name = 'ProviderError';
    this.status = options.code ?? status.UNKNOWN;
  }
}

/**
 * A create, update or read that left something behind but did not finish: the engine keeps the given id and properties
 * in state, marks the resource as failed to initialise, and repairs it with the next update (pulumi
 * sdk/go/common/resource/plugin/provider_plugin.go: resourceStateAndError; provider.proto: ErrorResourceInitFailed).
 */
export class InitFailedError extends ProviderError {
  readonly id: string;
  readonly properties: PropertyObject;
  readonly inputs: PropertyObject;
  readonly reasons: readonly string[];

  constructor(left: { id: string; properties: PropertyObject; inputs: PropertyObject; reasons: readonly string[] }) {
    super(left.reasons.join('; '));
    this.name = 'InitFailedError';
    this.id = left.id;
    this.properties = left.properties;
    this.inputs = left.inputs;
    this.reasons = left.reasons;
  }
}
