import { compileTailnet } from '../../src/tailnet/compile.ts';
import { parsePolicy } from '../../src/tailnet/policy/parse.ts';
import { apiVerdict } from '../../src/tailnet/verdict.ts';
import { answerFor } from './answer.ts';
import { type CaptureCase, type CapturedSsh, type DeviceAnswer, factsOf } from './case.ts';
import { capturedBoxes, firstDifference } from './meaning.ts';

/** What is asked of a compiler; tests hand in wrong ones to see whether the captures notice. */
export interface Subject {
  readonly verdict: typeof apiVerdict;
  readonly compile: typeof compileTailnet;
}

export const cordon: Subject = { verdict: apiVerdict, compile: compileTailnet };

/** What a compiler answers to a capture: the shape of the capture's own `api` and `expect`. */
export interface Answer {
  readonly api: NonNullable<CaptureCase['api']>;
  readonly expect?: Readonly<Record<string, DeviceAnswer>>;
}

/** The answer for the devices that were captured, or for all of them where the capture does not say. */
export function answerOf(capture: CaptureCase, subject: Subject = cordon): Answer {
  const text = JSON.stringify(capture.policy);
  const facts = factsOf(capture);
  const verdict = subject.verdict(text, facts);
  if (!verdict.ok) return { api: { code: 400, message: verdict.message } };
  const parsed = parsePolicy(capture.id, text);
  if (!parsed.ok) throw new Error(`${capture.id} is accepted, but does not parse`);
  const compiled = subject.compile(parsed.value, facts);
  const names = Object.keys(capture.expect ?? capture.nodes);
  return { api: { code: 200 }, expect: Object.fromEntries(names.map((name) => [name, answerFor(compiled, name)])) };
}

/**
 * Compares an answer with what was captured, by meaning: verdict, and for an accepted policy the packet filter,
 * capabilities, peers, routes, SSH rules in order, attributes and addresses of every captured device. Upper bounds count
 * as what they are: wrong, if larger.
 * @returns what differs; nothing when the case passes
 */
export function differences(capture: CaptureCase, { api, expect }: Answer): string[] {
  if (api.code !== capture.api?.code) {
    return [api.code === 200 ? 'accepted, but the API refuses' : `refused: ${api.message}`];
  }
  return Object.entries(capture.expect ?? {}).flatMap(([name, wanted]) => {
    const got = expect?.[name];
    if (got === undefined) return api.code === 200 ? [`${name}: no answer`] : [];
    const parts: Record<string, string | undefined> = {
      rules: firstDifference(capturedBoxes(got.rules), capturedBoxes(wanted.rules ?? [])),
      peers: setDifference(got.peers, wanted.peers ?? []),
      routes: setDifference(pairs(got.routes), pairs(wanted.routes ?? {})),
      ssh: listDifference(got.ssh.map(sshText), (wanted.ssh ?? []).map(sshText)),
      caps: wanted.caps && setDifference(policyCaps(got.caps), policyCaps(wanted.caps)),
      peerCaps: setDifference(peerCaps(got.peerCaps), peerCaps(wanted.peerCaps ?? {})),
      addresses: wanted.addresses && setDifference(got.addresses, wanted.addresses),
    };
    return Object.entries(parts).flatMap(([part, odd]) => (odd === undefined ? [] : [`${name} ${part}: ${odd}`]));
  });
}

/** The differences between a compiler and one capture. */
export function runCase(capture: CaptureCase, subject: Subject = cordon): string[] {
  return differences(capture, answerOf(capture, subject));
}

/** The state of a tailnet as attributes of all its devices: no policy says it. */
const TAILNET_STATE =
  /^(https:\/\/tailscale\.com\/cap\/(is-admin|is-owner|ssh|file-sharing|tailnet-lock|funnel-ports\b.*|warn-funnel-no-https)|probe-udp-lifetime|ssh-behavior-v1|ssh-env-vars|store-appc-routes|tailnet-display-name|default-auto-update)$/;

function policyCaps(caps: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(caps)
    .filter(([name]) => !TAILNET_STATE.test(name))
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`);
}

function peerCaps(peers: Readonly<Record<string, Readonly<Record<string, unknown>>>>): string[] {
  return Object.entries(peers).flatMap(([peer, caps]) => policyCaps(caps).map((cap) => `${peer} ${cap}`));
}

function pairs(routes: Readonly<Record<string, readonly string[]>>): string[] {
  return Object.entries(routes).flatMap(([peer, list]) => list.map((route) => `${peer} ${route}`));
}

/** An SSH rule; order and repetition of its sources mean nothing. */
function sshText({ action, from, users, acceptEnv }: CapturedSsh): string {
  const logins = Object.entries(users).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([action, [...new Set(from)].sort(), logins, acceptEnv ?? []]);
}

function listDifference(got: readonly string[], want: readonly string[]): string | undefined {
  const at = Array.from({ length: Math.max(got.length, want.length) }, (_, i) => i).find((i) => got[i] !== want[i]);
  return at === undefined ? undefined : `[${at}] is ${got[at] ?? 'missing'}, not ${want[at] ?? 'there'}`;
}

function setDifference(got: readonly string[], want: readonly string[]): string | undefined {
  const extra = got.filter((g) => !want.includes(g));
  const missing = want.filter((w) => !got.includes(w));
  if (extra.length + missing.length === 0) return undefined;
  return `extra [${extra.join(', ')}], missing [${missing.join(', ')}]`;
}
