import { type connectProvider, unary } from '../../../../infra/grpc/client.ts';
import { emptyMessages, providerMessages as m } from '../../../../infra/grpc/proto.ts';
import { fromStruct, toStruct } from '../../../../infra/grpc/struct.ts';
import type { Json } from './recording.ts';
import { propertiesOf, toRecorded } from './values.ts';

type Client = ReturnType<typeof connectProvider>;
type Request = Readonly<Record<string, Json>>;
type Struct = Parameters<typeof fromStruct>[0];

const URN_PREFIX = 'urn:pulumi:dev::rec::';

/** Sends one recorded request and returns the response in recorded form, default values left out. */
export async function performCall(client: Client, method: string, type: string, request: Request): Promise<Json> {
  const send = CALLS[method];
  if (send === undefined) throw new Error(`no replay of ${method}`);
  return send(client, type, request);
}

const CALLS: Readonly<Record<string, (c: Client, type: string, r: Request) => Promise<Json>>> = {
  async Handshake(c) {
    await unary((done) => c.handshake(new m.ProviderHandshakeRequest(), done));
    return {};
  },
  async GetPluginInfo(c) {
    const answer = await unary<{ getVersion(): string }>((done) => c.getPluginInfo(new emptyMessages.Empty(), done));
    return { version: answer.getVersion() };
  },
  async Parameterize(c) {
    await unary((done) => c.parameterize(new m.ParameterizeRequest(), done));
    return {};
  },
  async Construct(c, type) {
    await unary((done) => c.construct(new m.ConstructRequest().setType(type), done));
    return {};
  },
  async List(c, _type, r) {
    const stream = c.list(new m.ListRequest().setToken(text(r['token'])));
    return new Promise((resolve, reject) => {
      stream.on('error', reject);
      stream.on('end', () => resolve({}));
      stream.on('data', () => {});
    });
  },
  async Cancel(c) {
    await unary((done) => c.cancel(new emptyMessages.Empty(), done));
    return {};
  },
  async Invoke(c, _type, r) {
    await unary((done) => c.invoke(new m.InvokeRequest().setTok(text(r['tok'])), done));
    return {};
  },
  async CheckConfig(c, _type, r) {
    const message = new m.CheckRequest().setUrn(`${URN_PREFIX}pulumi:providers:tailscale::tn`).setName('tn');
    setStruct(r['news'], (s) => message.setNews(s));
    setStruct(r['olds'], (s) => message.setOlds(s));
    return checked(await unary<InstanceType<typeof m.CheckResponse>>((done) => c.checkConfig(message, done)));
  },
  async DiffConfig(c, _type, r) {
    const message = new m.DiffRequest();
    setStruct(r['olds'], (s) => message.setOlds(s));
    setStruct(r['news'], (s) => message.setNews(s));
    setStruct(r['oldInputs'], (s) => message.setOldInputs(s));
    return diffed(await unary<InstanceType<typeof m.DiffResponse>>((done) => c.diffConfig(message, done)));
  },
  async Configure(c, _type, r) {
    const message = new m.ConfigureRequest()
      .setAcceptsecrets(r['acceptSecrets'] !== false)
      .setAcceptresources(r['acceptResources'] !== false);
    setStruct(r['args'], (s) => message.setArgs(s));
    const answer = await unary<InstanceType<typeof m.ConfigureResponse>>((done) => c.configure(message, done));
    return withoutDefaults({
      acceptSecrets: answer.getAcceptsecrets(),
      supportsPreview: answer.getSupportspreview(),
      acceptResources: answer.getAcceptresources(),
      supportsAutonamingConfiguration: answer.getSupportsAutonamingConfiguration(),
    });
  },
  async Check(c, type, r) {
    const message = new m.CheckRequest()
      .setUrn(`${URN_PREFIX}${type}::r`)
      .setType(type)
      .setName('r')
      .setRandomseed(new Uint8Array(32).fill(7));
    setStruct(r['news'], (s) => message.setNews(s));
    setStruct(r['olds'], (s) => message.setOlds(s));
    return checked(await unary<InstanceType<typeof m.CheckResponse>>((done) => c.check(message, done)));
  },
  async Diff(c, type, r) {
    const message = new m.DiffRequest().setUrn(`${URN_PREFIX}${type}::r`).setType(type).setName('r');
    message.setId(text(r['id'])).setIgnorechangesList(strings(r['ignoreChanges']));
    setStruct(r['olds'], (s) => message.setOlds(s));
    setStruct(r['news'], (s) => message.setNews(s));
    setStruct(r['oldInputs'], (s) => message.setOldInputs(s));
    return diffed(await unary<InstanceType<typeof m.DiffResponse>>((done) => c.diff(message, done)));
  },
  async Create(c, type, r) {
    const message = new m.CreateRequest().setUrn(`${URN_PREFIX}${type}::r`).setType(type).setName('r');
    message.setPreview(r['preview'] === true).setTimeout(typeof r['timeout'] === 'number' ? r['timeout'] : 0);
    setStruct(r['properties'], (s) => message.setProperties(s));
    const answer = await unary<InstanceType<typeof m.CreateResponse>>((done) => c.create(message, done));
    return withoutDefaults({ id: answer.getId(), properties: struct(answer.getProperties()) });
  },
  async Read(c, type, r) {
    const message = new m.ReadRequest().setUrn(`${URN_PREFIX}${type}::r`).setType(type).setName('r');
    message.setId(text(r['id']));
    setStruct(r['properties'], (s) => message.setProperties(s));
    setStruct(r['inputs'], (s) => message.setInputs(s));
    const answer = await unary<InstanceType<typeof m.ReadResponse>>((done) => c.read(message, done));
    return withoutDefaults({
      id: answer.getId(),
      properties: struct(answer.getProperties()),
      inputs: struct(answer.getInputs()),
    });
  },
  async Update(c, type, r) {
    const message = new m.UpdateRequest().setUrn(`${URN_PREFIX}${type}::r`).setType(type).setName('r');
    message
      .setId(text(r['id']))
      .setPreview(r['preview'] === true)
      .setIgnorechangesList(strings(r['ignoreChanges']));
    setStruct(r['olds'], (s) => message.setOlds(s));
    setStruct(r['news'], (s) => message.setNews(s));
    setStruct(r['oldInputs'], (s) => message.setOldInputs(s));
    const answer = await unary<InstanceType<typeof m.UpdateResponse>>((done) => c.update(message, done));
    return withoutDefaults({ properties: struct(answer.getProperties()) });
  },
  async Delete(c, type, r) {
    const message = new m.DeleteRequest().setUrn(`${URN_PREFIX}${type}::r`).setType(type).setName('r');
    message.setId(text(r['id']));
    setStruct(r['properties'], (s) => message.setProperties(s));
    setStruct(r['oldInputs'], (s) => message.setOldInputs(s));
    await unary((done) => c.delete(message, done));
    return {};
  },
};

function checked(answer: InstanceType<typeof m.CheckResponse>): Json {
  return withoutDefaults({
    inputs: struct(answer.getInputs()),
    failures: answer
      .getFailuresList()
      .map((f) => withoutDefaults({ property: f.getProperty(), reason: f.getReason() })),
  });
}

function diffed(answer: InstanceType<typeof m.DiffResponse>): Json {
  const detailed: Record<string, Json> = {};
  answer.getDetaileddiffMap().forEach((d, path) => {
    detailed[path] = { inputDiff: d.getInputdiff(), kind: nameOf(m.PropertyDiff.Kind, d.getKind()) };
  });
  return withoutDefaults({
    changes: nameOf(m.DiffResponse.DiffChanges, answer.getChanges()),
    diffs: answer.getDiffsList(),
    replaces: answer.getReplacesList(),
    stables: answer.getStablesList(),
    deleteBeforeReplace: answer.getDeletebeforereplace(),
    detailedDiff: Object.keys(detailed).length > 0 ? detailed : false,
    hasDetailedDiff: answer.getHasdetaileddiff(),
  });
}

function nameOf(names: object, value: number): string {
  return Object.entries(names).find(([, v]) => v === value)?.[0] ?? String(value);
}

function struct(value: unknown): Json | undefined {
  return value === undefined ? undefined : toRecorded(fromStruct(value as Struct));
}

function setStruct(recorded: Json | undefined, set: (s: Struct) => unknown): void {
  const properties = propertiesOf(recorded);
  if (properties !== undefined) set(toStruct(properties));
}

/** Leaves out what a message has when nothing was set: false, "", no elements, no message. */
function withoutDefaults(fields: Readonly<Record<string, Json | undefined>>): Json {
  const kept = Object.entries(fields).filter(
    (entry): entry is [string, Json] =>
      entry[1] !== undefined &&
      entry[1] !== false &&
      entry[1] !== '' &&
      !(Array.isArray(entry[1]) && entry[1].length === 0),
  );
  return Object.fromEntries(kept);
}

function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

function strings(value: Json | undefined): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
