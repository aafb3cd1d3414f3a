import { mulberry32 } from './random.ts';

/** The texts of a tailnet: its policy, and its devices as `GET /tailnet/{t}/devices?fields=all` answers. */
export interface WorldTexts {
  readonly policy: string;
  readonly devices: string;
}

/**
 * A dense tailnet, always the same for the same size: 70 % of the devices carry one or two tags, the others belong to
 * users who are in one to three groups; one device in a hundred is a subnet router (every fifth of them one of a pair),
 * one in five hundred an exit node. Nine rules in ten are grants, over tags, groups, members, users, own devices,
 * subnets and the internet.
 */
export function dense(nodes: number, rules: number): WorldTexts {
  const random = mulberry32(nodes * 31 + rules);
  const below = (n: number) => Math.floor(random() * n);
  const count = Math.sqrt(nodes);
  const tags = names(Math.round(10 + count / 2), (i) => `tag:t${i}`);
  const groups = names(Math.round(10 + count / 2), (i) => `group:g${i}`);
  const users = names(Math.max(5, Math.round((nodes * 0.3) / 2.5)), (i) => `user${i}@example.com`);
  const subnets = names(Math.max(2, Math.round(nodes / 100)), (i) => `10.${(i >> 8) & 255}.${i & 255}.0/24`);
  const pick = (list: readonly string[]) => list[below(list.length)] ?? '';

  const members = new Map(groups.map((g) => [g, new Set<string>()]));
  for (const user of users) for (let k = 1 + below(3); k > 0; k--) members.get(pick(groups))?.add(user);

  const devices = Array.from({ length: nodes }, (_, i) => {
    const isTagged = random() < 0.7;
    const subnet = i % 100 === 7 ? [subnets[((i % 500 === 7 ? i + 100 : i) / 100) | 0] ?? pick(subnets)] : [];
    const routes = i % 500 === 11 ? ['0.0.0.0/0', '::/0'] : subnet;
    const value = 0x64400000 + 256 + i;
    return {
      nodeId: `n${i}CNTRL`,
      id: `${i}`,
      name: `host-${i}.example.ts.net`,
      hostname: `host-${i}`,
      user: isTagged ? '' : pick(users),
      ...(isTagged ? { tags: [...new Set([pick(tags), ...(random() < 0.2 ? [pick(tags)] : [])])] } : {}),
      addresses: [
        [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255].join('.'),
        `fd7a:115c:a1e0:1::${(i >>> 16).toString(16)}:${(i & 0xffff).toString(16)}`,
      ],
      advertisedRoutes: routes,
      enabledRoutes: routes,
      authorized: true,
      isExternal: false,
      os: 'linux',
      clientVersion: '1.102.5',
      created: '2026-01-01T00:00:00Z',
      lastSeen: '2026-11-01T00:00:00Z',
      machineKey: `mkey:${i.toString(16).padStart(64, '0')}`,
      nodeKey: `nodekey:${i.toString(16).padStart(64, '0')}`,
      keyExpiryDisabled: isTagged,
      updateAvailable: false,
    };
  });

  const source = () => {
    const x = below(100);
    if (x < 45) return pick(tags);
    if (x < 85) return pick(groups);
    return x < 93 ? 'autogroup:member' : pick(users);
  };
  const target = () => {
    const x = below(100);
    if (x < 70) return pick(tags);
    if (x < 84) return pick(groups);
    if (x < 94) return pick(subnets);
    return x < 97 ? pick(users) : 'autogroup:internet';
  };
  const ports = () => ['22', '80', '443', '5432', '8000-8999'][below(5)] ?? '22';
  const some = (make: () => string) => [...new Set(Array.from({ length: 1 + below(3) }, make))];
  const grants: object[] = [];
  const acls: object[] = [];
  for (let i = 0; i < rules; i++) {
    if (i % 10 === 3)
      acls.push({ action: 'accept', src: some(source), dst: some(target).map((t) => `${t}:${ports()}`) });
    else if (i % 50 === 7) grants.push({ src: [pick(groups)], dst: ['autogroup:self'], ip: ['tcp:22'] });
    else grants.push({ src: some(source), dst: some(target), ip: some(() => `tcp:${ports()}`) });
  }
  const policy = {
    groups: Object.fromEntries([...members].map(([g, list]) => [g, [...list]])),
    tagOwners: Object.fromEntries(tags.map((t) => [t, ['autogroup:admin']])),
    acls,
    grants,
  };
  return { policy: JSON.stringify(policy, null, 2), devices: JSON.stringify({ devices }) };
}

function names(n: number, make: (i: number) => string): string[] {
  return Array.from({ length: n }, (_, i) => make(i));
}
