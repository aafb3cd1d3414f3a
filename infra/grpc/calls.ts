import type {
  ConstructRequest,
  GetSchemaRequest,
  InvokeRequest as InvokeMessage,
  ListRequest,
} from '@pulumi/pulumi/proto/provider_pb.js';
import * as messages from './messages.ts';
import { emptyMessages, providerMessages } from './proto.ts';
import type { CallContext, InvokeRequest, ProviderHandlers } from './provider.ts';
import { fromOptionalStruct } from './struct.ts';

/** One RPC: protocol message in, protocol message out; throws what becomes the call's status. */
export type Answer = (message: unknown, context: CallContext) => Promise<unknown>;

/** The RPCs that the handlers implement, by method key of the generated service; undefined = not implemented. */
export function callsOf(h: ProviderHandlers): Readonly<Record<string, Answer | undefined>> {
  return {
    handshake: call(h.handshake?.bind(h), messages.handshakeRequest, messages.handshakeResponse),
    getSchema: call(
      h.getSchema?.bind(h),
      (m: GetSchemaRequest) => m.getVersion(),
      (schema) => new providerMessages.GetSchemaResponse().setSchema(schema),
    ),
    checkConfig: call(h.checkConfig?.bind(h), messages.checkRequest, messages.checkResponse),
    diffConfig: call(h.diffConfig?.bind(h), messages.diffRequest, messages.diffResponse),
    configure: call(h.configure?.bind(h), messages.configureRequest, messages.configureResponse),
    check: call(h.check?.bind(h), messages.checkRequest, messages.checkResponse),
    diff: call(h.diff?.bind(h), messages.diffRequest, messages.diffResponse),
    create: call(h.create?.bind(h), messages.createRequest, messages.createResponse),
    read: call(h.read?.bind(h), messages.readRequest, messages.readResponse),
    update: call(h.update?.bind(h), messages.updateRequest, messages.updateResponse),
    delete: call(h.delete?.bind(h), messages.deleteRequest, () => new emptyMessages.Empty()),
    invoke: call(h.invoke?.bind(h), invokeRequest, messages.invokeResponse),
    construct: call(h.construct?.bind(h), (m: ConstructRequest) => m.getType(), nothing),
    list: call(h.list?.bind(h), (m: ListRequest) => m.getToken(), nothing),
  };
}

function call<Message, Request, Result>(
  handler: ((request: Request, context: CallContext) => Promise<Result>) | undefined,
  decode: (message: Message) => Request,
  encode: (result: Result) => unknown,
): Answer | undefined {
  if (handler === undefined) return undefined;
  // The generated service has decoded the message as the type that belongs to the method.
  return async (message, context) => encode(await handler(decode(message as Message), context));
}

function invokeRequest(m: InvokeMessage): InvokeRequest {
  return { token: m.getTok(), args: fromOptionalStruct(m.getArgs()) ?? {}, preview: m.getPreview() };
}

/** For the calls that can only refuse. */
function nothing(result: never): never {
  return result;
}
