import { describe, expect, it } from 'vitest';
import { topologyJsonSchema } from '../../src/topology/schema.ts';
import { expectGolden } from './support.ts';

type Json = { readonly [key: string]: unknown };

/** Every subschema with its place. */
function* subschemas(node: unknown, path: string): Generator<[string, Json]> {
  if (typeof node !== 'object' || node === null) return;
  if (!Array.isArray(node) && ('type' in node || 'oneOf' in node || 'anyOf' in node)) yield [path, node as Json];
  for (const [key, value] of Object.entries(node)) yield* subschemas(value, `${path}/${key}`);
}

describe('topologyJsonSchema', () => {
  it('is the published file', () => {
    expectGolden(
      new URL('../../schemas/topology.schema.json', import.meta.url),
      `${JSON.stringify(topologyJsonSchema(), null, 2)}\n`,
    );
  });

  it('refuses unknown keys in every map with fixed keys', () => {
    const open = [...subschemas(topologyJsonSchema(), '')].filter(
      ([, s]) => s['properties'] !== undefined && s['additionalProperties'] !== false,
    );
    expect(open.map(([path]) => path)).toEqual([]);
  });

  it('documents every field', () => {
    const all = [...subschemas(topologyJsonSchema(), '')].filter(([path]) => /\/properties\/[^/]+$/.test(path));
    expect(all.length).toBeGreaterThan(45);
    expect(all.filter(([, s]) => typeof s['description'] !== 'string').map(([path]) => path)).toEqual([]);
  });

  it('has the fields of the format and no others', () => {
    const keys = [...subschemas(topologyJsonSchema(), '')].flatMap(([, s]) =>
      Object.keys((s['properties'] as Json) ?? {}),
    );
    expect([...new Set(keys)].sort()).toMatchInlineSnapshot(`
      [
        "access",
        "addresses",
        "agents",
        "allow",
        "approvals",
        "attestations",
        "base",
        "by",
        "containers",
        "deny",
        "device",
        "devices",
        "executor",
        "expires",
        "flowUsers",
        "flows",
        "from",
        "gateway",
        "hosts",
        "id",
        "interface",
        "kind",
        "lane",
        "listen",
        "model",
        "name",
        "nodes",
        "on",
        "openclaw",
        "operators",
        "overrides",
        "owner",
        "placement",
        "port",
        "prefixes",
        "preset",
        "reason",
        "resolvers",
        "resources",
        "role",
        "roles",
        "router",
        "segment",
        "segmentInterface",
        "segments",
        "services",
        "stateDirectory",
        "tag",
        "tailnet",
        "tailscaled",
        "target",
        "tcp",
        "to",
        "tools",
        "udp",
        "uid",
        "underlayInterfaces",
        "unit",
        "user",
        "version",
        "waivers",
        "workspace",
      ]
    `);
  });
});
