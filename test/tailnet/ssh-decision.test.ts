import { describe, expect, it } from 'vitest';
import { parseAddress } from '../../src/net/address.ts';
import { compileTailnet } from '../../src/tailnet/compile.ts';
import { sshLogin } from '../../src/tailnet/ssh/decision.ts';
import { localpartDomain, localpartOf, localUser } from '../../src/tailnet/ssh/logins.ts';
import { device, policyOf } from './support.ts';

const devices = [device('server', 1, 'tag:server'), device('laptop', 3, 'ada@example.com')];

function login(ssh: readonly object[], from: string, user: string) {
  const policy = policyOf({ tagOwners: { 'tag:server': [] }, ssh });
  const rules = compileTailnet(policy, { devices, users: [{ login: 'ada@example.com' }] }).sshOn('server');
  const address = parseAddress(from);
  return address && sshLogin(rules, address, user);
}
const entry = (users: string[], action = 'accept') => ({
  action,
  src: ['autogroup:member'],
  dst: ['tag:server'],
  users,
});

describe('sshLogin', () => {
  it.each([
    ['100.64.0.3', 'root', 'root'],
    ['fd7a:115c:a1e0::3', 'root', 'root'],
  ])('lets %s in as %s', (from, user, local) => {
    expect(login([entry(['root'])], from, user)?.localUser).toBe(local);
  });

  it.each([
    ['another address', '100.64.0.1', 'root'],
    ['another user', '100.64.0.3', 'ubuntu'],
    ['no name', '100.64.0.3', ''],
  ])('refuses %s', (_what, from, user) => {
    expect(login([entry(['root'])], from, user)).toBeUndefined();
  });

  it('lets the first rule that matches source and name decide', () => {
    const rules = [entry(['ubuntu']), entry(['autogroup:nonroot'], 'check'), entry(['root'])];
    expect(login(rules, '100.64.0.3', 'ubuntu')?.rule).toMatchObject({ action: 'check', index: 1 });
    expect(login(rules, '100.64.0.3', 'root')?.rule).toMatchObject({ action: 'accept', index: 2 });
  });

  it('does not take root for any other name', () => {
    expect(login([entry(['autogroup:nonroot'])], '100.64.0.3', 'root')).toBeUndefined();
    expect(login([entry(['autogroup:nonroot'])], '100.64.0.3', 'toor')?.localUser).toBe('toor');
  });
});

describe('localUser', () => {
  it.each([
    [{ root: '' }, 'root', undefined],
    [{ '*': '=' }, 'root', undefined],
    [{ '*': '=' }, 'ada', 'ada'],
    [{ '*': 'guest' }, 'ada', 'guest'],
    [{ '*': '=', ada: '' }, 'ada', undefined],
    [{ '*': '=' }, '', undefined],
    [{ a: 'b' }, 'a', 'b'],
  ])('of %j for %j is %j', (users, asked, expected) => {
    const logins: [string, string][] = Object.entries(users);
    expect(localUser(new Map(logins), asked)).toBe(expected);
  });
});

describe('localpartDomain', () => {
  it.each([
    ['localpart:*@example.com', 'example.com'],
    ['localpart:*@', undefined],
    ['localpart:ada@example.com', undefined],
    ['localpart:*', undefined],
    ['localpart:*@a@b', undefined],
    ['Localpart:*@example.com', undefined],
    ['*@example.com', undefined],
  ])('of %s is %s', (user, domain) => {
    expect(localpartDomain(user)).toBe(domain);
  });
});

describe('localpartOf', () => {
  const span = { file: 'p', line: 1, column: 1, offset: 0, length: 0 };
  it.each([
    ['ada@example.com', 'ada'],
    ['Ada@Example.Com', 'Ada'],
    ['a@b@example.com', 'a@b'],
    ['@example.com', undefined],
    ['example.com', undefined],
    ['ada@other.example', undefined],
  ])('of %s is %s', (login, local) => {
    expect(
      localpartOf(login, [
        { text: 'root', span },
        { text: 'localpart:*@example.com', span },
      ]),
    ).toBe(local);
  });
});
