import { ProviderError } from '../grpc/errors.ts';
import type { PropertyObject, PropertyValue } from '../grpc/property-value.ts';
import { hasUnknowns, isPropertyObject, Secret, Unknown, withoutSecrets } from '../grpc/property-value.ts';
import type { CheckResult, DiffKind, DiffResult } from '../grpc/provider.ts';
import { snakeCase } from './attribute.ts';

/** The user agent that CheckConfig writes into the configuration when there is none. */
export function defaultUserAgent(version: string): string {
  return `Pulumi/3.0 (https://www.pulumi.com) pulumi-tailscale/${version}`;
}

const SECRETS = ['apiKey', 'identityToken', 'oauthClientSecret'];
const KEYS = [
  ...SECRETS,
  'audience',
  'baseUrl',
  'identityTokenEnvironmentVariableName',
  'oauthClientId',
  'scopes',
  'tailnet',
  'userAgent',
  // Not the provider's but the engine's own.
  'version',
  'pluginDownloadURL',
];
const KNOWN = new Set([...KEYS, ...KEYS.map(snakeCase)]);

/**
 * CheckConfig of the bridge.
 * @param name the provider resource's name, which failures mention
 * @throws ProviderError if `scopes` is neither a list nor the JSON text of one
 */
export function checkConfig(name: string, news: PropertyObject, version: string): CheckResult {
  const inputs: Record<string, PropertyValue> = {};
  for (const [key, value] of Object.entries(news)) {
    if (SECRETS.includes(key)) inputs[key] = secret(value);
    else inputs[key] = key === 'scopes' ? scopesText(withoutSecrets(value)) : withoutSecrets(value);
  }
  if (!Object.hasOwn(inputs, 'userAgent')) inputs['userAgent'] = defaultUserAgent(version);
  const failures = Object.keys(news)
    .filter((key) => !KNOWN.has(key))
    .map((key) => ({
      reason: `could not validate provider configuration: Invalid or unknown key. Examine values at '${name}.${key}'.`,
    }));
  return { inputs, failures };
}

/** Credentials come back as secret text, also when they were numbers or nothing. */
function secret(value: PropertyValue): PropertyValue {
  const plain = withoutSecrets(value);
  if (plain instanceof Unknown) return plain;
  return new Secret(plain === null ? '' : typeof plain === 'string' ? plain : String(plain));
}

function scopesText(value: PropertyValue): PropertyValue {
  if (Array.isArray(value)) return hasUnknowns(value) ? new Unknown() : JSON.stringify(value);
  if (typeof value === 'string') readScopes(value);
  return value;
}

/**
 * Scopes from the JSON text that the configuration holds.
 * @throws ProviderError with the text of Go's JSON reader
 */
export function readScopes(text: string): string[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ProviderError(`invalid character '${text[0] ?? ''}' looking for beginning of value`);
  }
  if (!Array.isArray(value)) throw new ProviderError('scopes are not a list');
  return value.map(String);
}

/** DiffConfig of the bridge: never decides, only says what differs; what is unknown does not differ. */
export function diffConfig(olds: PropertyObject, news: PropertyObject): DiffResult {
  const before = plainObject(olds);
  const after = plainObject(news);
  const detailedDiff: Record<string, { kind: DiffKind; inputDiff: boolean }> = {};
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const kind = changeOf(before[key], after[key]);
    if (kind !== undefined) detailedDiff[key] = { kind, inputDiff: true };
  }
  return { changes: 'unknown', ...(Object.keys(detailedDiff).length === 0 ? {} : { detailedDiff }) };
}

function changeOf(before: PropertyValue | undefined, after: PropertyValue | undefined): DiffKind | undefined {
  if (after === undefined) return before === undefined ? undefined : 'delete';
  if (before === undefined) return 'add';
  if (hasUnknowns(after) || JSON.stringify(before) === JSON.stringify(after)) return undefined;
  return 'update';
}

function plainObject(object: PropertyObject): PropertyObject {
  const plain = withoutSecrets(object);
  return isPropertyObject(plain) ? plain : {};
}
