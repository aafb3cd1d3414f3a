import { z } from 'zod';
import { readFiles } from '../host/files.ts';
import { readIptables } from '../host/iptables.ts';
import { readLinks } from '../host/links.ts';
import { readListeners } from '../host/listeners.ts';
import { readProcesses } from '../host/processes.ts';
import type { Read } from '../host/read.ts';
import { readRoutes } from '../host/routes.ts';
import { readNetmap, readPrefs, readServe } from '../host/tailscaled.ts';
import { readUnits } from '../host/units.ts';
import { parseRuleset } from '../nftables/parse.ts';
import { type Diagnostic, formatSpan } from '../source/diagnostic.ts';
import { type Device, parseDevices } from '../tailnet/device.ts';
import { policyEtag } from '../tailnet/policy/etag.ts';
import { parsePolicy } from '../tailnet/policy/parse.ts';
import type { Evidence, SourceEntry } from './evidence.ts';
import { type Known, known, type Missing, unknown } from './known.ts';
import { remembered } from './remembered.ts';
import type { HostState, PolicyState, RulesetState, State } from './state.ts';

/**
 * Reads evidence, declared or observed alike, into what it means. Total: what is absent, was refused, or does not parse
 * becomes an unknown that names its source, and nothing is skipped.
 */
export function interpret(evidence: Evidence): State {
  return {
    tailnet: {
      policy: read(evidence, 'tailnet/policy', readPolicy),
      devices: read(evidence, 'tailnet/devices', readDevices),
      settings: read(evidence, 'tailnet/settings', readSettings),
    },
    hosts: new Map(hostNames(evidence).map((name) => [name, readHost(evidence, name)])),
  };
}

/** A fleet looked at again is read again only where it changed. */
const rulesetIn = remembered(parseRuleset);
const policyIn = remembered(parsePolicy);
const etagOf = remembered((_source, text) => policyEtag(text));

type Reader<T> = (source: string, body: unknown) => Known<T>;

function read<T>(evidence: Evidence, source: string, reader: Reader<T>): Known<T> {
  const entry = evidence.sources[source];
  if (entry === undefined) return unknown({ source, why: 'not in the evidence' });
  if (entry.status !== 'ok') return unknown({ source, why: statusWords(entry) });
  return reader(source, entry.body);
}

/** `denied: HTTP 403`, in the words that reports use for a source that did not answer. */
export function statusWords(entry: SourceEntry): string {
  return entry.why === undefined ? entry.status : `${entry.status}: ${entry.why}`;
}

const policyBody = z.looseObject({ text: z.string(), etag: z.string().optional() });

function readPolicy(source: string, body: unknown): Known<PolicyState> {
  const shape = policyBody.safeParse(body);
  if (!shape.success) return unknown({ source, why: 'the body is not {"text", "etag"}' });
  const { text, etag } = shape.data;
  const parsed = policyIn(source, text);
  if (!parsed.ok) return unknown(...parsed.diagnostics.filter((d) => d.severity === 'error').map(diagnosticMissing));
  const computed = etagOf(source, text);
  if (etag !== undefined && stripQuotes(etag) !== computed) {
    return unknown({ source, why: `the ETag ${etag} does not belong to this text (computed ${computed})` });
  }
  return known({ text, etag: computed, policy: parsed.value });
}

function readDevices(source: string, body: unknown): Known<readonly Device[]> {
  const { devices, problems } = parseDevices(body);
  if (problems.length > 0) return unknown(...problems.map((why) => ({ source, why })));
  if (devices.length > 0 && !hasAllFields(body)) {
    const why = 'no device says anything of routes: the list was asked for without fields=all';
    return unknown({ source, why });
  }
  return known(devices);
}

/** Fields that the API adds only when asked for all; which of them a device has varies. */
const EXTRA_FIELDS = [
  'enabledRoutes',
  'advertisedRoutes',
  'clientConnectivity',
  'sshEnabled',
  'postureIdentity',
  'distro',
];

const fieldsBody = z.object({ devices: z.array(z.looseObject({})) });

/** A list with the default fields would read as one in which nobody routes anything. */
function hasAllFields(body: unknown): boolean {
  const list = fieldsBody.safeParse(body);
  return list.success && list.data.devices.some((d) => EXTRA_FIELDS.some((field) => Object.hasOwn(d, field)));
}

function readSettings(source: string, body: unknown): Known<Readonly<Record<string, unknown>>> {
  const shape = z.record(z.string(), z.unknown()).safeParse(body);
  return shape.success ? known(shape.data) : unknown({ source, why: 'the body is not an object' });
}

function readHost(evidence: Evidence, name: string): HostState {
  const source = <T>(file: string, parse: (body: unknown) => Read<T>): Known<T> =>
    read(evidence, `host/${name}/${file}`, (from, body) => {
      const parsed = parse(body);
      return parsed.ok ? known(parsed.value) : unknown(...parsed.problems.map((why) => ({ source: from, why })));
    });
  return {
    name,
    ruleset: read(evidence, `host/${name}/nft.txt`, readRuleset),
    iptables: source('iptables', readIptables),
    listeners: source('listeners', readListeners),
    links: source('links', readLinks),
    routing: source('routes', readRoutes),
    daemon: {
      prefs: source('tailscale.prefs', readPrefs),
      serve: source('tailscale.serve', readServe),
      netmap: source('tailscale.netmap', readNetmap),
    },
    units: source('units', readUnits),
    files: source('files', readFiles),
    processes: source('processes', readProcesses),
  };
}

function readRuleset(source: string, body: unknown): Known<RulesetState> {
  if (typeof body !== 'string') return unknown({ source, why: 'the body is not text' });
  const parsed = rulesetIn(source, body);
  if (!parsed.ok) return unknown(...parsed.diagnostics.filter((d) => d.severity === 'error').map(diagnosticMissing));
  return known({ text: body, ruleset: parsed.value });
}

function diagnosticMissing(d: Diagnostic): Missing {
  return { source: formatSpan(d.span), why: d.message };
}

function hostNames(evidence: Evidence): readonly string[] {
  const names = Object.keys(evidence.sources).flatMap((source) => /^host\/([^/]+)\//.exec(source)?.[1] ?? []);
  return [...new Set(names)].sort();
}

function stripQuotes(etag: string): string {
  return etag.replace(/^(W\/)?"(.*)"$/, '$2');
}
