/**
 * The one place that imports `@pulumi/pulumi/proto`. Official packages use these generated files, but Pulumi documents
 * none of them; what we rely on is checked by test/infra/grpc/proto-contract.test.ts whenever the SDK is updated.
 * They are CommonJS without static exports, so each is taken as a whole.
 */
import engineService from '@pulumi/pulumi/proto/engine_grpc_pb.js';
import engineMessages from '@pulumi/pulumi/proto/engine_pb.js';
import languageService from '@pulumi/pulumi/proto/language_grpc_pb.js';
import languageMessages from '@pulumi/pulumi/proto/language_pb.js';
import pluginMessages from '@pulumi/pulumi/proto/plugin_pb.js';
import providerService from '@pulumi/pulumi/proto/provider_grpc_pb.js';
import providerMessages from '@pulumi/pulumi/proto/provider_pb.js';
import statusMessages from '@pulumi/pulumi/proto/status_pb.js';
import anyMessages from 'google-protobuf/google/protobuf/any_pb.js';
import emptyMessages from 'google-protobuf/google/protobuf/empty_pb.js';
import structMessages from 'google-protobuf/google/protobuf/struct_pb.js';

export {
  anyMessages,
  emptyMessages,
  engineMessages,
  engineService,
  languageMessages,
  languageService,
  pluginMessages,
  providerMessages,
  providerService,
  statusMessages,
  structMessages,
};
