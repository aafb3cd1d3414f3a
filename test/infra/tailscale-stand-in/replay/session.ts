import type { LogCollector } from '../../../../infra/grpc/client.ts';
import { connectProvider, startLogCollector } from '../../../../infra/grpc/client.ts';
import { ProviderError } from '../../../../infra/grpc/errors.ts';
import { withoutSecrets } from '../../../../infra/grpc/property-value.ts';
import type { RunningProvider } from '../../../../infra/grpc/serve.ts';
import { startProvider } from '../../../../infra/grpc/serve.ts';
import { tailscaleStandIn } from '../../../../infra/tailscale-stand-in/stand-in.ts';
import type { ApiDouble } from './api-double.ts';
import { startApiDouble } from './api-double.ts';
import { performCall } from './calls.ts';
import type { Json, RecordedCall } from './recording.ts';
import { fromRecorded, replaceText, toRecorded } from './values.ts';

/** Configuration that the recorder gave the plugin at the start of every phase. */
export const STANDARD_CONFIG: Json = {
  apiKey: { $secret: 'tskey-api-good' },
  baseUrl: 'http://api.test',
  tailnet: '-',
  version: '0.29.0',
};

/** What one replayed call did, in recorded form. */
export interface Replayed {
  readonly response: Json | undefined;
  readonly error: { code: number; message: string } | undefined;
  readonly log: readonly { severity: string; message: string; urn?: string }[];
  readonly exitCode: number | undefined;
}

/** One phase of the recording being replayed against a stand-in of its own. */
export class ReplaySession {
  readonly api: ApiDouble;
  readonly environment: NodeJS.ProcessEnv = {};
  readonly #log: LogCollector;
  readonly #records = new Map<number, { request: Json; response: Json | undefined }>();
  readonly #ids = new Map<string, string>();
  #provider: RunningProvider | undefined;
  #client: ReturnType<typeof connectProvider> | undefined;
  #exitCode: number | undefined;

  private constructor(api: ApiDouble, log: LogCollector) {
    this.api = api;
    this.#log = log;
  }

  static async start(): Promise<ReplaySession> {
    const session = new ReplaySession(await startApiDouble(), await startLogCollector());
    await session.restart();
    return session;
  }

  /** A new plugin process: nothing is configured. */
  async restart(): Promise<void> {
    this.#stopProvider();
    const definition = tailscaleStandIn({
      version: '0.29.0',
      environment: this.environment,
      exit: (code) => {
        this.#exitCode = code;
        throw new ProviderError('<connection lost>', { code: 14 });
      },
    });
    this.#provider = await startProvider(definition, this.#log.address);
    this.#client = connectProvider(this.#provider.port);
  }

  async configure(args: Json): Promise<void> {
    const answer = await this.#perform('Configure', '', { args });
    if (answer.error !== undefined) throw new Error(answer.error.message);
  }

  /** Replays one call: queues the recorded replies, sends the request with its references resolved. */
  async replay(call: RecordedCall, type: string): Promise<Replayed> {
    this.api.seen.length = 0;
    this.api.replies.length = 0;
    this.api.replies.push(...call.http.map((e) => e.reply));
    const request = this.#resolve(call.request ?? {});
    const answer = await this.#perform(call.method, type, request as Record<string, Json>);
    this.#learnIds(call.response, answer.response);
    this.#records.set(call.n, { request, response: answer.response });
    return answer;
  }

  /** The recorded response as it would be here: ids as they were answered, references looked up. */
  expected(recorded: Json | undefined): Json | undefined {
    return recorded === undefined ? undefined : this.#resolve(recorded);
  }

  stop(): void {
    this.#stopProvider();
    this.#log.stop();
    this.api.stop();
  }

  async #perform(method: string, type: string, request: Record<string, Json>): Promise<Replayed> {
    if (this.#client === undefined) throw new Error('not started');
    this.#log.entries.length = 0;
    this.#exitCode = undefined;
    let response: Json | undefined;
    let error: Replayed['error'];
    try {
      const sent = replaceText(request, (t) => t.replaceAll('http://api.test', this.api.url));
      response = this.#asRecorded(await performCall(this.#client, method, type, sent as Record<string, Json>));
    } catch (thrown) {
      const { code, details } = thrown as { code?: number; details?: string };
      if (code === undefined || details === undefined) throw thrown;
      error = { code, message: this.#asRecorded(details) as string };
    }
    const log = this.#log.entries.filter((e) => !e.message.startsWith('stand-in for the Tailscale provider plugin'));
    const lines = log.map((e) => ({ ...e, message: this.#asRecorded(e.message) as string }));
    return { response, error, log: lines, exitCode: this.#exitCode };
  }

  #asRecorded(value: Json): Json {
    return replaceText(value, (t) => t.replaceAll(this.api.url, 'http://api.test'));
  }

  /** `{"$inputsOf": n}` and the like, and ids in angle brackets, in a request or an expectation. */
  #resolve(value: Json, field = ''): Json {
    if (typeof value === 'string') return this.#ids.get(value) ?? value;
    if (Array.isArray(value)) return value.map((item) => this.#resolve(item));
    if (typeof value !== 'object' || value === null) return value;
    const reference = (key: string) => this.#records.get(Number(value[key]));
    if ('$propertiesOf' in value) return stripped(fieldOf(reference('$propertiesOf')?.response, 'properties'));
    if ('$inputsOf' in value) {
      const { request = {} } = reference('$inputsOf') ?? {};
      return fieldOf(request, 'news') ?? fieldOf(request, 'properties') ?? {};
    }
    if ('$sameAs' in value) return fieldOf(reference('$sameAs')?.response, field) ?? {};
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, this.#resolve(v, k)]));
  }

  /** Random ids are compared by where they turn up again. */
  #learnIds(recorded: Json | undefined, answered: Json | undefined): void {
    const id = fieldOf(recorded, 'id');
    const actual = fieldOf(answered, 'id');
    if (typeof id === 'string' && /^<uuid:\d+>$/.test(id) && typeof actual === 'string' && !this.#ids.has(id)) {
      if (/^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(actual)) this.#ids.set(id, actual);
    }
  }

  #stopProvider(): void {
    this.#client?.close();
    this.#provider?.stop();
  }
}

function fieldOf(value: Json | undefined, field: string): Json | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value[field] : undefined;
}

/** The engine takes secrets off what it sends to this plugin. */
function stripped(value: Json | undefined): Json {
  return toRecorded(withoutSecrets(fromRecorded(value ?? {})));
}
