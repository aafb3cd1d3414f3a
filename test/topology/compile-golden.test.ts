import { describe, expect, it } from 'vitest';
import { compileTopology } from '../../src/topology/compile.ts';
import { accepted, edited, expectGolden, load, loadExample } from './support.ts';

const EXAMPLES = ['homelab', 'netns-cell', 'tailnet-node'] as const;

describe.each(EXAMPLES)('example %s', (name) => {
  const result = compileTopology(loadExample(name));
  const { sources } = accepted(result);

  it('compiles without a warning', () => expect(result.ok && result.warnings).toEqual([]));

  it('gives every source, each ok', () => {
    const hosts = [...loadExample(name).hosts.keys()].flatMap((h) => [`host/${h}/nft.txt`, `host/${h}/units`]);
    const gateway = loadExample(name).openclaw?.gateway;
    const openclaw = gateway === undefined ? [] : [`openclaw/${gateway}/config`];
    const tailnet = ['tailnet/policy', 'tailnet/settings', 'tailnet/devices'];
    expect(Object.keys(sources)).toEqual([...tailnet, ...hosts, ...openclaw]);
    expect(Object.values(sources).map((s) => s.status)).toEqual(Object.keys(sources).map(() => 'ok'));
  });

  it.each(Object.keys(sources))('%s', (source) => {
    const body = sources[source]?.body;
    const text = textOf(body);
    const file =
      source === 'tailnet/policy'
        ? 'policy.hujson'
        : source.replaceAll('/', '_').replace(/^((?:tailnet|openclaw)_.*)$/, '$1.json');
    expectGolden(new URL(`./golden/compile/${name}/${file}`, import.meta.url), text);
  });
});

it('a topology with a subnet router, ranges and UDP: the policy and the router', () => {
  const { sources } = accepted(compileTopology(accepted(load(edited(() => {})))));
  const policy = sources['tailnet/policy']?.body;
  expectGolden(
    new URL('./golden/compile/subnet-router/policy.hujson', import.meta.url),
    hasText(policy) ? policy.text : '',
  );
  expectGolden(
    new URL('./golden/compile/subnet-router/host_rtr-1_nft.txt', import.meta.url),
    String(sources['host/rtr-1/nft.txt']?.body),
  );
  expectGolden(
    new URL('./golden/compile/subnet-router/tailnet_devices.json', import.meta.url),
    `${JSON.stringify(sources['tailnet/devices']?.body, null, 2)}\n`,
  );
});

/** A body as people read it. Of the units, the rulesets are left out: `nft.txt` has them. */
function textOf(body: unknown): string {
  if (typeof body === 'string') return body;
  if (hasText(body)) return body.text;
  if (!hasFiles(body)) return `${JSON.stringify(body, null, 2)}\n`;
  const files = Object.entries(body.files).map(([path, text]) => [path, /^table /m.test(text) ? '(ruleset)\n' : text]);
  return files.map(([path, text]) => `--- ${path}\n${text}`).join('');
}

function hasFiles(body: unknown): body is { files: Record<string, string> } {
  return typeof body === 'object' && body !== null && 'files' in body;
}

function hasText(body: unknown): body is { text: string } {
  return typeof body === 'object' && body !== null && 'text' in body && typeof body.text === 'string';
}
