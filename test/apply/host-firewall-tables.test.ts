import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  boundDevices,
  closedRuleset,
  cutTables,
  foreignTables,
  ownText,
  replacement,
} from '../../src/apply/host-firewall-tables.ts';

const inet = 'table inet cordon {\n\tchain input {\n\t\tdrop\n\t}\n}\n';
const netdev = 'table netdev cordon {\n\tchain egress {\n\t\tdrop\n\t}\n}\n';
const foreign = 'table ip nat {\n\tchain prerouting {\n\t}\n}\n';

function tablesOf(listing: string): ReadonlyMap<string, string> {
  const cut = cutTables(listing);
  if (!cut.ok) throw new Error(cut.why);
  return cut.tables;
}

describe('cutTables', () => {
  it('cuts a listing into tables and puts ours together in fixed order', () => {
    const tables = tablesOf(netdev + foreign + inet);
    expect([...tables.keys()]).toEqual(['netdev cordon', 'ip nat', 'inet cordon']);
    expect(ownText(tables)).toBe(inet + netdev);
    expect(foreignTables(tables)).toEqual(['ip nat']);
  });

  it('takes an empty listing as no tables', () => {
    expect(tablesOf('').size).toBe(0);
    expect(ownText(tablesOf(foreign))).toBe('');
  });

  it.each([
    ['a table that does not end', inet.slice(0, -2), 'does not end'],
    ['half a table, cut in a line', inet.slice(0, 25), 'does not end'],
    ['a table twice', inet + inet, 'twice'],
    ['an HTML page', '<html><body>Bad gateway</body></html>', 'outside of all tables'],
    ['a line that is not indented', inet.replace('\t\tdrop', 'drop'), 'unexpected line in table inet cordon'],
    ['text after the last table', `${inet}flush ruleset\n`, 'outside of all tables'],
    ['a table without a family', 'table cordon {\n}\n', 'outside of all tables'],
  ])('refuses %s', (_what, listing, why) => {
    const cut = cutTables(listing);
    expect(cut.ok ? '' : cut.why).toContain(why);
  });

  it.each(['cordon-model.listed.txt', 'docker.txt', 'firewalld.txt', 'ufw.txt'])('loses no byte of %s', (name) => {
    const url = new URL(`fixtures/${name}`, import.meta.url);
    const listing = readFileSync(url, 'utf8');
    const parts = [...tablesOf(listing).values()];
    expect(parts.length).toBeGreaterThan(0);
    expect(parts.join('')).toBe(listing.replace(/^# .*\n/gm, '').replace(/^\n(?=table )/gm, ''));
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
