import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SeenRequest } from './replay/api-double.ts';
import type { Json, RecordedCall, RecordedExchange } from './replay/recording.ts';
import { readRecording } from './replay/recording.ts';
import { ReplaySession, STANDARD_CONFIG } from './replay/session.ts';

/*
 * The stand-in against the recording of the real plugin: every call of the phases it covers is sent again, with the
 * recorded replies behind it, and has to cause the same requests, response or error, log lines and end of process.
 */
const recording = readRecording();

/** Where the stand-in is meant to differ. */
const DEVIATIONS: Readonly<Record<number, string>> = {
  3: 'its schema has only its own resources',
  4: 'its schema has only its own resources',
  8: 'no mapping from Terraform: nothing is converted with it',
  9: 'no mapping from Terraform: nothing is converted with it',
  10: 'no mapping from Terraform: nothing is converted with it',
  52: 'says less about why the URL cannot be parsed',
  53: 'refuses what is not a loopback URL',
  54: 'refuses what is not a loopback URL',
};

/** What the recorder did to the plugin before a call without recording it as a call. */
const BEFORE: Readonly<Record<number, { args?: Json; environment?: NodeJS.ProcessEnv }>> = {
  73: { args: { baseUrl: 'http://api.test', oauthClientId: 'cid', oauthClientSecret: 'csec' } },
  74: { args: { ...(STANDARD_CONFIG as object), apiKey: 'tskey-api-bad' } },
  76: { args: { ...(STANDARD_CONFIG as object), tailnet: 'example.com' } },
  77: { args: { ...(STANDARD_CONFIG as object), tailnet: 'wrong.example' } },
  79: { environment: { TAILSCALE_BASE_URL: 'http://api.test', TAILSCALE_API_KEY: 'tskey-api-good' } },
  82: { environment: { TAILSCALE_OAUTH_CLIENT_ID: 'i', TAILSCALE_OAUTH_CLIENT_SECRET: 's' } },
};

const UNCONFIGURED = ['handshake', 'config:unconfigured'];
let replayed = 0;

for (const [phase, calls] of recording.phases) {
  describe(phase, () => {
    let session: ReplaySession;
    beforeAll(async () => {
      session = await ReplaySession.start();
      if (!UNCONFIGURED.includes(phase)) await session.configure(STANDARD_CONFIG);
    });
    afterAll(() => session.stop());

    for (const call of calls) {
      if (call.method === 'control' || call.n in DEVIATIONS) continue;
      test(`#${call.n} ${call.method}${call.name === undefined ? '' : `: ${call.name}`}`, async () => {
        await prepare(session, call);
        const answer = await session.replay(call, typeOf(call));
        expect(session.api.seen.map((r, i) => seen(r, call.http[i]))).toEqual(call.http.map(expectedRequest));
        expect(answer.error).toEqual(call.error);
        expect(answer.response).toEqual(session.expected(call.response));
        expect(answer.exitCode).toBe(call.pluginExited?.code);
        expect(answer.log.map(logLine)).toEqual(expectedLog(call));
        if (call.pluginExited !== undefined) {
          await session.restart();
          await session.configure(STANDARD_CONFIG);
        }
        replayed++;
      });
    }
  });
}

test('every call of the recording is replayed or named as a deviation', () => {
  const calls = [...recording.phases.values()].flat().filter((c) => c.method !== 'control');
  expect(calls.length).toBeGreaterThan(600);
  expect(replayed + Object.keys(DEVIATIONS).length).toBe(calls.length);
});

async function prepare(session: ReplaySession, call: RecordedCall): Promise<void> {
  const before = BEFORE[call.n];
  if (before === undefined) return;
  for (const name of Object.keys(session.environment)) delete session.environment[name];
  for (const [name, value] of Object.entries(before.environment ?? {})) {
    session.environment[name] = value?.replace('http://api.test', session.api.url);
  }
  await session.restart();
  if (before.args !== undefined) await session.configure(before.args);
}

function typeOf(call: RecordedCall): string {
  const { type } = call.request ?? {};
  if (typeof type === 'string') return type;
  return recording.types[call.phase.split(':')[0] ?? ''] ?? '';
}

/** A recorded request with the headers that are the rule filled in. */
function expectedRequest(exchange: RecordedExchange) {
  const hasBody = exchange.json !== undefined || exchange.call.startsWith('POST') || exchange.text !== undefined;
  return {
    call: exchange.call,
    query: exchange.query ?? {},
    headers: {
      accept: hasBody ? undefined : 'application/json',
      'content-type': hasBody ? 'application/json' : undefined,
      'if-match': undefined,
      authorization: exchange.call.endsWith('/oauth/token') ? undefined : 'basic tskey-api-good:',
      ...exchange.headers,
    },
    body: exchange.json ?? exchange.text ?? '',
  };
}

function seen(request: SeenRequest, recorded: RecordedExchange | undefined) {
  const names = recorded === undefined ? [] : Object.keys(expectedRequest(recorded).headers);
  return {
    call: `${request.method} ${request.target.pathname}`,
    query: queryOf(request.target),
    headers: Object.fromEntries(names.map((name) => [name, readable(name, request.headers[name])])),
    body: recorded?.json === undefined ? request.body : JSON.parse(request.body),
  };
}

function queryOf(url: URL): Record<string, string | string[]> {
  const query: Record<string, string | string[]> = {};
  for (const name of url.searchParams.keys()) {
    const values = url.searchParams.getAll(name);
    query[name] = values.length === 1 ? (values[0] ?? '') : values;
  }
  return query;
}

/** Credentials of HTTP Basic in the clear, as the recording has them. */
function readable(name: string, value: string | string[] | undefined): string | string[] | undefined {
  if (name !== 'authorization' || typeof value !== 'string' || !value.startsWith('Basic ')) return value;
  return `basic ${Buffer.from(value.slice('Basic '.length), 'base64').toString('utf8')}`;
}

function logLine(entry: { severity: string; message: string; urn?: string }): string {
  return `${entry.severity}${entry.urn === undefined ? '' : ' urn'} ${entry.message}`;
}

/**
 * The recording leaves out that a failed call also logs its diagnostic, with the two halves of the status message the
 * other way round. Failures of the engine-facing layer itself (`cannot encode …`) are no diagnostics and not logged.
 */
function expectedLog(call: RecordedCall): string[] {
  if (call.log !== undefined) {
    return call.log.map(({ severity, message, urn }) => {
      return `${severity}${urn ? ' urn' : ''} ${message.replace(' <stack omitted>', '')}`;
    });
  }
  if (call.error === undefined || !['Create', 'Read', 'Update', 'Delete', 'Configure'].includes(call.method)) return [];
  if (call.error.message.startsWith('1 error occurred')) return [];
  const [summary = '', ...detail] = call.error.message.split(': ');
  return [`error${call.method === 'Configure' ? '' : ' urn'} [ERROR] ${detail.join(': ')}: ${summary}`];
}
