import { CordonError } from '../source/error.ts';
import type { AnsweredRequest } from './app.ts';
import { emulatorApp } from './app.ts';
import type { EmulatorMode } from './context.ts';
import { faultBook } from './faults.ts';
import type { OauthClientOption } from './oauth.ts';
import type { EmulatorSeed } from './seed.ts';
import { initialState } from './seed.ts';
import type { EmulatorState } from './state.ts';
import { openStore } from './store.ts';
import { tokenBook } from './tokens.ts';

export interface EmulatorOptions {
  /** TCP port; 0 or none = any free one. */
  readonly port?: number;
  /** A loopback address; anything else is refused. Default 127.0.0.1. */
  readonly host?: string;
  /** The API key that is accepted. It is kept as a hash in memory and never written. */
  readonly key: string;
  /** Id of the emulated tailnet, such as `T1emulatedCNTRL`. */
  readonly tailnetId: string;
  /** OAuth clients that exist from the start; their secrets are treated like the key. */
  readonly oauthClients?: readonly OauthClientOption[];
  /** Where the state is kept; in memory if absent. An existing file wins over `seed`. */
  readonly stateFile?: string;
  /** Default strict. */
  readonly mode?: EmulatorMode;
  readonly seed?: EmulatorSeed;
  /** Clock, for times and token expiry. */
  readonly now?: () => Date;
  /** Called after each answer. */
  readonly onAnswer?: (request: AnsweredRequest) => void;
}

export interface RunningEmulator {
  /** `http://127.0.0.1:PORT`: the value for TAILSCALE_BASE_URL. */
  readonly url: string;
  /** The state of the moment. */
  readonly state: EmulatorState;
  /** Stops listening and ends open connections. */
  close(): Promise<void>;
}

/** The address to bind for `host`. @throws CordonError unless it is loopback */
function loopbackAddress(host: string): string {
  if (host === 'localhost') return '127.0.0.1';
  if (host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host)) return host;
  throw new CordonError('emulator-not-loopback', `the tailnet emulator does not listen on ${host}`, {
    hint: 'It takes no part in any real tailnet and checks little; give it a loopback address, or none.',
  });
}

/**
 * Starts an emulated tailnet control API on loopback.
 * @returns once it listens
 * @throws CordonError `emulator-…` for a host that is not loopback, an empty key, an unusable state file, a port in use
 */
export async function startEmulator(options: EmulatorOptions): Promise<RunningEmulator> {
  const host = loopbackAddress(options.host ?? '127.0.0.1');
  if (options.key === '') throw new CordonError('emulator-no-key', 'the tailnet emulator needs a key to accept');
  const now = options.now ?? (() => new Date());
  const initial = () => initialState(options.tailnetId, options.seed ?? {}, now().toISOString());
  const context = {
    tailnetId: options.tailnetId,
    mode: options.mode ?? 'strict',
    store: openStore(options.stateFile, options.tailnetId, initial, now),
    tokens: tokenBook(),
    faults: faultBook(),
    now,
  };
  const closing = new AbortController();
  const app = emulatorApp(context, {
    key: options.key,
    oauthClients: options.oauthClients ?? [],
    closing: closing.signal,
    ...(options.onAnswer === undefined ? {} : { onAnswer: options.onAnswer }),
  });
  let url: string;
  try {
    url = await app.listen({ port: options.port ?? 0, host });
  } catch (cause) {
    await app.close();
    throw new CordonError('emulator-cannot-listen', `the tailnet emulator cannot listen on ${host}`, { cause });
  }
  return {
    url,
    get state() {
      return context.store.state;
    },
    async close() {
      closing.abort();
      await app.close();
    },
  };
}
