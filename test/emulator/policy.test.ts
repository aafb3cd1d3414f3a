import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ALLOW_ALL_DEFAULT } from '../../src/emulator/seed.ts';
import { formatHujson } from '../../src/tailnet/hujson/format.ts';
import type { Session } from './emulator-fixture.ts';
import { KEY, POLICY, session } from './emulator-fixture.ts';
import { control } from './http-client.ts';

const quoted = (text: string): string => `"${createHash('sha256').update(text).digest('hex')}"`;
const bearer = { Authorization: `Bearer ${KEY}` };

describe('the policy file', () => {
  let s: Session;
  beforeEach(async () => {
    s = await session();
  });
  afterEach(async () => {
    await s.emulator.close();
  });
  const post = (text: string, headers: Record<string, string> = {}) =>
    s.api('POST', '/tailnet/-/acl', text, { ...bearer, 'Content-Type': 'application/hujson', ...headers });
  const get = (headers: Record<string, string> = {}, query = '') =>
    s.api('GET', `/tailnet/-/acl${query}`, undefined, { ...bearer, ...headers });

  it('is kept canonical, comments included, with the hash of its text as ETag', async () => {
    const sent = POLICY.replaceAll('\t', '  ').replace('"grants"', '// who may\n"grants"');
    const answer = await post(sent);
    expect(answer.status).toBe(200);
    expect(answer.text).toBe(formatHujson(sent));
    expect(answer.text).toContain('// who may');
    expect(answer.headers.etag).toBe(quoted(answer.text));
    const read = await get();
    expect([read.text, read.headers.etag]).toEqual([answer.text, answer.headers.etag]);
    expect(read.headers['content-type']).toContain('application/hujson');
  });

  it('comes as JSON only to who asks for JSON', async () => {
    const json = await get({ Accept: 'application/json' });
    expect(JSON.parse(json.text)).toMatchObject({ tagOwners: { 'tag:model': ['autogroup:admin'] } });
    expect(json.headers.etag).toBe(quoted(POLICY));
    for (const Accept of ['application/hujson', '*/*', 'text/plain', 'application/jsonish']) {
      expect((await get({ Accept })).text).toBe(POLICY);
    }
  });

  it('comes with details for both spellings that clients use', async () => {
    for (const query of ['?details=true', '?details=1']) {
      const answer = await get({}, query);
      const body = JSON.parse(answer.text);
      expect(Buffer.from(body.acl, 'base64').toString('utf8')).toBe(POLICY);
      expect(body).toMatchObject({ warnings: null, errors: null });
      expect(answer.headers.etag).toBe(quoted(POLICY));
    }
    expect((await get({}, '?details=false')).text).toBe(POLICY);
  });

  it.each([
    ['the quoted ETag', quoted(POLICY), 200],
    ['the bare ETag', quoted(POLICY).slice(1, -1), 200],
    ['no condition', undefined, 200],
    ['another ETag', quoted('x'), 412],
    ['half an ETag', quoted(POLICY).slice(0, -5), 412],
    ['the default mark, once there is a policy', '"ts-default"', 412],
    ['an empty condition', '""', 412],
  ])('a write with %s', async (_name, condition, status) => {
    const answer = await post('{"grants":[]}', condition === undefined ? {} : { 'If-Match': condition });
    expect(answer.status).toBe(status);
    if (status === 412) {
      expect(JSON.parse(answer.text)).toEqual({ message: 'precondition failed, invalid old hash' });
      expect(s.emulator.state.policy.text).toBe(POLICY);
    }
  });

  it('an empty body goes back to the default, which allows everything and matches ts-default again', async () => {
    const answer = await post('');
    expect(answer.status).toBe(200);
    expect(answer.text).toBe(formatHujson(ALLOW_ALL_DEFAULT));
    expect(s.emulator.state.policy.isDefault).toBe(true);
    expect((await post('{"grants":[]}', { 'If-Match': '"ts-default"' })).status).toBe(200);
    expect((await post('{"grants":[]}', { 'If-Match': '"ts-default"' })).status).toBe(412);
  });

  it('of many writers with one ETag exactly one wins', async () => {
    const texts = Array.from({ length: 20 }, (_, i) => `{"grants":[{"src":["*"],"dst":["*"],"ip":["tcp:${i + 1}"]}]}`);
    const answers = await Promise.all(texts.map((t) => post(t, { 'If-Match': quoted(POLICY) })));
    expect(answers.filter((a) => a.status === 200).length).toBe(1);
    expect(answers.filter((a) => a.status === 412).length).toBe(19);
    const winner = answers.findIndex((a) => a.status === 200);
    expect(s.emulator.state.policy.text).toBe(formatHujson(texts[winner] ?? ''));
  });

  it('is refused with the service’s words where it is wrong', async () => {
    const syntax = await post('{\n  "grants": [}\n');
    expect(syntax.status).toBe(400);
    expect(JSON.parse(syntax.text).message).toMatch(/line 2, column \d+/);
    const blank = await post(' ');
    expect(blank.status).toBe(400);
    const tests = POLICY.replace('"grants"', '"tests": [{"src": "tag:orch", "deny": ["tag:model:11434"]}], "grants"');
    const failed = await post(tests);
    expect(failed.status).toBe(400);
    expect(JSON.parse(failed.text)).toMatchObject({
      message: 'test(s) failed',
      data: [{ user: 'tag:orch', errors: [expect.stringContaining('want: Drop, got: Accept')] }],
    });
    expect(s.emulator.state.policy.text).toBe(POLICY);
  });

  it('stores what it is given in lenient mode', async () => {
    await s.emulator.close();
    s = await session({ mode: 'lenient' });
    const undeclared = '{"grants":[{"src":["tag:nobody"],"dst":["*"],"ip":["*"]}]}';
    expect((await post(undeclared)).status).toBe(200);
    expect((await s.api('POST', '/device/n1CNTRL/tags', { tags: ['tag:nobody'] })).status).toBe(200);
  });

  it('validate answers 200 whatever it finds, and changes nothing', async () => {
    const validate = async (body: unknown) => {
      const answer = await s.api('POST', '/tailnet/-/acl/validate', body);
      return [answer.status, JSON.parse(answer.text)];
    };
    expect(await validate(POLICY)).toEqual([200, {}]);
    expect(await validate('{"grants":[]}')).toEqual([200, {}]);
    const wrong = { grants: [], tests: [{ src: 'ada@example.com', accept: ['100.64.0.2:22'] }] };
    expect(await validate(wrong)).toMatchObject([200, { message: 'test(s) failed' }]);
    // An array holds tests for the policy in force.
    expect(await validate([{ src: 'tag:orch', accept: ['tag:model:11434'] }])).toEqual([200, {}]);
    expect(await validate([{ src: 'tag:orch', accept: ['tag:model:11435'] }])).toMatchObject([
      200,
      { message: 'test(s) failed', data: [{ user: 'tag:orch' }] },
    ]);
    expect(await validate('')).toEqual([400, { message: 'unexpected end of JSON input' }]);
    expect((await validate('{'))[0]).toBe(400);
    expect(s.emulator.state.policy.text).toBe(POLICY);
  });

  it('the console edits it behind everybody’s back, and the audit log knows who', async () => {
    await post('{"grants":[]}');
    const open = '{"grants": [{"src": ["*"], "dst": ["*"], "ip": ["*"]}]}\n';
    const reply = await control(s.emulator.url, 'policy', { text: open, actor: 'mallory@example.com' });
    expect(reply).toEqual({ text: open, isDefault: false, etag: quoted(open) });
    const log = await s.json(
      'GET',
      '/tailnet/-/logging/configuration?start=2000-01-01T00:00:00Z&end=2100-01-01T00:00:00Z',
    );
    expect(log['logs']).toMatchObject([
      {
        origin: 'CONFIG_API',
        actor: { type: 'USER', loginName: 'ada@example.com' },
        target: { property: 'ACL' },
        old: POLICY,
      },
      { origin: 'ADMIN_CONSOLE', actor: { loginName: 'mallory@example.com' }, action: 'UPDATE', new: open },
    ]);
    await control(s.emulator.url, 'policy', { text: open, isDefault: true });
    expect(s.emulator.state.policy.isDefault).toBe(true);
  });

  it('a preview is refused, not guessed', async () => {
    const answer = await s.api('POST', '/tailnet/-/acl/preview?type=user&previewFor=ada@example.com', POLICY);
    expect(answer.status).toBe(501);
  });
});
