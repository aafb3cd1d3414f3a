import { formatPrefix } from '../../src/net/prefix.ts';
import { type CompiledTailnet, compileTailnet } from '../../src/tailnet/compile.ts';
import { parsePolicy } from '../../src/tailnet/policy/parse.ts';
import { ALL_PORTS } from '../../src/tailnet/policy/ports.ts';
import { apiVerdict } from '../../src/tailnet/verdict.ts';
import { type CaptureCase, factsOf } from './case.ts';
import { type Box, capabilityLabel, capturedBoxes, firstDifference } from './meaning.ts';

/** What is asked of a compiler; tests hand in wrong ones to see whether the captures notice. */
export interface Subject {
  readonly verdict: typeof apiVerdict;
  readonly compile: typeof compileTailnet;
}

export const cordon: Subject = { verdict: apiVerdict, compile: compileTailnet };

/** The message of a refused policy, or undefined when the compiler accepts it. */
export function refusalOf(capture: CaptureCase): string | undefined {
  const verdict = apiVerdict(JSON.stringify(capture.policy), factsOf(capture));
  return verdict.ok ? undefined : verdict.message;
}

/**
 * Compares a compiler with one capture, by meaning: verdict, and for an accepted policy the packet filter,
 * capabilities, peers and routes of every captured device. Upper bounds count as what they are: wrong, if larger.
 * @returns what differs; nothing when the case passes
 */
export function runCase(capture: CaptureCase, subject: Subject = cordon): string[] {
  const text = JSON.stringify(capture.policy);
  const facts = factsOf(capture);
  const verdict = subject.verdict(text, facts);
  const accepted = capture.api.code === 200;
  if (verdict.ok !== accepted) return [verdict.ok ? 'accepted, but the API refuses' : `refused: ${verdict.message}`];
  if (!verdict.ok) return [];
  const parsed = parsePolicy(capture.id, text);
  if (!parsed.ok) return ['does not parse'];
  const compiled = subject.compile(parsed.value, facts);
  return Object.entries(capture.expect ?? {}).flatMap(([name, expected]) => {
    const rules = firstDifference(compiledBoxes(compiled, name), capturedBoxes(expected.rules ?? []));
    const peers = setDifference(compiled.peersOf(name), expected.peers ?? []);
    const offered = compiled.routesAt(name).flatMap((o) => o.prefixes.map((p) => `${o.peer} ${formatPrefix(p)}`));
    const captured = Object.entries(expected.routes ?? {}).flatMap(([peer, list]) => list.map((r) => `${peer} ${r}`));
    const routes = setDifference(offered, captured);
    return [
      ...(rules === undefined ? [] : [`${name} rules: ${rules}`]),
      ...(peers === undefined ? [] : [`${name} peers: ${peers}`]),
      ...(routes === undefined ? [] : [`${name} routes: ${routes}`]),
    ];
  });
}

function compiledBoxes(compiled: CompiledTailnet, device: string): Box[] {
  const packets = compiled
    .rulesOn(device)
    .flatMap(({ src, dst, protocols }) =>
      dst.flatMap(({ addresses, ports }) => protocols.map((p) => ({ label: `${p}`, src, dst: addresses, ports }))),
    );
  const caps = compiled.capabilitiesOn(device).map(({ src, dst, name, values }) => ({
    label: capabilityLabel(name, values),
    src,
    dst,
    ports: ALL_PORTS,
  }));
  return [...packets, ...caps];
}

function setDifference(got: readonly string[], want: readonly string[]): string | undefined {
  const extra = got.filter((g) => !want.includes(g));
  const missing = want.filter((w) => !got.includes(w));
  if (extra.length + missing.length === 0) return undefined;
  return `extra [${extra.join(', ')}], missing [${missing.join(', ')}]`;
}
