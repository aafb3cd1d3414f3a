import { CordonError } from '../source/error.ts';
import { Secret } from './secret.ts';

/** How the API is called and with what. */
export interface TailnetAccess {
  /** Without a trailing slash and without `/api/v2`. */
  readonly baseUrl: string;
  /** The path segment that names the tailnet: its id, or `-` for the credential's own. */
  readonly tailnet: string;
  readonly credential: TailnetCredential;
}

type TailnetCredential =
  | { readonly kind: 'api-key'; readonly key: Secret }
  | { readonly kind: 'oauth'; readonly clientId: string; readonly clientSecret: Secret };

type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULT_BASE_URL = 'https://api.tailscale.com';

/** Environment names for each setting: the Pulumi provider's, then those of the GitOps action. */
const NAMES = {
  apiKey: [['TAILSCALE_API_KEY'], ['TS_API_KEY']],
  clientId: [
    ['TAILSCALE_OAUTH_CLIENT_ID', 'OAUTH_CLIENT_ID'],
    ['TS_OAUTH_CLIENT_ID', 'TS_OAUTH_ID'],
  ],
  clientSecret: [
    ['TAILSCALE_OAUTH_CLIENT_SECRET', 'OAUTH_CLIENT_SECRET'],
    ['TS_OAUTH_CLIENT_SECRET', 'TS_OAUTH_SECRET'],
  ],
} as const;

/** A tailnet id as the admin console shows it; older tailnets also answer to a name such as `example.com`. */
export function isTailnetId(text: string): boolean {
  return /^T[A-Za-z0-9]+(CNTRL|DEVEL)$/.test(text);
}

function firstSet(env: Environment, names: readonly string[]): readonly [string, string] | undefined {
  for (const name of names) {
    const value = env[name];
    if (value !== undefined && value !== '') return [name, value];
  }
  return undefined;
}

/** A value may be given as `file:<path>`; the file's text is trimmed, as the provider does. */
function resolved(found: readonly [string, string], readFile: (path: string) => string): string {
  const [name, value] = found;
  if (!value.startsWith('file:')) return value;
  const path = value.slice('file:'.length);
  let text: string;
  try {
    text = readFile(path).trim();
  } catch (cause) {
    throw new CordonError('tailnet-credential-file', `${name} names the file ${path}, which cannot be read`, { cause });
  }
  if (text === '') throw new CordonError('tailnet-credential-file', `${name} names the file ${path}, which is empty`);
  return text;
}

/** Credentials come from one family of names; the second is looked at only if the first has none. */
function credentialFrom(env: Environment, readFile: (path: string) => string): TailnetCredential {
  for (const family of [0, 1] as const) {
    const key = firstSet(env, NAMES.apiKey[family]);
    const id = firstSet(env, NAMES.clientId[family]);
    const secret = firstSet(env, NAMES.clientSecret[family]);
    if (key !== undefined && (id !== undefined || secret !== undefined)) {
      throw new CordonError('tailnet-credentials-conflict', `both ${key[0]} and ${(id ?? secret)?.[0]} are set`, {
        hint: 'The provider refuses this as well. Unset one of them.',
      });
    }
    if (key !== undefined) return { kind: 'api-key', key: new Secret(resolved(key, readFile)) };
    if (id !== undefined && secret !== undefined) {
      return {
        kind: 'oauth',
        clientId: resolved(id, readFile),
        clientSecret: new Secret(resolved(secret, readFile)),
      };
    }
    if (id !== undefined || secret !== undefined) {
      const [names, half] = id === undefined ? [NAMES.clientId, secret] : [NAMES.clientSecret, id];
      throw new CordonError('tailnet-no-credentials', `${half?.[0]} is set but ${names[family][0]} is not`);
    }
  }
  throw new CordonError('tailnet-no-credentials', 'no credential for the Tailscale API', {
    hint: 'Set TAILSCALE_OAUTH_CLIENT_ID and TAILSCALE_OAUTH_CLIENT_SECRET, or TAILSCALE_API_KEY; file:<path> works too.',
  });
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

function baseUrlFrom(env: Environment): string {
  const text = firstSet(env, ['TAILSCALE_BASE_URL'])?.[1] ?? DEFAULT_BASE_URL;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    throw new CordonError('tailnet-base-url', 'TAILSCALE_BASE_URL is not an http or https URL');
  }
  if (url.username !== '' || url.password !== '') {
    throw new CordonError('tailnet-base-url', 'TAILSCALE_BASE_URL holds a user name or password', {
      hint: 'Credentials have variables of their own.',
    });
  }
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    throw new CordonError('tailnet-base-url', 'TAILSCALE_BASE_URL would send the credential unencrypted', {
      hint: 'Plain http is for an emulator on loopback only.',
    });
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}

/**
 * Takes the way to the tailnet's API from the environment.
 * @param readFile reads a file as text; for `file:<path>` values
 * @param declaredId `tailnet.id` of the topology; it goes into every path, so that no other tailnet can answer
 * @throws CordonError `tailnet-no-credentials`, `tailnet-credentials-conflict`, `tailnet-credential-file`,
 * `tailnet-base-url`, `tailnet-mismatch` (TAILSCALE_TAILNET names another tailnet than the topology)
 */
export function tailnetAccess(
  env: Environment,
  readFile: (path: string) => string,
  declaredId?: string,
): TailnetAccess {
  const given = firstSet(env, ['TAILSCALE_TAILNET', 'TS_TAILNET']);
  if (declaredId !== undefined && given !== undefined && isTailnetId(given[1]) && given[1] !== declaredId) {
    throw new CordonError('tailnet-mismatch', `${given[0]} is ${given[1]}, but the topology declares ${declaredId}`, {
      hint: 'One of them names another tailnet than you mean.',
    });
  }
  return {
    baseUrl: baseUrlFrom(env),
    tailnet: declaredId ?? given?.[1] ?? '-',
    credential: credentialFrom(env, readFile),
  };
}
