import { describe, expect, it } from 'vitest';
import { compiled, device, rules } from '../support.ts';

const web = ['w1', 'w2', 'w3'].map((name, i) => device(name, 1 + i, 'tag:web'));
const both = device('both', 5, 'tag:web,tag:db');
const router = device('router', 6, 'tag:web', { approved: ['10.0.0.0/24'] });
const ada = device('laptop', 7, 'ada@x.example');
const all = [...web, both, router, ada];

const grants = [
  { src: ['ada@x.example'], dst: ['tag:db', 'tag:web'], ip: ['tcp:1'] },
  { src: ['tag:web'], dst: ['tag:db'], ip: ['tcp:2'] },
  { src: ['ada@x.example'], dst: ['tag:web', '10.0.0.7', 'tag:web'], ip: ['tcp:3'] },
];

describe('classes of devices', () => {
  const tailnet = compiled({ grants }, all);
  const names = (members: readonly number[]) => members.map((i) => all[i]?.id);

  it('are those that no rule tells apart, the largest first', () => {
    expect(tailnet.classes().map((c) => names(c.members))).toEqual([
      ['w1', 'w2', 'w3'],
      ['both'],
      ['router'],
      ['laptop'],
    ]);
    expect(tailnet.classes().map((c) => tailnet.classOf(names(c.members)[0] ?? ''))).toEqual([0, 1, 2, 3]);
  });

  it('receive each rule once, in the order of the policy, with all destinations that place it there', () => {
    const received = tailnet.classes().map((c) => c.deliveries.map((d) => [d.rule.index, d.parts.length]));
    expect(received).toEqual([
      [
        [0, 1],
        [2, 2],
      ],
      [
        [0, 2],
        [1, 1],
        [2, 2],
      ],
      [
        [0, 1],
        [2, 3],
      ],
      [],
    ]);
  });

  it('keep the destinations of a rule in its order', () => {
    expect(rules(tailnet, 'router').at(-1)).toMatch(/-> 100\.64\.0\.6,\S+:3 10\.0\.0\.7:3 100\.64\.0\.6,\S+:3 6$/);
  });

  it('with tags receive nothing of autogroup:self, whatever its source', () => {
    const self = compiled({ acls: [{ action: 'accept', src: ['*'], dst: ['autogroup:self:22'] }] }, all);
    const counts = self.classes().map((c) => [names(c.members)[0], c.deliveries.length]);
    expect(counts.filter(([, count]) => count !== 0)).toEqual([['laptop', 1]]);
  });

  it('share the list of rules where they receive the same', () => {
    const grant = { src: ['tag:web'], dst: ['autogroup:tagged'], ip: ['*'] };
    const [one, other] = compiled({ grants: [grant, { ...grant, src: ['tag:db'] }] }, all).classes();
    expect(one?.deliveries).toHaveLength(2);
    expect(other?.deliveries).toBe(one?.deliveries);
  });
});
