import { describe, expect, it } from 'vitest';
import { formatAddress } from '../../src/net/address.ts';
import { formatPrefix } from '../../src/net/prefix.ts';
import { approvedRoutes, parseDevices } from '../../src/tailnet/device.ts';

const full = {
  id: '92',
  nodeId: 'nAbc1CNTRL',
  name: 'orch-1.tail.ts.net',
  hostname: 'orch-1',
  user: 'ada@example.com',
  tags: ['tag:orchestrator'],
  addresses: ['100.64.0.2', 'fd7a:115c:a1e0::2'],
  advertisedRoutes: ['10.77.1.0/24', '10.1.0.0/16'],
  enabledRoutes: ['10.77.1.0/24', '10.2.0.0/16'],
  authorized: true,
  isExternal: false,
  os: 'linux',
};

describe('parseDevices', () => {
  it('reads what decides isolation', () => {
    const { devices, problems } = parseDevices({ devices: [full] });
    expect(problems).toEqual([]);
    expect(devices[0]).toMatchObject({ id: 'nAbc1CNTRL', legacyId: '92', user: undefined, tags: ['tag:orchestrator'] });
    expect(devices[0]?.addresses.map(formatAddress)).toEqual(['100.64.0.2', 'fd7a:115c:a1e0::2']);
  });

  it('treats null, absent and [] alike, and an owner counts only without tags', () => {
    const bare = { nodeId: 'n1', name: 'a', user: 'ada@example.com', addresses: [] };
    for (const more of [
      {},
      { tags: null, enabledRoutes: null },
      { tags: [], enabledRoutes: [], advertisedRoutes: [] },
    ]) {
      const { devices, problems } = parseDevices({ devices: [{ ...bare, ...more }] });
      expect(problems).toEqual([]);
      expect(devices[0]).toMatchObject({ tags: [], enabledRoutes: [], user: 'ada@example.com', authorized: true });
    }
  });

  it('takes the old id where there is no other', () => {
    expect(parseDevices({ devices: [{ id: '92', name: 'a' }] }).devices[0]).toMatchObject({ id: '92', legacyId: '92' });
  });

  it('approves only routes that are enabled and advertised', () => {
    const { devices } = parseDevices({ devices: [full] });
    expect(devices.flatMap(approvedRoutes).map(formatPrefix)).toEqual(['10.77.1.0/24']);
  });

  it.each([
    [null, 1],
    [[], 1],
    ['<html>', 1],
    [{ devices: null }, 1],
    [{ devices: [{ ...full, addresses: ['100.64.0.300'] }] }, 1],
    [{ devices: [{ ...full, enabledRoutes: ['10.0.0.0/33'] }] }, 1],
    [{ devices: [{ ...full, tags: 'tag:x' }] }, 1],
    [{ devices: [{ name: 'no id' }, 5] }, 2],
    [{ devices: [full, full] }, 1],
  ])('finds the problems of %j', (body, count) => {
    expect(parseDevices(body).problems).toHaveLength(count);
  });

  it('keeps the readable devices beside a problem', () => {
    const { devices, problems } = parseDevices({ devices: [{ name: 'x' }, full] });
    expect([devices.length, problems.length]).toEqual([1, 1]);
  });
});
