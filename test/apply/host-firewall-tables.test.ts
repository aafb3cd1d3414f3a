import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { boundDevices, closedRuleset, cutTables, replacement } from '../../src/apply/host-firewall-tables.ts';

const inet = 'table inet cordon {\n\tchain input {\n\t\tdrop\n\t}\n}\n';
const netdev = 'table netdev cordon {\n\tchain egress {\n\t\tdrop\n\t}\n}\n';
const foreign = 'table ip nat {\n\tchain prerouting {\n\t}\n}\n';

describe('cutTables', () => {
  it('picks our tables out of a listing and puts them in fixed order', () => {
    expect(cutTables(netdev + foreign + inet)).toEqual({ ok: true, own: inet + netdev, foreign: ['ip nat'] });
  });

  it('takes an empty listing as no tables', () => {
    expect(cutTables('')).toEqual({ ok: true, own: '', foreign: [] });
    expect(cutTables(foreign)).toEqual({ ok: true, own: '', foreign: ['ip nat'] });
  });

  it('does not take a table for ours that only looks so', () => {
    const others = [inet.replace('inet', 'ip'), inet.replace('cordon', 'cordon2'), inet.replace('cordon', 'Cordon')];
    expect(cutTables(others.join(''))).toMatchObject({
      own: '',
      foreign: ['ip cordon', 'inet cordon2', 'inet Cordon'],
    });
  });

  it.each([
    ['a table that does not end', inet.slice(0, -2), 'ends inside'],
    ['half a table, cut in a line', inet.slice(0, 25), 'not a line'],
    ['a table twice', inet + inet, 'listed twice'],
    ['an HTML page', '<html><body>Bad gateway</body></html>', 'not a line'],
    ['text after the last table', `${inet}flush ruleset\n`, 'not a line'],
    ['a table without a family', 'table cordon {\n}\n', 'not a line'],
  ])('refuses %s', (_what, listing, why) => {
    const cut = cutTables(listing);
    expect(cut.ok ? '' : cut.why).toContain(why);
  });

  it.each([
    ['docker.txt', 'ip nat'],
    ['firewalld.txt', 'inet firewalld'],
    ['ufw.txt', 'ip filter'],
  ])('reads the listing %s of another tool', (name, table) => {
    const listing = readFileSync(new URL(`fixtures/${name}`, import.meta.url), 'utf8');
    const cut = cutTables(listing + inet);
    expect(cut).toMatchObject({ ok: true, own: inet, foreign: expect.arrayContaining([table]) });
  });
});

describe('replacement', () => {
  it('creates and deletes both tables before defining them, so that no part can fail for want of the old one', () => {
    expect(replacement(inet)).toBe(
      `table inet cordon\ndelete table inet cordon\ntable netdev cordon\ndelete table netdev cordon\n${inet}`,
    );
  });
});

describe('boundDevices', () => {
  it.each([
    ['type filter hook egress device "cell0" priority 0; policy drop;', ['cell0']],
    ['type filter hook egress device eth0 priority filter; policy drop;', ['eth0']],
    ['type filter hook ingress devices = { "b", a } priority 0;', ['a', 'b']],
    ['iifname "tailscale0" accept', []],
    [
      'type filter hook egress device "a" priority 0; }\nchain x { type filter hook egress device "a" priority 1;',
      ['a'],
    ],
  ])('finds the devices of %s', (text, devices) => {
    expect(boundDevices(text)).toEqual(devices);
  });
});

describe('closedRuleset', () => {
  it('drops at every hook, by policy and by rule', () => {
    const text = closedRuleset();
    for (const hook of ['input', 'forward', 'output', 'postrouting']) expect(text).toContain(`hook ${hook} priority`);
    expect(text.match(/policy drop;\n\t\tdrop\n/g)).toHaveLength(4);
    expect(text).not.toContain('accept');
  });
});
