import { describe, expect, it } from 'vitest';
import { formatAddress } from '../../src/net/address.ts';
import { compileTailnet } from '../../src/tailnet/compile.ts';
import { device, policyOf } from './support.ts';

const EXITS = ['0.0.0.0/0', '::/0'];
const devices = [
  device('server', 1, 'tag:server'),
  device('exit', 2, 'tag:exit', { approved: EXITS }),
  device('hopeful', 3, 'tag:exit', { offered: EXITS }),
  device('laptop', 4, 'ada@example.com'),
  device('desk', 5, 'bob@example.com'),
  { ...device('guest', 6, 'eve@elsewhere.example'), isExternal: true },
];
const users = [
  { login: 'ada@example.com', role: 'owner' },
  { login: 'bob@example.com', role: 'member' },
];
const base = {
  tagOwners: { 'tag:server': [], 'tag:exit': [] },
  groups: { 'group:ops': ['ada@example.com'] },
  hosts: { box: '100.64.0.1' },
};

function compiled(nodeAttrs: readonly object[], more: object = {}, who: typeof users | { login: string }[] = users) {
  return compileTailnet(policyOf({ ...base, nodeAttrs, ...more }), { devices, users: who });
}
/** Devices with an attribute `x`, those that may have it with `?`. */
function holders(target: readonly string[], who?: { login: string }[]): string[] {
  const tailnet = compiled([{ target, attr: ['x'] }], {}, who);
  return devices.flatMap(({ id }) => {
    const found = tailnet.attributesOn(id).find((a) => a.name === 'x');
    return found === undefined ? [] : [found.exact ? id : `${id}?`];
  });
}
/** What a policy gives a device beyond what every device has. */
function given(tailnet: ReturnType<typeof compiled>, id: string): string[] {
  return tailnet.attributesOn(id).flatMap((a) => (a.span === undefined ? [] : [a.name]));
}

describe('attributesOn', () => {
  it.each([
    [['*'], ['server', 'exit', 'hopeful', 'laptop', 'desk', 'guest']],
    [['tag:server'], ['server']],
    [
      ['tag:server', 'bob@example.com'],
      ['server', 'desk'],
    ],
    [['group:ops'], ['laptop']],
    [['box'], ['server']],
    [['100.64.0.0/30'], ['server', 'exit', 'hopeful']],
    [['fd7a:115c:a1e0::5'], ['desk']],
    [['autogroup:member'], ['laptop', 'desk']],
    [['autogroup:tagged'], ['server', 'exit', 'hopeful']],
    [['autogroup:owner'], ['laptop']],
    // The owner is an administrator too.
    [['autogroup:admin'], ['laptop']],
    [['autogroup:auditor'], []],
    [[], []],
  ])('of a target %j are those of %j', (target, expected) => {
    expect(holders(target)).toEqual(expected);
  });

  it('are not sure for a role where the roles are not known', () => {
    const nobodys = [{ login: 'ada@example.com' }, { login: 'bob@example.com' }];
    expect(holders(['autogroup:owner'], nobodys)).toEqual(['laptop?', 'desk?']);
  });

  it('add up over entries, and are sure where one entry is', () => {
    const tailnet = compiled(
      [
        { target: ['autogroup:owner'], attr: ['x'] },
        { target: ['desk@example.com', 'bob@example.com'], attr: ['x', 'y'] },
        { target: ['*'], attr: ['y', 'z'] },
      ],
      {},
      [{ login: 'bob@example.com' }],
    );
    expect(given(tailnet, 'desk')).toEqual(['x', 'y', 'z']);
    expect(tailnet.attributesOn('desk').every((a) => a.exact)).toBe(true);
    expect(tailnet.attributesOn('laptop').find((a) => a.name === 'x')?.exact).toBe(false);
  });

  it('are there by default, and every device has the same', () => {
    const tailnet = compiled([]);
    const names = tailnet.attributesOn('server').map((a) => a.name);
    expect(names).toEqual(expect.arrayContaining(['https://tailscale.com/cap/ssh', 'ssh-behavior-v1']));
    expect(tailnet.attributesOn('desk').map((a) => a.name)).toEqual(names);
    expect(given(tailnet, 'server')).toEqual([]);
    expect(tailnet.attributesOn('nobody')).toEqual([]);
  });

  it('know the place that says so', () => {
    const text = `{"tagOwners": {"tag:server": []}, "nodeAttrs": [
      {"target": ["tag:server"], "attr": ["x"]}]}`;
    const tailnet = compileTailnet(policyOf(text), { devices, users });
    expect(tailnet.attributesOn('server').find((a) => a.name === 'x')?.span).toMatchObject({ line: 2, column: 43 });
  });

  it('bring their companion along', () => {
    const tailnet = compiled([{ target: ['tag:server'], attr: ['funnel'] }]);
    expect(given(tailnet, 'server')).toEqual(['funnel', 'https://tailscale.com/cap/funnel-ports?ports=443,8443,10000']);
    expect(given(tailnet, 'exit')).toEqual([]);
  });

  it('are for everybody with randomizeClientPort', () => {
    expect(given(compiled([], { randomizeClientPort: true }), 'desk')).toEqual(['randomize-client-port']);
    expect(given(compiled([], { randomizeClientPort: false }), 'desk')).toEqual([]);
  });
});

describe('addressesOn', () => {
  const addresses = (attr: string[], target = ['tag:server'], who = users) =>
    compiled([{ target, attr }], {}, who).addressesOn('server').map(formatAddress);

  it('are both', () => {
    expect(addresses(['x'])).toEqual(['100.64.0.1', 'fd7a:115c:a1e0::1']);
    expect(addresses(['disable-ipv4'], ['tag:exit'])).toEqual(['100.64.0.1', 'fd7a:115c:a1e0::1']);
  });

  it('are without IPv4 where that is disabled, though the rules keep naming it', () => {
    expect(addresses(['disable-ipv4'])).toEqual(['fd7a:115c:a1e0::1']);
    const tailnet = compiled([{ target: ['tag:server'], attr: ['disable-ipv4'] }], {
      grants: [{ src: ['*'], dst: ['tag:server'], ip: ['*'] }],
    });
    expect(tailnet.rulesOn('server')[0]?.dst[0]?.addresses.v4.isEmpty()).toBe(false);
  });

  it('are both where it is not known whether IPv4 is disabled', () => {
    const tailnet = compiled([{ target: ['autogroup:admin'], attr: ['disable-ipv4'] }], {}, []);
    expect(tailnet.addressesOn('laptop')).toHaveLength(2);
  });
});

describe('peerAttributesAt', () => {
  const suggested = [{ target: ['*'], attr: ['suggest-exit-node', 'x'] }];
  const seen = (id: string, more: object = {}) =>
    compiled(suggested, more)
      .peerAttributesAt(id)
      .map((p) => [p.peer, p.attributes.map((a) => a.name)]);

  it('tell which peers are suggested as exit nodes: those whose exit routes are approved', () => {
    expect(seen('laptop')).toEqual([['exit', ['suggest-exit-node']]]);
    expect(seen('exit')).toEqual([]);
  });

  it('tell nothing of devices that are no peers', () => {
    expect(seen('laptop', { grants: [] })).toEqual([]);
  });
});

describe('what of node attributes is not modelled', () => {
  const said = (entry: object) =>
    policyOf({ ...base, nodeAttrs: [entry] }).unmodelled.map((u) => [u.what.split(': ')[1], u.touches.join()]);

  it.each([
    ['an attribute that nobody knows', { attr: ['custom:x', 'randomize-client-port'] }, [['custom:x', 'attributes']]],
    ['an address pool', { ipPool: ['100.81.0.0/16'] }, [['100.81.0.0/16', 'packets,peers']]],
    ['an app connector', { app: { 'tailscale.com/app-connectors': [] } }, [['app', 'attributes,packets,peers']]],
    ['a key that nobody knows', { until: 'noon' }, [['until', 'attributes,packets,peers']]],
    ['nothing else', { attr: ['funnel', 'disable-ipv4', 'nextdns:abc'] }, []],
  ])('is %s', (_what, entry, expected) => {
    expect(said({ target: ['*'], ...entry })).toEqual(expected.map(([what, touches]) => [what, touches]));
  });

  it('is whom a target means that is only bounded from above', () => {
    const tailnet = compiled([{ target: ['group:synced@example.com'], attr: ['x'] }]);
    const doubts = tailnet.unmodelled.filter((u) => u.touches.includes('attributes'));
    expect(doubts.map((u) => u.kind)).toEqual(['unmodelled', 'assumed']);
    expect(tailnet.attributesOn('desk').find((a) => a.name === 'x')?.exact).toBe(false);
  });
});
