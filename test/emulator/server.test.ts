import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startEmulator } from '../../src/emulator/emulator.ts';
import { CordonError } from '../../src/source/error.ts';
import type { Session } from './emulator-fixture.ts';
import { KEY, session, TAILNET } from './emulator-fixture.ts';
import { basic, call } from './http-client.ts';

async function codeOf(run: () => Promise<unknown>): Promise<string> {
  try {
    await run();
  } catch (error) {
    return error instanceof CordonError ? error.code : `another error: ${error}`;
  }
  return 'no error';
}

describe('the server', () => {
  let s: Session;
  beforeEach(async () => {
    s = await session();
  });
  afterEach(async () => {
    await s.emulator.close();
  });

  it('says in every answer what it is', async () => {
    for (const path of ['/api/v2/tailnet/-/devices', '/_emulator/health', '/nothing', '/api/v2/tailnet/-/acl']) {
      const answer = await call(s.emulator.url, path, { headers: { Authorization: `Bearer ${KEY}` } });
      expect(answer.headers['x-cordon-emulator']).toBe('1');
    }
    const health = JSON.parse((await call(s.emulator.url, '/_emulator/health')).text);
    expect(health).toMatchObject({ emulator: true, tailnet: TAILNET, mode: 'strict' });
  });

  it.each([
    ['GET', '/nothing'],
    ['GET', '/'],
    ['GET', '/api/v2'],
    ['GET', '/api/v2/tailnet/-/nothing'],
    ['POST', '/api/v2/tailnet/-/devices'],
    ['DELETE', '/api/v2/tailnet/-/acl'],
    ['POST', '/_emulator/nothing'],
    ['GET', '/api/v2/device/nobody'],
    ['GET', '/api/v2/tailnet/-/keys/nobody'],
    ['GET', '/api/v2/webhooks/nobody'],
    ['GET', '/api/v2/posture/integrations/nobody'],
    ['GET', '/api/v2/users/nobody'],
    ['GET', '/api/v2/tailnet/-/services/svc:nobody'],
    ['GET', '/api/v2/tailnet/-/services/__proto__'],
    ['PATCH', '/api/v2/tailnet/-/contacts/constructor'],
    ['GET', '/api/v2/tailnet/-/logging/configuration/stream'],
    ['GET', '/api/v2/tailnet/-/logging/__proto__/stream'],
    ['GET', '/api/v2/tailnet/TotherCNTRL/acl'],
    ['GET', '/api/v2/tailnet/example.com/devices'],
  ])('%s %s is 404 with a JSON message', async (method, path) => {
    const answer = await call(s.emulator.url, path, { method, headers: basic(KEY) });
    expect(answer.status).toBe(404);
    expect(JSON.parse(answer.text).message).toMatch(/not found/);
  });

  it('answers broken requests with JSON too', async () => {
    const percent = await call(s.emulator.url, '/api/v2/device/%E0%A4%A', { headers: basic(KEY) });
    expect(percent.status).toBe(400);
    expect(typeof JSON.parse(percent.text).message).toBe('string');
    const latin = await call(s.emulator.url, '/api/v2/tailnet/-/acl', {
      method: 'POST',
      headers: { ...basic(KEY), 'Content-Type': 'application/hujson' },
      body: Buffer.from([0x7b, 0xff, 0x7d]),
    });
    expect(latin.status).toBe(400);
    expect(JSON.parse(latin.text).message).toContain('UTF-8');
    for (const body of ['', 'null', '[]', '{"tags": "tag:model"}', '{"tags":[1]}', '{']) {
      const answer = await s.api('POST', '/device/n1CNTRL/tags', body);
      expect(answer.status, body).toBe(400);
      expect(typeof JSON.parse(answer.text).message).toBe('string');
    }
  });

  it('knows its own tailnet by - and by id, decoded segments, and paths with doubled slashes', async () => {
    for (const path of [`/tailnet/${TAILNET}/acl`, '/tailnet/%2D/acl', '//tailnet//-/acl']) {
      expect((await s.api('GET', path)).status, path).toBe(200);
    }
  });

  it('refuses web pages on its own routes', async () => {
    for (const headers of [{ Origin: 'http://example.com' }, { 'Sec-Fetch-Site': 'cross-site' }]) {
      const answer = await call(s.emulator.url, '/_emulator/policy', {
        method: 'POST',
        headers,
        body: '{"text":"{}"}',
      });
      expect(answer.status).toBe(403);
    }
  });

  it('reports requests without their secrets', async () => {
    await s.emulator.close();
    const seen: unknown[] = [];
    s = await session({ onAnswer: (r) => seen.push(r) });
    await s.api('GET', `/tailnet/-/devices?hostname=${KEY}`);
    expect(seen).toMatchObject([{ method: 'GET', path: '/api/v2/tailnet/-/devices', status: 200 }]);
    expect(JSON.stringify(seen)).not.toContain(KEY);
  });
});

describe('where it listens', () => {
  it.each(['0.0.0.0', '::', '192.0.2.1', 'example.com', '127.0.0.1.example.com', '', '1270.0.0.1'])(
    'not on %s',
    async (host) => {
      expect(await codeOf(() => startEmulator({ key: KEY, tailnetId: TAILNET, host }))).toBe('emulator-not-loopback');
    },
  );

  it('on loopback, any port or the one asked for', async () => {
    const first = await startEmulator({ key: KEY, tailnetId: TAILNET });
    try {
      expect(first.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
      const port = Number(new URL(first.url).port);
      expect(await codeOf(() => startEmulator({ key: KEY, tailnetId: TAILNET, port }))).toBe('emulator-cannot-listen');
    } finally {
      await first.close();
    }
  });

  it('not without a key', async () => {
    expect(await codeOf(() => startEmulator({ key: '', tailnetId: TAILNET }))).toBe('emulator-no-key');
  });
});
