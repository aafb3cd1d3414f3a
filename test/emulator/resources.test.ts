import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Session } from './emulator-fixture.ts';
import { KEY, session } from './emulator-fixture.ts';
import { basic, control } from './http-client.ts';

const CLIENT = { id: 'kCICNTRL', secret: 'planted-ci-secret', scopes: ['all'], tags: ['tag:ci'] };
const WINDOW = 'start=2000-01-01T00:00:00Z&end=2100-01-01T00:00:00Z';

let s: Session;
beforeEach(async () => {
  s = await session({ oauthClients: [CLIENT] });
});
afterEach(async () => {
  await s.emulator.close();
});

async function asClient(): Promise<Record<string, string>> {
  const reply = await s.api('POST', '/oauth/token', 'grant_type=client_credentials', basic(CLIENT.id, CLIENT.secret));
  return { Authorization: `Bearer ${JSON.parse(reply.text).access_token}` };
}

describe('devices', () => {
  const names = async (query: string) => {
    const body = await s.json('GET', `/tailnet/-/devices${query}`);
    return z
      .array(z.looseObject({ hostname: z.string() }))
      .parse(body['devices'])
      .map((d) => d.hostname);
  };

  it.each([
    ['', ['orch', 'model', 'laptop']],
    ['?hostname=model', ['model']],
    ['?hostname=mode', []],
    ['?tags=tag:model', ['model']],
    ['?tags=tag:model&tags=tag:gpu', ['model']],
    ['?tags=tag:model&tags=tag:orch', []],
    ['?tags=tag', []],
    ['?hostname=model&tags=tag:orch', []],
    ['?authorized=true&fields=all', ['orch', 'model', 'laptop']],
    ['?authorized=false', []],
    ['?nosuchfield=1', []],
  ])('filter %s', async (query, wanted) => {
    expect(await names(query)).toEqual(wanted);
  });

  it('show routes only with fields=all, and tags only where there are some', async () => {
    const some = await s.json('GET', '/device/n3CNTRL');
    expect(some).not.toHaveProperty('tags');
    expect(some).not.toHaveProperty('enabledRoutes');
    expect(await s.json('GET', '/device/n3CNTRL?fields=all')).toMatchObject({
      enabledRoutes: [],
      advertisedRoutes: [],
    });
  });

  it('answer to both ids', async () => {
    expect((await s.json('GET', '/device/102'))['nodeId']).toBe('n2CNTRL');
    expect((await s.json('GET', '/device/n2CNTRL'))['id']).toBe('102');
  });

  it('take tags that the policy declares and the caller owns', async () => {
    const set = async (tags: string[], headers?: Record<string, string>) => {
      const answer = await s.api('POST', '/device/n3CNTRL/tags', { tags }, headers);
      return [answer.status, JSON.parse(answer.text).message];
    };
    expect(await set(['tag:model'])).toEqual([200, undefined]);
    expect(await set(['tag:model', 'tag:undeclared'])).toEqual([
      400,
      'requested tags [tag:undeclared] are invalid or not permitted',
    ]);
    const client = await asClient();
    expect(await set(['tag:ci'], client)).toEqual([200, undefined]);
    // tag:ci owns tag:orch, and nobody but an administrator tag:model.
    expect(await set(['tag:orch'], client)).toEqual([200, undefined]);
    expect((await set(['tag:model'], client))[0]).toBe(400);
    expect(s.emulator.state.devices[2]?.tags).toEqual(['tag:orch']);
  });

  it('take routes as prefixes without host bits', async () => {
    for (const route of ['10.0.0.1/24', '10.0.0.0', 'x', 'fd00::1/64', '10.0.0.0/33']) {
      expect((await s.api('POST', '/device/n1CNTRL/routes', { routes: [route] })).status, route).toBe(400);
    }
    const routes = await s.json('POST', '/device/n1CNTRL/routes', { routes: ['10.1.0.0/16', '::/0', '0.0.0.0/0'] });
    expect(routes).toEqual({ advertisedRoutes: [], enabledRoutes: ['0.0.0.0/0', '10.1.0.0/16', '::/0'] });
  });

  it('are renamed, addressed, expired, authorised and deleted', async () => {
    await s.json('POST', '/device/n3CNTRL/name', { name: 'desk' });
    await s.json('POST', '/device/n3CNTRL/ip', { ipv4: '100.64.9.9' });
    await s.json('POST', '/device/n3CNTRL/expire');
    await s.json('POST', '/device/n3CNTRL/authorized', { authorized: false });
    expect(s.emulator.state.devices[2]).toMatchObject({
      name: 'desk.emulated.ts.net',
      addresses: ['100.64.9.9'],
      authorized: false,
    });
    await s.json('POST', '/device/n3CNTRL/name', { name: '' });
    expect(s.emulator.state.devices[2]?.name).toBe('laptop.emulated.ts.net');
    expect((await s.api('POST', '/device/n3CNTRL/ip', { ipv4: '::1' })).status).toBe(400);
    await s.json('DELETE', '/device/n3CNTRL');
    expect((await s.api('GET', '/device/n3CNTRL')).status).toBe(404);
    await control(s.emulator.url, 'devices', { devices: [{ hostname: 'guest', nodeId: 'nEXT', isExternal: true }] });
    expect((await s.api('DELETE', '/device/nEXT')).status).toBe(501);
  });

  it('come, change and go at the console, other fields kept', async () => {
    await control(s.emulator.url, 'devices', { devices: [{ nodeId: 'n2CNTRL', advertisedRoutes: ['0.0.0.0/0'] }] });
    expect(s.emulator.state.devices[1]).toMatchObject({ hostname: 'model', tags: ['tag:model', 'tag:gpu'] });
    await control(s.emulator.url, 'devices', { devices: [{ hostname: 'new' }], remove: ['n1CNTRL'] });
    expect(await names('')).toEqual(['model', 'laptop', 'new']);
    const [, , fresh] = s.emulator.state.devices;
    expect(fresh?.nodeId).toMatch(/CNTRL$/);
    await control(s.emulator.url, 'devices', { devices: [{ hostname: 'only' }], replaceAll: true });
    expect(await names('')).toEqual(['only']);
    await expect(control(s.emulator.url, 'devices', { devices: [{ nodeId: 'nNEW' }] })).rejects.toThrow(/hostname/);
    await expect(control(s.emulator.url, 'devices', { device: [] })).rejects.toThrow(/400/);
  });

  it('have posture attributes of one type and one spelling', async () => {
    const set = async (id: string, key: string, value: unknown) =>
      (await s.api('POST', `/device/${id}/attributes/${key}`, { value })).status;
    expect(await set('n1CNTRL', 'custom:score', 80)).toBe(200);
    expect(await set('n2CNTRL', 'custom:score', '80')).toBe(400);
    expect(await set('n2CNTRL', 'custom:Score', 80)).toBe(400);
    expect(await set('n2CNTRL', 'node:os', 'x')).toBe(400);
    expect(await set('n2CNTRL', 'custom:a-b', 'x')).toBe(400);
    expect(await set('n2CNTRL', `custom:${'a'.repeat(122)}`, 1)).toBe(400);
    const nodes = {
      n2CNTRL: { 'custom:score': { value: 1, expiry: '2030-01-01T00:00:00Z' } },
      n1CNTRL: { 'custom:score': null },
    };
    await s.json('PATCH', '/tailnet/-/device-attributes', { nodes });
    expect(await s.json('GET', '/device/n1CNTRL/attributes')).toEqual({ attributes: {}, expiries: {} });
    expect(await s.json('GET', '/device/n2CNTRL/attributes')).toEqual({
      attributes: { 'custom:score': 1 },
      expiries: { 'custom:score': '2030-01-01T00:00:00Z' },
    });
    const bad = { nodes: { n2CNTRL: { 'custom:new': { value: 1 } }, nobody: { 'custom:new': { value: 1 } } } };
    expect((await s.api('PATCH', '/tailnet/-/device-attributes', bad)).status).toBe(404);
    expect(s.emulator.state.devices[1]?.attributes).not.toHaveProperty('custom:new');
  });
});

describe('keys', () => {
  const authKey = (tags: string[], more: object = {}) => ({ capabilities: { devices: { create: { tags } } }, ...more });

  it('show their secret once and are tombstones afterwards', async () => {
    const made = await s.json('POST', '/tailnet/-/keys', authKey(['tag:model']));
    expect(made['key']).toMatch(/^tskey-auth-/);
    expect(made).toMatchObject({ keyType: 'auth', expirySeconds: 7_776_000 });
    const read = await s.json('GET', `/tailnet/-/keys/${made['id']}`);
    expect(read).not.toHaveProperty('key');
    expect(read).not.toHaveProperty('invalid');
    expect(read).not.toHaveProperty('secretHash');
    await s.json('DELETE', `/tailnet/-/keys/${made['id']}`);
    expect(await s.json('GET', `/tailnet/-/keys/${made['id']}`)).toMatchObject({ invalid: true });
    expect((await s.json('GET', '/tailnet/-/keys?all=true'))['keys']).toEqual([]);
  });

  it('end with their time', async () => {
    await s.emulator.close();
    let nowMs = Date.parse('2026-11-24T12:00:00Z');
    s = await session({ now: () => new Date(nowMs) });
    const made = await s.json('POST', '/tailnet/-/keys', authKey([], { expirySeconds: 60 }));
    nowMs += 59_000;
    expect(await s.json('GET', `/tailnet/-/keys/${made['id']}`)).not.toHaveProperty('invalid');
    nowMs += 1000;
    expect(await s.json('GET', `/tailnet/-/keys/${made['id']}`)).toMatchObject({ invalid: true });
  });

  it('carry only tags that the caller may hand out; those of a client must have some', async () => {
    const client = await asClient();
    const status = async (body: unknown, headers?: Record<string, string>) =>
      (await s.api('POST', '/tailnet/-/keys', body, headers)).status;
    expect(await status(authKey([]))).toBe(200);
    expect(await status(authKey([]), client)).toBe(400);
    expect(await status(authKey(['tag:ci']), client)).toBe(200);
    expect(await status(authKey(['tag:model']), client)).toBe(400);
    expect(await status(authKey(['tag:nobody']))).toBe(400);
    expect(await status(authKey([], { description: 'x'.repeat(51) }))).toBe(400);
  });

  it('are listed by kind of caller', async () => {
    await s.json('POST', '/tailnet/-/keys', authKey([]));
    await s.json('POST', '/tailnet/-/keys', { keyType: 'client', scopes: ['dns'] });
    const types = async (query: string, headers?: Record<string, string>) => {
      const answer = await s.api('GET', `/tailnet/-/keys${query}`, undefined, headers);
      return (JSON.parse(answer.text).keys as { keyType: string }[]).map((k) => k.keyType);
    };
    expect(await types('?all=true')).toEqual(['auth', 'client']);
    expect(await types('?all=true', await asClient())).toEqual(['auth', 'client']);
    expect(await types('', await asClient())).toEqual(['client']);
  });
});

describe('settings', () => {
  it('keep what a change leaves out or sends as null, and refuse what they do not know', async () => {
    await s.json('PATCH', '/tailnet/-/settings', { devicesApprovalOn: true, devicesKeyDurationDays: 30 });
    await s.json('PATCH', '/tailnet/-/settings', { devicesApprovalOn: null, usersApprovalOn: true });
    expect(await s.json('GET', '/tailnet/-/settings')).toMatchObject({
      devicesApprovalOn: true,
      devicesKeyDurationDays: 30,
      usersApprovalOn: true,
    });
    for (const wrong of [
      { devicesKeyDurationDays: 0 },
      { devicesKeyDurationDays: 181 },
      { usersRoleAllowedToJoinExternalTailnets: 'all' },
      { devicesApprovalOn: 'yes' },
      { nosuch: true },
    ]) {
      expect((await s.api('PATCH', '/tailnet/-/settings', wrong)).status, JSON.stringify(wrong)).toBe(400);
    }
  });

  it('hide from a token what its scopes do not cover, and let it change nothing else', async () => {
    await s.emulator.close();
    s = await session({ oauthClients: [{ ...CLIENT, scopes: ['feature_settings', 'logs:network:read'] }] });
    const headers = await asClient();
    const seen = JSON.parse((await s.api('GET', '/tailnet/-/settings', undefined, headers)).text);
    expect(seen).toMatchObject({
      devicesApprovalOn: false,
      networkFlowLoggingOn: false,
      httpsEnabled: null,
      aclsExternallyManagedOn: null,
      aclsExternalLink: null,
    });
    const patch = async (body: unknown) => (await s.api('PATCH', '/tailnet/-/settings', body, headers)).status;
    expect(await patch({ devicesApprovalOn: true, aclsExternallyManagedOn: null })).toBe(200);
    expect(await patch({ networkFlowLoggingOn: true })).toBe(403);
    expect(await patch({ devicesApprovalOn: false, httpsEnabled: true })).toBe(403);
    expect(s.emulator.state.settings.devicesApprovalOn).toBe(true);
  });
});

describe('DNS', () => {
  it('is one configuration with two views', async () => {
    await s.json('POST', '/tailnet/-/dns/configuration', {
      nameservers: [{ address: '9.9.9.9', useWithExitNode: true }, { address: '1.1.1.1' }],
      splitDNS: { 'corp.example': [{ address: '10.0.0.1' }], 'gone.example': null },
      searchPaths: ['corp.example'],
      preferences: { magicDNS: true },
    });
    expect(await s.json('GET', '/tailnet/-/dns/nameservers')).toEqual({ dns: ['1.1.1.1', '9.9.9.9'] });
    expect(await s.json('GET', '/tailnet/-/dns/split-dns')).toEqual({ 'corp.example': ['10.0.0.1'] });
    expect(await s.json('GET', '/tailnet/-/dns/preferences')).toEqual({ magicDNS: true });
    await s.json('PATCH', '/tailnet/-/dns/split-dns', { 'corp.example': [], 'x.example': ['10.0.0.2'] });
    expect(await s.json('POST', '/tailnet/-/dns/nameservers', { dns: ['9.9.9.9'] })).toMatchObject({ magicDNS: true });
    expect(await s.json('GET', '/tailnet/-/dns/configuration')).toMatchObject({
      nameservers: [{ address: '9.9.9.9', useWithExitNode: true }],
      splitDNS: { 'x.example': [{ address: '10.0.0.2' }] },
      preferences: { magicDNS: true },
    });
    expect(await s.json('POST', '/tailnet/-/dns/nameservers', { dns: [] })).toEqual({ dns: [], magicDNS: false });
    expect(await s.json('PUT', '/tailnet/-/dns/split-dns', {})).toEqual({});
  });
});

describe('the rest', () => {
  it('users are filtered, counted and managed', async () => {
    const logins = async (query: string) => {
      const body = await s.json('GET', `/tailnet/-/users${query}`);
      return z
        .array(z.looseObject({ loginName: z.string() }))
        .parse(body['users'])
        .map((u) => u.loginName);
    };
    expect(await logins('?role=owner')).toEqual(['ada@example.com']);
    expect(await logins('?role=all&type=member')).toEqual(['ada@example.com', 'bob@example.com']);
    expect(await s.json('GET', '/users/u2')).toMatchObject({ deviceCount: 1, tailnetId: s.emulator.state.tailnetId });
    await s.json('POST', '/users/u2/role', { role: 'admin' });
    await s.json('POST', '/users/u2/suspend');
    expect(await s.json('GET', '/users/u2')).toMatchObject({ role: 'admin', status: 'suspended' });
    expect((await s.api('POST', '/users/u2/role', { role: 'king' })).status).toBe(400);
    await s.json('POST', '/users/u2/delete');
    expect(await logins('')).toEqual(['ada@example.com']);
  });

  it('services have one state under both paths, with hosts and approvals', async () => {
    const made = await s.json('PUT', '/tailnet/-/vip-services/svc:a', {
      name: 'svc:a',
      ports: ['tcp:443'],
      tags: ['tag:model'],
    });
    expect(made).toMatchObject({ name: 'svc:a', addrs: [expect.any(String), expect.any(String)] });
    expect(await s.json('GET', '/tailnet/-/services/svc%3Aa')).toEqual(made);
    const again = await s.json('PUT', '/tailnet/-/services/svc:a', { name: 'svc:a', ports: [], addrs: made['addrs'] });
    expect(again['addrs']).toEqual(made['addrs']);
    expect((await s.api('PUT', '/tailnet/-/services/svc:b', { name: 'svc:a', ports: [] })).status).toBe(400);
    expect((await s.api('PUT', '/tailnet/-/services/svc:c', { name: 'svc:c', tags: ['tag:nobody'] })).status).toBe(400);
    expect((await s.api('GET', '/tailnet/-/services/svc:a/device/n1CNTRL/approved')).status).toBe(404);
    await s.json('POST', '/tailnet/-/services/svc:a/device/101/approved', { approved: true });
    expect(await s.json('GET', '/tailnet/-/services/svc:a/devices')).toMatchObject({
      hosts: [{ stableNodeID: 'n1CNTRL', approvalLevel: 'approved:manual' }],
    });
    expect((await s.json('GET', '/tailnet/-/services'))['vipServices']).toHaveLength(1);
    await s.json('DELETE', '/tailnet/-/services/svc:a');
    expect((await s.json('GET', '/tailnet/-/vip-services'))['vipServices']).toEqual([]);
  });

  it('a second posture integration with one provider is a conflict', async () => {
    await s.json('POST', '/tailnet/-/posture/integrations', { provider: 'kolide', clientSecret: 'x' });
    const twice = await s.api('POST', '/tailnet/-/posture/integrations', { provider: 'kolide', clientSecret: 'x' });
    expect(twice.status).toBe(409);
  });

  it('webhooks show their secret at creation and rotation only', async () => {
    const body = { endpointUrl: 'https://hook.example/', subscriptions: ['policyUpdate'] };
    const made = await s.json('POST', '/tailnet/-/webhooks', body);
    expect(made['secret']).toBeTypeOf('string');
    const rotated = await s.json('POST', `/webhooks/${made['endpointId']}/rotate`);
    expect(rotated['secret']).not.toBe(made['secret']);
    expect(await s.json('GET', `/webhooks/${made['endpointId']}`)).not.toHaveProperty('secret');
    expect((await s.api('POST', `/webhooks/${made['endpointId']}/test`)).status).toBe(202);
  });

  it('the audit log filters by actor, target, event and time', async () => {
    await s.json('POST', '/device/n3CNTRL/authorized', { authorized: true });
    await s.api('POST', '/device/n3CNTRL/authorized', { authorized: false }, await asClient());
    await control(s.emulator.url, 'policy', { text: '{}' });
    const count = async (query: string) =>
      z.array(z.unknown()).parse((await s.json('GET', `/tailnet/-/logging/configuration?${query}`))['logs']).length;
    expect(await count(WINDOW)).toBe(3);
    expect(await count(`${WINDOW}&actor=${CLIENT.id}`)).toBe(1);
    expect(await count(`${WINDOW}&actor=~ADA`)).toBe(1);
    expect(await count(`${WINDOW}&target=laptop`)).toBe(2);
    expect(await count(`${WINDOW}&event=NODE.APPROVE&event=TAILNET.UPDATE.ACL`)).toBe(2);
    expect(await count('start=2000-01-01T00:00:00Z&end=2000-01-02T00:00:00Z')).toBe(0);
    for (const query of ['', 'start=2000-01-01T00:00:00Z', 'start=x&end=y']) {
      expect((await s.api('GET', `/tailnet/-/logging/configuration?${query}`)).status).toBe(400);
    }
  });

  it('flow logs are refused while they are off: nothing seen is not the same as nothing happened', async () => {
    expect((await s.api('GET', `/tailnet/-/logging/network?${WINDOW}`)).status).toBe(403);
    await s.json('PATCH', '/tailnet/-/settings', { networkFlowLoggingOn: true });
    expect((await s.api('GET', `/tailnet/-/logging/network?${WINDOW}`)).text).toBe('{"logs":[]}');
  });

  it('an external id is kept where it may be used again', async () => {
    const id = async (reusable: boolean) =>
      (await s.json('POST', '/tailnet/-/aws-external-id', { reusable }))['externalId'];
    expect(await id(true)).toBe(await id(true));
    expect(await id(false)).not.toBe(await id(false));
  });

  it('changes that arrive together are all made', async () => {
    const paths = Array.from({ length: 40 }, (_, i) => `custom:k${i}`);
    await Promise.all([
      ...paths.map((k) => s.json('POST', `/device/n1CNTRL/attributes/${k}`, { value: 1 })),
      ...paths.map((_, i) => s.json('PUT', `/tailnet/-/services/svc:s${i}`, { name: `svc:s${i}`, ports: [] })),
    ]);
    expect(Object.keys(s.emulator.state.devices[0]?.attributes ?? {}).length).toBe(40);
    const services = Object.values(s.emulator.state.services);
    expect(new Set(services.map((e) => e.service.addrs.join())).size).toBe(40);
    expect(s.emulator.state.log.length).toBe(80);
    expect(new Set(s.emulator.state.log.map((l) => l.eventGroupID)).size).toBe(80);
  });

  it('nobody gets the key back', async () => {
    const answers = await Promise.all(
      [
        '/tailnet/-/devices?fields=all',
        '/tailnet/-/keys?all=true',
        '/tailnet/-/users',
        '/nothing',
        `/device/${KEY}x`,
      ].map((p) => s.api('GET', p)),
    );
    for (const a of answers.slice(0, 4)) expect(a.text).not.toContain(KEY);
  });
});
