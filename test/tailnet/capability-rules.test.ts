import { describe, expect, it } from 'vitest';
import { compiled, device } from './support.ts';

const DRIVE = 'tailscale.com/cap/drive';
const devices = [
  device('nas', 1, 'tag:nas', { approved: ['10.0.0.0/24'] }),
  device('laptop', 3, 'ada@example.com'),
  device('phone', 5, 'ada@example.com'),
  device('desk', 7, 'bob@example.com'),
];

/** The capabilities of a device, one line each, IPv4 only: `name values: from -> to`, with `?` for an upper bound. */
function capabilities(grant: object, id: string): string[] {
  const policy = { tagOwners: { 'tag:nas': [], 'tag:exit': [] }, grants: [{ dst: ['tag:nas'], ...grant }] };
  const v4 = (text: string) =>
    text
      .split(',')
      .filter((t) => !t.includes(':'))
      .join(' ');
  return compiled(policy, devices)
    .capabilitiesOn(id)
    .map((c) => {
      const name = c.name.split('/').at(-1);
      return `${c.exact ? '' : '? '}${name} ${JSON.stringify(c.values)}: ${v4(c.src.format())} -> ${v4(c.dst.format())}`;
    });
}

describe('capabilitiesOn', () => {
  it.each([
    ['a tag', {}, 'nas', ['x [{"a":1}]: 100.64.0.3 100.64.0.5 -> 100.64.0.1']],
    ['another device', {}, 'desk', []],
    ['everything', { dst: ['*'] }, 'desk', ['x [{"a":1}]: 100.64.0.3 100.64.0.5 -> 100.64.0.7']],
    ['a subnet', { dst: ['10.0.0.0/16'] }, 'nas', ['x [{"a":1}]: 100.64.0.3 100.64.0.5 -> 10.0.0.0/16']],
    [
      'the user’s own devices',
      { dst: ['autogroup:self'] },
      'phone',
      ['x [{"a":1}]: 100.64.0.3 100.64.0.5 -> 100.64.0.5'],
    ],
    ['via', { via: ['tag:nas'], dst: ['10.0.0.0/24'] }, 'nas', []],
  ])('for %s', (_what, grant, id, expected) => {
    const app = { 'example.com/cap/x': [{ a: 1 }] };
    expect(capabilities({ src: ['ada@example.com'], app, ...grant }, id)).toEqual(expected);
  });

  it('keep an empty list of values apart from one empty value', () => {
    const values = (list: unknown[]) => capabilities({ src: ['*'], app: { 'a.b/c': list } }, 'nas')[0]?.split(':')[0];
    expect([values([]), values([{}])]).toEqual(['c []', 'c [{}]']);
  });

  describe('of a shared folder', () => {
    const app = { [DRIVE]: [{ shares: ['*'] }] };

    it('tell the sources who shares it', () => {
      const grant = { src: ['ada@example.com'], app };
      expect(capabilities(grant, 'laptop')).toEqual(['drive-sharer null: 100.64.0.1 -> 100.64.0.3']);
      expect(capabilities(grant, 'desk')).toEqual([]);
    });

    it('tell each user of his own devices alone', () => {
      const grant = { src: ['autogroup:member'], dst: ['autogroup:self'], app };
      expect(capabilities(grant, 'desk').filter((c) => c.includes('sharer'))).toEqual([
        'drive-sharer null: 100.64.0.7 -> 100.64.0.7',
      ]);
      expect(capabilities(grant, 'laptop').filter((c) => c.includes('sharer'))).toEqual([
        'drive-sharer null: 100.64.0.3 100.64.0.5 -> 100.64.0.3',
      ]);
    });

    it('tell nobody with via', () => {
      expect(capabilities({ src: ['ada@example.com'], dst: ['10.0.0.0/24'], via: ['tag:nas'], app }, 'laptop')).toEqual(
        [],
      );
    });
  });

  it('of a relay are only reported, so an upper bound', () => {
    const grant = { src: ['ada@example.com'], app: { 'tailscale.com/cap/relay': [] } };
    expect(capabilities(grant, 'laptop')).toEqual(['? relay-target null: 100.64.0.1 -> 100.64.0.3']);
  });
});
