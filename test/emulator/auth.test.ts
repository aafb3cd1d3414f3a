import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mayRequestScope, scopesCover } from '../../src/emulator/scopes.ts';
import type { Session } from './emulator-fixture.ts';
import { KEY, session, TAILNET } from './emulator-fixture.ts';
import { basic } from './http-client.ts';

const CLIENT = {
  id: 'kAUTHCNTRL',
  secret: 'planted-client-secret',
  scopes: ['policy_file:read', 'devices:core'],
  tags: ['tag:ci'],
};

describe('scopes', () => {
  it.each([
    [['all'], 'dns', 'write', true],
    [['all:read'], 'dns', 'read', true],
    [['all:read'], 'dns', 'write', false],
    [['dns'], 'dns', 'read', true],
    [['dns:read'], 'dns', 'write', false],
    [['devices:core'], 'devices:routes', 'read', false],
    [[], 'dns', 'read', false],
  ] as const)('%j for %s %s: %s', (granted, needed, access, wanted) => {
    expect(scopesCover(granted, needed, access)).toBe(wanted);
  });

  it('a token may ask for less, never for more', () => {
    expect(mayRequestScope(['dns'], 'dns:read')).toBe(true);
    expect(mayRequestScope(['dns:read'], 'dns')).toBe(false);
    expect(mayRequestScope(['all:read'], 'all')).toBe(false);
    expect(mayRequestScope(['all:read'], 'all:read')).toBe(true);
  });
});

describe('authentication', () => {
  let s: Session;
  let nowMs = Date.parse('2026-11-24T12:00:00Z');
  beforeEach(async () => {
    nowMs = Date.parse('2026-11-24T12:00:00Z');
    s = await session({ oauthClients: [CLIENT], now: () => new Date(nowMs) });
  });
  afterEach(async () => {
    await s.emulator.close();
  });

  const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
  const token = async (headers: Record<string, string>, body = 'grant_type=client_credentials') =>
    s.api('POST', '/oauth/token', body, { ...form, ...headers });

  it.each([
    ['Basic', basic(KEY), 200],
    ['Basic with a password', basic(KEY, 'whatever'), 200],
    ['Bearer', { Authorization: `Bearer ${KEY}` }, 200],
    ['bearer', { Authorization: `bearer ${KEY}` }, 200],
    ['no header', {}, 401],
    ['another key', basic(`${KEY}x`), 401],
    ['half a key', basic(KEY.slice(0, -1)), 401],
    ['an empty key', basic(''), 401],
    ['the key as password', basic('', KEY), 401],
    ['the key alone', { Authorization: KEY }, 401],
    ['nothing after Bearer', { Authorization: 'Bearer ' }, 401],
    ['the client secret', { Authorization: `Bearer ${CLIENT.secret}` }, 401],
  ])('%s', async (_name, headers, status) => {
    const answer = await s.api('GET', '/tailnet/-/acl', undefined, headers);
    expect(answer.status).toBe(status);
    if (status === 401) expect(JSON.parse(answer.text)).toEqual({ message: 'API token invalid' });
  });

  it('gives a token for Basic and for form fields', async () => {
    const fields = `grant_type=client_credentials&client_id=${CLIENT.id}&client_secret=${CLIENT.secret}`;
    for (const answer of [await token(basic(CLIENT.id, CLIENT.secret)), await token({}, fields)]) {
      expect(JSON.parse(answer.text)).toMatchObject({
        token_type: 'Bearer',
        expires_in: 3600,
        scope: 'policy_file:read devices:core',
        tags: 'tag:ci',
      });
    }
  });

  it.each([
    ['a wrong secret', basic(CLIENT.id, 'wrong'), 'grant_type=client_credentials', 401],
    ['another client', basic('kOTHER', CLIENT.secret), 'grant_type=client_credentials', 401],
    ['the API key', basic(KEY), 'grant_type=client_credentials', 401],
    ['another grant', basic(CLIENT.id, CLIENT.secret), 'grant_type=password', 400],
    ['more scopes', basic(CLIENT.id, CLIENT.secret), 'grant_type=client_credentials&scope=policy_file', 400],
  ])('no token for %s', async (_name, headers, body, status) => {
    expect((await token(headers, body)).status).toBe(status);
  });

  it('a token reads what its scopes say and nothing more, until it ends', async () => {
    const { access_token } = JSON.parse((await token(basic(CLIENT.id, CLIENT.secret))).text);
    const headers = { Authorization: `Bearer ${access_token}` };
    const status = async (method: string, path: string, body?: unknown) =>
      (await s.api(method, path, body, headers)).status;
    expect(await status('GET', '/tailnet/-/acl')).toBe(200);
    expect(await status('POST', '/tailnet/-/acl', '{}')).toBe(403);
    expect(await status('POST', '/tailnet/-/acl/validate', '{}')).toBe(200);
    expect(await status('GET', '/tailnet/-/devices')).toBe(200);
    expect(await status('POST', '/device/n3CNTRL/authorized', { authorized: false })).toBe(200);
    expect(await status('POST', '/device/n3CNTRL/routes', { routes: [] })).toBe(403);
    expect(await status('GET', '/tailnet/-/dns/configuration')).toBe(403);
    nowMs += 3_599_000;
    expect(await status('GET', '/tailnet/-/acl')).toBe(200);
    nowMs += 1000;
    expect(await status('GET', '/tailnet/-/acl')).toBe(401);
  });

  it('a client made through the API works until it is deleted', async () => {
    const made = await s.json('POST', '/tailnet/-/keys', { keyType: 'client', scopes: ['dns:read'], tags: [] });
    expect(String(made['key'])).toMatch(/^tskey-client-/);
    // The whole key is the secret: tailscale-client-go sends it as it was shown.
    const secret = String(made['key']);
    expect((await token(basic(String(made['id']), secret))).status).toBe(200);
    expect((await token(basic(String(made['id']), secret.split('-').at(-1)))).status).toBe(401);
    await s.json('DELETE', `/tailnet/-/keys/${made['id']}`);
    expect((await token(basic(String(made['id']), secret))).status).toBe(401);
  });

  it('exchanges an identity token that fits, and only that', async () => {
    const identity = await s.json('POST', '/tailnet/-/keys', {
      keyType: 'federated',
      scopes: ['dns:read'],
      issuer: 'https://issuer.example',
      subject: 'repo:a/b:*',
      customClaimRules: { ref: 'main' },
    });
    expect(identity['audience']).toBe(`api.tailscale.com/${TAILNET}-${identity['id']}`);
    expect(identity['key']).toBeUndefined();
    const claims = {
      iss: 'https://issuer.example',
      sub: 'repo:a/b:x',
      aud: identity['audience'],
      exp: nowMs / 1000 + 60,
      ref: 'main',
    };
    const exchange = async (given: object) => {
      const jwt = ['e30', Buffer.from(JSON.stringify(given)).toString('base64url'), 'x'].join('.');
      return (await s.api('POST', '/oauth/token-exchange', `client_id=${identity['id']}&jwt=${jwt}`, form)).status;
    };
    expect(await exchange(claims)).toBe(200);
    for (const wrong of [
      { iss: 'https://other.example' },
      { sub: 'repo:a/c:x' },
      { sub: 'xrepo:a/b:x' },
      { aud: 'api.tailscale.com/other' },
      { exp: nowMs / 1000 - 1 },
      { ref: 'maintenance' },
    ]) {
      expect(await exchange({ ...claims, ...wrong }), JSON.stringify(wrong)).toBe(401);
    }
  });
});
