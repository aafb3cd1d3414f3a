import { readFileSync } from 'node:fs';
import type { PropertyObject } from '../grpc/property-value.ts';
import { withoutSecrets } from '../grpc/property-value.ts';
import type { ApiSettings } from './api.ts';
import { ApiError } from './api-error.ts';
import type { Authorization } from './authorization.ts';
import { apiKeyAuthorization, oauthAuthorization } from './authorization.ts';
import { readScopes } from './config.ts';
import { isLoopbackUrl } from './loopback.ts';
import { Complaint } from './resource-kind.ts';

const DEFAULT_BASE_URL = 'https://api.tailscale.com';
/** User agent of the plugin when neither CheckConfig nor the program gave one. */
const BARE_USER_AGENT =
  'Terraform/pulumi-terraform-bridge (+https://www.terraform.io) terraform-provider-tailscale/dev';

const CREDENTIALS = 'Provider credentials error';
const EMPTY =
  "tailscale provider credentials are empty - set `api_key` or 'oauth_client_id' and one of 'oauth_client_secret', " +
  "'identity_token', or 'audience'";
const CONFLICT =
  "tailscale provider credentials are conflicting - `api_key` conflicts with 'oauth_client_id', 'oauth_client_secret', " +
  "'identity_token', and 'audience'";
const INCOMPLETE =
  "one of tailscale provider arguments 'oauth_client_secret', 'identity_token', or 'audience' are mandatory with " +
  "'oauth_client_id'";
const NO_CLIENT = "tailscale provider argument 'oauth_client_id' is empty";
const NO_TAILNET =
  'While configuring the provider, a Tailnet ID was not found in the TAILSCALE_TAILNET environment variable or provider ' +
  'configuration block tailnet attribute.';

/** Environment variables that stand in for a property, the first one set wins (terraform-provider-tailscale provider.go). */
const VARIABLES: Readonly<Record<string, readonly string[]>> = {
  apiKey: ['TAILSCALE_API_KEY'],
  baseUrl: ['TAILSCALE_BASE_URL'],
  tailnet: ['TAILSCALE_TAILNET'],
  oauthClientId: ['TAILSCALE_OAUTH_CLIENT_ID', 'OAUTH_CLIENT_ID'],
  oauthClientSecret: ['TAILSCALE_OAUTH_CLIENT_SECRET', 'OAUTH_CLIENT_SECRET'],
  identityToken: ['TAILSCALE_IDENTITY_TOKEN', 'IDENTITY_TOKEN'],
  audience: ['TAILSCALE_AUDIENCE'],
};

/**
 * Settings from provider configuration and environment, as the provider's Configure reads them, with one rule of our
 * own: the API has to be on loopback.
 * @throws Complaint
 */
export function apiSettings(args: PropertyObject, environment: NodeJS.ProcessEnv): ApiSettings {
  const setting = settingsReader(args, environment);
  const baseUrl = setting('baseUrl') ?? DEFAULT_BASE_URL;
  const tailnet = setting('tailnet') ?? '-';
  const authorization = credentials(setting, baseUrl);
  if (!URL.canParse(baseUrl)) {
    throw new Complaint(
      'Could not parse base URL',
      `While configuring the provider, the base URL ${JSON.stringify(baseUrl)} could not be parsed.`,
    );
  }
  if (tailnet === '') throw new Complaint('Missing Tailnet ID', NO_TAILNET);
  if (!isLoopbackUrl(baseUrl)) {
    throw new Complaint(
      'Stand-in refused',
      'this is the stand-in for the Tailscale provider plugin, which talks to an API on loopback only, but the ' +
        `configured API is ${baseUrl}. Install the real plugin (pulumi plugin install resource tailscale), or set ` +
        'baseUrl to an emulator on this machine.',
    );
  }
  return { baseUrl, tailnet, userAgent: setting('userAgent') || BARE_USER_AGENT, authorization };
}

type SettingReader = (name: string) => string | undefined;

function settingsReader(args: PropertyObject, environment: NodeJS.ProcessEnv): SettingReader {
  return (name) => {
    const given = withoutSecrets(args[name] ?? null);
    if (typeof given === 'string') return resolveFile(name, given);
    if (typeof given === 'number' || typeof given === 'boolean') return String(given);
    const variable = (VARIABLES[name] ?? []).find((v) => environment[v] !== undefined && environment[v] !== '');
    return variable === undefined ? undefined : resolveFile(name, environment[variable] ?? '');
  };
}

/** `file:PATH` stands for the trimmed content of the file. */
function resolveFile(name: string, value: string): string {
  if (!value.startsWith('file:')) return value;
  const path = value.slice('file:'.length);
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    const snake = name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);
    const why = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'no such file or directory' : 'cannot be read';
    throw new Complaint(
      `Could not resolve file for ${snake}`,
      `While configuring the provider, the file "${path}" could not be read for "${name}": open ${path}: ${why}`,
      error,
    );
  }
}

function credentials(setting: SettingReader, baseUrl: string): Authorization {
  const apiKey = setting('apiKey') ?? '';
  const id = setting('oauthClientId') ?? '';
  const secret = setting('oauthClientSecret') ?? '';
  const token = setting('identityToken') ?? '';
  const audience = setting('audience') ?? '';
  const federated = token !== '' || audience !== '';
  if (apiKey !== '') {
    if (id !== '' || secret !== '' || federated) throw new Complaint(CREDENTIALS, CONFLICT);
    return apiKeyAuthorization(apiKey);
  }
  if (id === '') throw new Complaint(CREDENTIALS, secret !== '' || federated ? NO_CLIENT : EMPTY);
  if (federated) return refusedFederation;
  if (secret === '') throw new Complaint(CREDENTIALS, INCOMPLETE);
  return oauthAuthorization(baseUrl, { id, secret, scopes: readScopes(setting('scopes') || '[]') });
}

/** Configuring with an identity token is accepted, as by the plugin; using it is not. */
const refusedFederation: Authorization = {
  async header() {
    throw new ApiError('the stand-in does not exchange identity tokens: use an API key or an OAuth client');
  },
};
