import { describe, expect, it } from 'vitest';
import type { Evidence, SourceEntry } from '../../src/state/evidence.ts';
import { interpret, statusWords } from '../../src/state/interpret.ts';
import { policyEtag } from '../../src/tailnet/policy/etag.ts';

const of = (sources: Evidence['sources']) => interpret({ sources });
const policy = (body: unknown) => of({ 'tailnet/policy': { status: 'ok', body } }).tailnet.policy;
const devices = (body: unknown) => of({ 'tailnet/devices': { status: 'ok', body } }).tailnet.devices;
const ruleset = (body: unknown) => of({ 'host/a/nft.txt': { status: 'ok', body } }).hosts.get('a')?.ruleset;

const TEXT = '{"grants": []}';

describe('evidence', () => {
  it.each<[string, SourceEntry | undefined, string]>([
    ['is not there', undefined, 'not in the evidence'],
    ['was denied', { status: 'denied', why: 'HTTP 403' }, 'denied: HTTP 403'],
    ['was late', { status: 'late' }, 'late'],
    ['was partial', { status: 'partial', body: { text: TEXT } }, 'partial'],
    ['failed with a body all the same', { status: 'failed', body: { text: TEXT } }, 'failed'],
  ])('of which the policy %s says why', (_what, entry, why) => {
    const { policy: found } = of(entry === undefined ? {} : { 'tailnet/policy': entry }).tailnet;
    expect(found).toEqual({ known: false, missing: [{ source: 'tailnet/policy', why }] });
  });

  it('without anything is unknown in all its parts, and speaks of no host', () => {
    const { tailnet, hosts } = of({});
    expect([tailnet.policy.known, tailnet.devices.known, tailnet.settings.known]).toEqual([false, false, false]);
    expect(hosts.size).toBe(0);
  });

  it('names every host of which some source speaks, once', () => {
    const { hosts } = of({
      'host/b/links': { status: 'ok', body: [] },
      'host/a/nft.txt': { status: 'late' },
      'host/b/nft.txt': { status: 'ok', body: '' },
      'openclaw/c/config': { status: 'ok', body: {} },
    });
    expect([...hosts.keys()]).toEqual(['a', 'b']);
    expect(hosts.get('a')?.ruleset.known).toBe(false);
  });
});

describe('a policy', () => {
  it('has the ETag of its canonical text', () => {
    const found = policy({ text: TEXT });
    expect(found.known && found.value.etag).toBe(policyEtag(TEXT));
  });

  it.each([
    ['bare', policyEtag(TEXT)],
    ['quoted', `"${policyEtag(TEXT)}"`],
    ['weak', `W/"${policyEtag(TEXT)}"`],
  ])('takes its ETag %s', (_how, etag) => expect(policy({ text: TEXT, etag }).known).toBe(true));

  it.each([
    ['of another text', policyEtag('{}')],
    ['in upper case', policyEtag(TEXT).toUpperCase()],
    ['empty', ''],
    ['the default marker', 'ts-default'],
  ])('does not take an ETag %s', (_how, etag) => expect(policy({ text: TEXT, etag }).known).toBe(false));

  it.each([
    ['no object', TEXT],
    ['no text', { etag: 'x' }],
    ['a text that is none', { text: 1 }],
    ['an empty text', { text: '' }],
    ['a text that does not parse', { text: '{"grants": [' }],
    ['a text with a key twice', { text: '{"grants": [], "grants": []}' }],
    ['a text with a key twice in another case', { text: '{"grants": [], "Grants": []}' }],
  ])('is unknown with %s', (_what, body) => {
    const found = policy(body);
    expect(found.known).toBe(false);
    expect(!found.known && found.missing[0]?.source).toMatch(/^tailnet\/policy(:\d+:\d+)?$/);
  });
});

describe('a device list', () => {
  const one = { nodeId: 'n1CNTRL', name: 'a', addresses: ['100.64.0.1'], tags: ['tag:a'] };

  it.each([
    ['all fields', { ...one, advertisedRoutes: [], enabledRoutes: null }],
    ['another field that only all fields have', { ...one, clientConnectivity: {} }],
  ])('is read with %s', (_what, d) => expect(devices({ devices: [d] }).known).toBe(true));

  it('with nobody in it is read', () => expect(devices({ devices: [] }).known).toBe(true));

  it('with the default fields is unknown', () => {
    expect(devices({ devices: [one, { ...one, nodeId: 'n2CNTRL' }] })).toEqual({
      known: false,
      missing: [
        {
          source: 'tailnet/devices',
          why: 'no device says anything of routes: the list was asked for without fields=all',
        },
      ],
    });
  });

  it('with all fields on one device only is read: which ones a device has varies', () => {
    expect(devices({ devices: [one, { ...one, nodeId: 'n2CNTRL', sshEnabled: false }] }).known).toBe(true);
  });

  it.each([
    ['another shape', []],
    ['a device without an id', { devices: [{ ...one, nodeId: undefined, enabledRoutes: [] }] }],
    ['a route that is none', { devices: [{ ...one, enabledRoutes: ['10.0.0.0/33'] }] }],
  ])('with %s is unknown', (_what, body) => expect(devices(body).known).toBe(false));
});

describe('a ruleset', () => {
  it('may be empty', () => expect(ruleset('')?.known).toBe(true));

  it.each([
    ['no text', ['table inet a {', '}']],
    ['cut off', 'table inet a {\n\tchain b {\n'],
    ['with a table twice', 'table inet a {\n}\ntable inet a {\n}\n'],
    ['an error message', 'Operation not permitted (you must be root)\n'],
  ])('that is %s is unknown', (_what, body) => expect(ruleset(body)?.known).toBe(false));
});

describe('settings', () => {
  it.each([
    ['an object', { devicesApprovalOn: true }, true],
    ['a list', [], false],
    ['nothing', null, false],
  ])('that are %s', (_what, body, is) => {
    expect(of({ 'tailnet/settings': { status: 'ok', body } }).tailnet.settings.known).toBe(is);
  });
});

it('a source that did not answer is named by its status and why', () => {
  expect(statusWords({ status: 'late' })).toBe('late');
  expect(statusWords({ status: 'denied', why: 'HTTP 403' })).toBe('denied: HTTP 403');
});
