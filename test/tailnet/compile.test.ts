import { describe, expect, it } from 'vitest';
import type { Device } from '../../src/tailnet/device.ts';
import { compiled, device, rules } from './support.ts';

const model = device('model', 1, 'tag:model');
const orchestrator = device('orchestrator', 2, 'tag:orchestrator');
const laptop = device('laptop', 3, 'ada@example.com');
const phone = device('phone', 4, 'ada@example.com');
const desk = device('desk', 5, 'bob@example.com');
const all = [model, orchestrator, laptop, phone, desk];

const MODEL = '100.64.0.1';
const MODEL6 = 'fd7a:115c:a1e0::1';
const ORCHESTRATOR = '100.64.0.2,fd7a:115c:a1e0::2';
const DEFAULT = '1,6,17,58';

describe('packet rules', () => {
  it('go to the destination, in both families, and to nobody else', () => {
    const grant = { src: ['tag:orchestrator'], dst: ['tag:model'], ip: ['tcp:11434'] };
    const tailnet = compiled({ grants: [grant] }, all);
    expect(rules(tailnet, 'model')).toEqual([`${ORCHESTRATOR} -> ${MODEL},${MODEL6}:11434 6`]);
    for (const other of ['orchestrator', 'laptop', 'nobody']) expect(rules(tailnet, other)).toEqual([]);
    expect(tailnet.rulesOn('model')[0]?.span).toMatchObject({ file: 'p.hujson', line: 1 });
  });

  it('without a protocol mean TCP, UDP and both ICMPs', () => {
    const tailnet = compiled({ acls: [{ action: 'accept', src: ['tag:orchestrator'], dst: ['tag:model:22'] }] }, all);
    expect(rules(tailnet, 'model')).toEqual([`${ORCHESTRATOR} -> ${MODEL},${MODEL6}:22 ${DEFAULT}`]);
  });

  it('keep protocols of one grant apart', () => {
    const tailnet = compiled(
      { grants: [{ src: [MODEL], dst: ['tag:model'], ip: ['tcp:1', 'udp:2', 'tcp:3', '4'] }] },
      all,
    );
    expect(rules(tailnet, 'model')).toEqual([
      `${MODEL} -> ${MODEL},${MODEL6}:1 ${MODEL},${MODEL6}:3 6`,
      `${MODEL} -> ${MODEL},${MODEL6}:2 17`,
      `${MODEL} -> ${MODEL},${MODEL6}:4 ${DEFAULT}`,
    ]);
  });

  it('allow everything when both keys are missing, and blame no line', () => {
    for (const text of ['{}', '{"acls": null}', '{"tagOwners": {}}']) {
      const tailnet = compiled(text, [model, orchestrator]);
      expect(tailnet.rulesOn('model')).toMatchObject([{ section: 'default', span: undefined, exact: true }]);
      expect(tailnet.rulesOn('model')[0]?.dst[0]?.addresses.format()).toBe('*');
      expect(tailnet.unmodelled).toEqual([]);
    }
  });

  it('allow nothing when an empty list of grants is all there is', () => {
    for (const text of ['{"grants": []}', '{"grants": [], "acls": null}', '{"GRANTS": [], "tagOwners": {}}']) {
      const tailnet = compiled(text, all);
      expect(tailnet.rulesOn('model')).toEqual([]);
      expect(tailnet.unmodelled).toEqual([]);
    }
  });

  it('may allow everything when there is an empty list of acls', () => {
    for (const text of ['{"acls": []}', '{"acls": [], "grants": null}', '{"acls": [], "grants": []}']) {
      const tailnet = compiled(text, all);
      expect(tailnet.rulesOn('model')).toMatchObject([{ section: 'default', exact: false }]);
      expect(tailnet.unmodelled).toMatchObject([{ touches: ['packets', 'peers'] }]);
    }
  });

  it('name the entry that they come from', () => {
    const policy = `{"acls": [
      {"action": "accept", "src": ["*"], "dst": ["tag:gone:1"]},
      {"action": "accept", "src": ["*"], "dst": ["tag:model:2"]},
    ], "grants": [{"src": ["*"], "dst": ["tag:model"], "ip": ["3"]}]}`;
    const found = compiled(policy, all).rulesOn('model');
    expect(found.map((r) => [r.section, r.index, r.span?.line])).toEqual([
      ['acls', 1, 3],
      ['grants', 0, 4],
    ]);
  });

  it('leave empty groups, tags without devices and empty lists without a rule', () => {
    const grants = [
      { src: ['group:none'], dst: ['tag:model'], ip: ['*'] },
      { src: ['tag:gone'], dst: ['tag:model'], ip: ['*'] },
      { src: [], dst: ['tag:model'], ip: ['*'] },
      { src: ['*'], dst: [], ip: ['*'] },
      { src: ['*'], dst: ['tag:model'] },
    ];
    expect(rules(compiled({ groups: { 'group:none': [] }, grants }, all), 'model')).toEqual([]);
  });
});

describe('identity', () => {
  const to = (src: string) =>
    rules(
      compiled(
        { groups: { 'group:g': ['Ada@example.com'] }, grants: [{ src: [src], dst: ['tag:model'], ip: ['1'] }] },
        all,
      ),
      'model',
    ).map((line) => line.split(' -> ')[0]);

  it.each([
    ['ada@example.com', '100.64.0.3-100.64.0.4,fd7a:115c:a1e0::3-fd7a:115c:a1e0::4'],
    ['group:g', '100.64.0.3-100.64.0.4,fd7a:115c:a1e0::3-fd7a:115c:a1e0::4'],
    ['user:*@example.com', '? 100.64.0.3-100.64.0.5,fd7a:115c:a1e0::3-fd7a:115c:a1e0::5'],
    ['autogroup:member', '100.64.0.3-100.64.0.5,fd7a:115c:a1e0::3-fd7a:115c:a1e0::5'],
    ['autogroup:tagged', '100.64.0.1-100.64.0.2,fd7a:115c:a1e0::1-fd7a:115c:a1e0::2'],
    ['tag:orchestrator', ORCHESTRATOR],
    ['100.64.0.2', '100.64.0.2'],
    ['autogroup:danger-all', '*'],
  ])('%s is %s', (src, addresses) => {
    expect(to(src)).toEqual([addresses]);
  });

  it.each(['user:*@ample.com', 'user:*@example.co', 'carl@example.com', 'tag:Model'])('%s is nobody', (src) => {
    expect(to(src)).toEqual([]);
  });

  it('does not let a tagged device stand for its creator', () => {
    const tagged: Device = { ...laptop, id: 'tagged', tags: ['tag:x'], user: undefined, addresses: [] };
    const tailnet = compiled({ grants: [{ src: ['*'], dst: ['ada@example.com'], ip: ['*'] }] }, [tagged, laptop]);
    expect(tailnet.rulesOn('tagged')).toEqual([]);
    expect(tailnet.rulesOn('laptop')).toHaveLength(1);
  });

  it('takes autogroup:self as the other devices of the same owner', () => {
    const tailnet = compiled({ acls: [{ action: 'accept', src: ['*'], dst: ['autogroup:self:22'] }] }, all);
    expect(rules(tailnet, 'laptop')).toEqual([
      `100.64.0.3-100.64.0.4,fd7a:115c:a1e0::3-fd7a:115c:a1e0::4 -> 100.64.0.3,fd7a:115c:a1e0::3:22 ${DEFAULT}`,
    ]);
    expect(rules(tailnet, 'model')).toEqual([]);
    expect(tailnet.peersOf('laptop')).toEqual(['phone']);
    expect(tailnet.peersOf('desk')).toEqual([]);
    const bobOnly = compiled({ grants: [{ src: ['bob@example.com'], dst: ['autogroup:self'], ip: ['*'] }] }, all);
    expect(rules(bobOnly, 'laptop')).toEqual([]);
    expect(bobOnly.peersOf('laptop')).toEqual([]);
  });
});

describe('what is not modelled', () => {
  const grant = { src: ['tag:orchestrator'], dst: ['tag:model'], ip: ['tcp:1'] };
  const cases: [string, object, string][] = [
    ['a role', { grants: [{ ...grant, src: ['autogroup:admin'] }] }, '100.64.0.3-100.64.0.5'],
    ['devices of others', { grants: [{ ...grant, src: ['autogroup:shared'] }] }, '100.64.0.0,100.64.0.6-'],
    ['an IP set without definition', { grants: [{ ...grant, src: ['ipset:corp'] }] }, '*'],
    ['an undefined host', { grants: [{ ...grant, src: ['nohost'] }] }, '*'],
    ['an undefined group', { grants: [{ ...grant, src: ['group:synced@example.com'] }] }, '100.64.0.3-100.64.0.5'],
    [
      'a nested group',
      { groups: { 'group:a': ['group:b'] }, grants: [{ ...grant, src: ['group:a'] }] },
      '100.64.0.3-100.64.0.5',
    ],
    ['a strange autogroup', { grants: [{ ...grant, src: ['autogroup:future'] }] }, '*'],
    ['bits beyond a mask', { grants: [{ ...grant, src: ['10.0.0.1/8'] }] }, '10.0.0.0/8'],
    ['a posture', { grants: [{ ...grant, srcPosture: ['posture:p'] }] }, ORCHESTRATOR],
    ['a default posture', { defaultSrcPosture: ['posture:p'], grants: [grant] }, ORCHESTRATOR],
    ['an unknown key', { grants: [{ ...grant, when: 'always' }] }, '*'],
    ['an unreadable port', { grants: [{ ...grant, ip: ['tcp:x'] }] }, ORCHESTRATOR],
    ['another action', { acls: [{ action: 'deny', src: ['tag:orchestrator'], dst: ['tag:model:1'] }] }, ORCHESTRATOR],
    ['an odd protocol', { grants: [{ ...grant, ip: ['sctp:1'] }] }, ORCHESTRATOR],
  ];

  it.each(cases)('bounds %s from above and says so', (_, policy, src) => {
    const tailnet = compiled(policy, all);
    const found = tailnet.rulesOn('model');
    expect(found.map((r) => r.exact)).toEqual(found.map(() => false));
    expect(found.some((r) => r.src.format().startsWith(src))).toBe(true);
    expect(tailnet.unmodelled.length).toBeGreaterThan(0);
    expect(tailnet.unmodelled.every((u) => u.touches.includes('packets') && u.span !== undefined)).toBe(true);
  });

  it('keeps what is known beside it exact', () => {
    const policy = { grants: [{ ...grant, src: ['autogroup:admin', 'tag:orchestrator'] }, grant] };
    const found = compiled(policy, all).rulesOn('model');
    expect(found.map((r) => [r.index, r.exact, r.src.format().split(',')[0]])).toEqual([
      [0, true, '100.64.0.2'],
      [0, false, '100.64.0.3-100.64.0.5'],
      [1, true, '100.64.0.2'],
    ]);
  });

  it('takes an unknown key as anything to anything, everywhere', () => {
    const found = compiled({ grants: [{ ...grant, when: 'always' }] }, all).rulesOn('desk');
    expect(found).toMatchObject([{ exact: false }]);
    expect(found[0]?.src.format()).toBe('*');
    expect(found[0]?.dst[0]?.addresses.format()).toBe('*');
    expect(found[0]?.protocols).toContain(47);
  });

  it('takes a service for any tailnet address that no device has', () => {
    const found = compiled({ grants: [{ ...grant, dst: ['svc:web'] }] }, all).rulesOn('desk');
    expect(found.map((r) => r.exact)).toEqual([false]);
    const addresses = found[0]?.dst[0]?.addresses;
    expect(addresses?.contains({ family: 4, value: 0x64400009n })).toBe(true);
    expect(addresses?.contains({ family: 4, value: 0x64400001n })).toBe(false);
  });

  it('reports shared-in devices, which have no tags of ours', () => {
    const guest: Device = { ...device('guest', 9, 'tag:orchestrator'), isExternal: true };
    const tailnet = compiled({ grants: [grant] }, [model, guest]);
    expect(tailnet.unmodelled).toMatchObject([{ span: undefined, touches: ['packets', 'peers'] }]);
    expect(rules(tailnet, 'model')).toEqual([]);
  });
});

describe('routes', () => {
  const router = device('router', 10, 'tag:router', { approved: ['10.33.0.0/16'], offered: ['10.99.0.0/16'] });
  const standby = device('standby', 11, 'tag:router', { approved: ['10.33.0.0/16'] });
  const exit = device('exit', 12, 'tag:exit', { approved: ['0.0.0.0/0', '::/0'] });
  const to = (dst: string, devices: Device[]) =>
    compiled({ grants: [{ src: ['tag:orchestrator'], dst: [dst], ip: ['tcp:22'] }] }, [orchestrator, ...devices]);
  const offered = (tailnet: ReturnType<typeof compiled>) =>
    tailnet.routesAt('orchestrator').map((r) => [r.peer, r.prefixes.length, r.maybe.length]);

  it.each(['10.33.0.0/16', '10.33.1.0/24', '10.33.0.1', '10.0.0.0/8'])('%s lies on the router', (dst) => {
    const tailnet = to(dst, [router]);
    expect(tailnet.rulesOn('router').map((r) => r.exact)).toEqual([true]);
    expect(offered(tailnet)).toEqual([['router', 1, 0]]);
  });

  it.each(['10.34.0.0/16', '10.99.0.0/16', 'fd00::/64', 'tag:gone'])('%s does not', (dst) => {
    const tailnet = to(dst, [router]);
    expect(tailnet.rulesOn('router')).toEqual([]);
    expect(tailnet.peersOf('orchestrator')).toEqual([]);
    expect(offered(tailnet)).toEqual([]);
  });

  it('come by the primary where it is known, and perhaps by either where it is not', () => {
    const [first] = router.enabledRoutes;
    if (first === undefined) throw new Error('no route');
    const known = [
      { ...router, primaryRoutes: [] },
      { ...standby, primaryRoutes: [first] },
    ];
    expect(offered(to('10.33.0.0/16', known))).toEqual([['standby', 1, 0]]);
    expect(offered(to('10.33.0.0/16', [router, standby]))).toEqual([
      ['router', 0, 1],
      ['standby', 0, 1],
    ]);
  });

  it('of exit nodes need the internet, not their tag', () => {
    expect(offered(to('autogroup:internet', [exit]))).toEqual([['exit', 2, 0]]);
    expect(offered(to('tag:exit', [exit]))).toEqual([]);
    expect(to('tag:exit', [exit]).peersOf('orchestrator')).toEqual(['exit']);
    expect(offered(to('*', [exit]))).toEqual([['exit', 2, 0]]);
  });

  it.each([
    ['8.8.8.8', [false]],
    ['2606:4700::/32', [false]],
    ['192.168.0.0/16', []],
    ['fd00::/16', []],
  ])('may lead %s, a literal, through an approved exit node', (dst, exact) => {
    expect(
      to(dst, [exit])
        .rulesOn('exit')
        .map((r) => r.exact),
    ).toEqual(exact);
  });

  it('widen every wildcard source', () => {
    const any = { grants: [{ src: ['*'], dst: ['tag:model'], ip: ['*'] }] };
    expect(compiled(any, [model]).rulesOn('model')[0]?.src.format()).not.toContain('10.33.0.0/16');
    const widened = compiled(any, [model, router, exit]).rulesOn('model')[0]?.src.format();
    expect(widened).toContain('10.33.0.0/16');
    expect(widened).not.toContain('10.99.0.0/16');
    expect(widened).not.toContain('0.0.0.0');
  });

  it('are steered by via, which selects routers by tag and route', () => {
    const policy = (via: string[], dst: string) => ({
      grants: [{ src: ['tag:orchestrator'], dst: [dst], ip: ['*'], via }],
    });
    const on = (via: string[], dst: string) =>
      compiled(policy(via, dst), [orchestrator, router, exit]).rulesOn('router');
    expect(on(['tag:router'], '10.33.0.0/16')).toMatchObject([{ via: true, exact: true }]);
    expect(on(['tag:exit'], '10.33.0.0/16')).toEqual([]);
    expect(on(['tag:router'], '*')).toEqual([]);
    expect(on(['tag:router'], 'tag:router')).toEqual([]);
    expect(on(['tag:router'], 'autogroup:internet')).toEqual([]);
  });
});

describe('peers', () => {
  it('see each other in both directions, whoever may connect', () => {
    const tailnet = compiled({ grants: [{ src: ['tag:orchestrator'], dst: ['tag:model'], ip: ['tcp:1'] }] }, all);
    expect(tailnet.peersOf('model')).toEqual(['orchestrator']);
    expect(tailnet.peersOf('orchestrator')).toEqual(['model']);
    expect(tailnet.peersOf('desk')).toEqual([]);
    expect(tailnet.peersOf('nobody')).toEqual([]);
  });

  it('are made by capabilities too, without packet access', () => {
    const app = { 'example.com/cap/x': [{ role: 'admin' }] };
    const tailnet = compiled({ grants: [{ src: ['tag:orchestrator'], dst: ['tag:model'], app }] }, all);
    expect(tailnet.rulesOn('model')).toEqual([]);
    expect(tailnet.peersOf('model')).toEqual(['orchestrator']);
    expect(tailnet.capabilitiesOn('model')).toMatchObject([{ name: 'example.com/cap/x', values: [{ role: 'admin' }] }]);
    expect(tailnet.capabilitiesOn('orchestrator')).toEqual([]);
  });
});
