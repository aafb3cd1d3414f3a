import { describe, expect, test } from 'vitest';
import {
  engineMessages,
  engineService,
  languageMessages,
  languageService,
  providerMessages,
  providerService,
} from '../../../infra/grpc/proto.ts';

/*
 * @pulumi/pulumi/proto is not a documented interface. When one of these fails after an update of the SDK: read what
 * changed in provider.proto or language.proto, adapt infra/grpc, then this list.
 */
const unaryMethods = (service: object) =>
  Object.values(service as Record<string, { path: string; requestStream: boolean; responseStream: boolean }>)
    .filter((m) => !m.requestStream && !m.responseStream)
    .map((m) => m.path.split('/').at(-1))
    .sort();

describe('services', () => {
  test('provider', () => {
    expect(unaryMethods(providerService.ResourceProviderService)).toEqual(
      (
        'Attach Call Cancel Check CheckConfig Configure Construct Create Delete Diff DiffConfig GetMapping GetMappings ' +
        'GetPluginInfo GetSchema Handshake Invoke Parameterize Read Update'
      ).split(' '),
    );
  });

  test('language host', () => {
    expect(unaryMethods(languageService.LanguageRuntimeService)).toEqual(
      (
        'About Cancel GeneratePackage GenerateProgram GenerateProject GetPluginInfo GetProgramDependencies ' +
        'GetRequiredPackages GetRequiredPlugins Handshake Link Pack Run RuntimeOptionsPrompts Template'
      ).split(' '),
    );
  });

  test('engine', () => {
    expect(unaryMethods(engineService.EngineService)).toEqual(
      'GetRootResource Log RequirePulumiVersion SetRootResource StartDebugging'.split(' '),
    );
  });
});

describe('messages have the fields that the adapters use, and no field of a resource call that they do not know', () => {
  const fields = (message: { toObject(): object }) => Object.keys(message.toObject()).sort();

  test.each([
    [new providerMessages.CheckRequest(), 'autonaming name news olds randomseed type urn'],
    [new providerMessages.CheckResponse(), 'failuresList inputs'],
    [new providerMessages.DiffRequest(), 'id ignorechangesList name news oldInputs olds type urn'],
    [
      new providerMessages.DiffResponse(),
      'changes deletebeforereplace detaileddiffMap diffsList hasdetaileddiff replacesList stablesList',
    ],
    [
      new providerMessages.CreateRequest(),
      'name preview properties resourceStatusAddress resourceStatusToken timeout type urn',
    ],
    [new providerMessages.CreateResponse(), 'id properties refreshBeforeUpdate'],
    [
      new providerMessages.ReadRequest(),
      'id inputs name oldViewsList properties resourceStatusAddress resourceStatusToken timeout type urn',
    ],
    [new providerMessages.ReadResponse(), 'id inputs properties refreshBeforeUpdate'],
    [
      new providerMessages.UpdateRequest(),
      'id ignorechangesList name news oldInputs oldViewsList olds preview resourceStatusAddress resourceStatusToken timeout type urn',
    ],
    [new providerMessages.UpdateResponse(), 'properties refreshBeforeUpdate'],
    [
      new providerMessages.DeleteRequest(),
      'id name oldInputs oldViewsList properties resourceStatusAddress resourceStatusToken timeout type urn',
    ],
    [
      new providerMessages.ConfigureRequest(),
      'acceptresources acceptsecrets args id name sendsOldInputs sendsOldInputsToDelete type urn variablesMap',
    ],
    [new providerMessages.ErrorResourceInitFailed(), 'id inputs properties reasonsList refreshBeforeUpdate'],
    [engineMessages.LogRequest.deserializeBinary(new Uint8Array()), 'ephemeral message severity streamid urn'],
    [
      new languageMessages.RunRequest(),
      'argsList attachDebugger configMap configpropertymap configsecretkeysList dryrun info loaderTarget mapperTarget ' +
        'monitorAddress organization parallel program project pwd querymode stack',
    ],
    [
      new languageMessages.RunPluginRequest(),
      'argsList attachDebugger envList info kind loaderTarget name program pwd',
    ],
  ])('%#', (message, expected) => {
    expect(fields(message)).toEqual(expected.split(' ').sort());
  });
});
