import type { ServiceError } from '@grpc/grpc-js';
import { Metadata } from '@grpc/grpc-js';
import { CordonError } from '../../src/source/error.ts';
import { InitFailedError, ProviderError, status } from './errors.ts';
import { anyMessages, providerMessages, statusMessages } from './proto.ts';
import { toStruct } from './struct.ts';

/**
 * Longest status message we send, in UTF-16 code units. Status messages travel in an HTTP/2 trailer, whose size both
 * sides limit (Node's http2 to 64 kB once encoded; each byte outside ASCII is sent as three), and a trailer that is too
 * long turns into a broken stream without any message.
 */
export const MAX_STATUS_MESSAGE = 4000;

/** The gRPC form of whatever a handler threw, and the full text if the status message had to be cut. */
export function toServiceError(error: unknown): { status: Partial<ServiceError>; fullText: string | undefined } {
  const text = messageOf(error);
  const cut = text.length > MAX_STATUS_MESSAGE;
  const details = cut ? `${text.slice(0, MAX_STATUS_MESSAGE)}… (cut; the full text was logged)` : text;
  const code = error instanceof ProviderError ? error.status : status.UNKNOWN;
  const metadata = new Metadata();
  if (error instanceof InitFailedError) {
    metadata.set('grpc-status-details-bin', initFailedDetails(error, code, details));
  }
  return { status: { code, details, metadata }, fullText: cut ? text : undefined };
}

function messageOf(error: unknown): string {
  if (error instanceof CordonError && error.hint !== undefined) return `${error.message}\nhint: ${error.hint}`;
  return error instanceof Error ? error.message : String(error);
}

function initFailedDetails(error: InitFailedError, code: number, message: string): Buffer {
  const detail = new providerMessages.ErrorResourceInitFailed();
  detail.setId(error.id);
  detail.setProperties(toStruct(error.properties));
  detail.setInputs(toStruct(error.inputs));
  detail.setReasonsList([...error.reasons]);
  const any = new anyMessages.Any();
  any.pack(detail.serializeBinary(), 'pulumirpc.ErrorResourceInitFailed');
  const envelope = new statusMessages.Status();
  envelope.setCode(code);
  envelope.setMessage(message);
  envelope.setDetailsList([any]);
  return Buffer.from(envelope.serializeBinary());
}
