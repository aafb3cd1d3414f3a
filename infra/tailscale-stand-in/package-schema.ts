import type { Attribute, AttributeKind } from './attribute.ts';
import type { ResourceKind } from './resource-kind.ts';

/**
 * Package schema of the resources the stand-in has (pulumi pkg/codegen/schema: PackageSpec), for `pulumi import`, which
 * writes the imported resources as code, and for `pulumi package get-schema`.
 */
export function packageSchema(version: string, kinds: readonly ResourceKind[]): object {
  return {
    name: 'tailscale',
    version,
    description: 'Stand-in for the Tailscale provider plugin: only the resources that cordon uses.',
    config: { variables: PROVIDER_PROPERTIES },
    provider: { inputProperties: PROVIDER_PROPERTIES, properties: PROVIDER_PROPERTIES },
    resources: Object.fromEntries(kinds.map((kind) => [kind.token, resourceSchema(kind)])),
  };
}

const PROVIDER_PROPERTIES = Object.fromEntries(
  [
    'apiKey',
    'audience',
    'baseUrl',
    'identityToken',
    'identityTokenEnvironmentVariableName',
    'oauthClientId',
    'oauthClientSecret',
    'tailnet',
    'userAgent',
  ].map((name) => [name, { type: 'string' }]),
);

function resourceSchema(kind: ResourceKind): object {
  const properties = Object.fromEntries(kind.attributes.map((a) => [a.name, propertySchema(a)]));
  const required = kind.attributes.filter((a) => !a.optional).map((a) => a.name);
  return { inputProperties: properties, requiredInputs: required, properties, required };
}

function propertySchema(attribute: Attribute): object {
  return {
    ...TYPES[attribute.kind],
    description: attribute.description,
    ...(attribute.replaces ? { willReplaceOnChanges: true } : {}),
  };
}

const TYPES: Readonly<Record<AttributeKind, object>> = {
  string: { type: 'string' },
  boolean: { type: 'boolean' },
  integer: { type: 'integer' },
  'string-set': { type: 'array', items: { type: 'string' } },
};
