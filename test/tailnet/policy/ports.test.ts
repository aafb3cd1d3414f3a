import { describe, expect, it } from 'vitest';
import { parseIpEntry, parsePorts, parseProtocols, splitTarget } from '../../../src/tailnet/policy/ports.ts';

const show = (text: string) => {
  const parsed = parsePorts(text);
  return parsed.ok ? parsed.value.toString() : parsed.message;
};

describe('parsePorts', () => {
  it.each([
    ['*', '0-65535'],
    ['22', '22'],
    ['80,443', '80,443'],
    ['80-90', '80-90'],
    ['80-90,91, 443', '80-91,443'],
    ['1', '1'],
    ['65535', '65535'],
    ['1-65535', '1-65535'],
  ])('%s is %s', (text, ports) => {
    expect(show(text)).toBe(ports);
  });

  it.each([
    ['ssh', 'port range "ssh": invalid first integer'],
    ['', 'port range "": invalid first integer'],
    ['-1', 'port range "-1": invalid first integer'],
    ['22-', 'port range "22-": invalid last integer'],
    ['65536', 'port range "65536": invalid first integer'],
    ['1-65536', 'port range "1-65536": invalid last integer'],
    ['0', 'port range "0": first port must be >0, or use \'*\' for wildcard'],
    ['0-10', 'port range "0-10": first port must be >0, or use \'*\' for wildcard'],
    ['90-80', 'port range "90-80": last port must be at least the first'],
    ['22,x', 'port range "x": invalid first integer'],
    ['1-2-3', 'port range "1-2-3": invalid last integer'],
    ['2 2', 'port range "2 2": invalid first integer'],
  ])('refuses %s', (text, message) => {
    expect(show(text)).toBe(message);
  });
});

describe('parseProtocols', () => {
  it.each([
    ['', [1, 6, 17, 58]],
    ['tcp', [6]],
    ['6', [6]],
    ['UDP', [17]],
    ['icmp', [1]],
    ['sctp', [132]],
    ['gre', [47]],
    ['255', [255]],
  ])('%s is %j', (text, protocols) => {
    expect(parseProtocols(text)).toEqual({ ok: true, value: protocols });
  });

  it.each(['0', '256', 'quic', '-6', 'constructor', '6.0', '*'])('refuses %s', (text) => {
    expect(parseProtocols(text)).toEqual({
      ok: false,
      message: `proto name "${text}" not known; use protocol number 0-255 or protocol name (icmp, tcp, udp, etc.)`,
    });
  });

  it.each(['06', '006', '00'])('refuses %s for its zero', (text) => {
    expect(parseProtocols(text)).toEqual({ ok: false, message: 'leading 0 not permitted in protocol number' });
  });
});

describe('parseIpEntry', () => {
  it.each([
    ['*', [1, 6, 17, 58], '0-65535', true],
    ['443', [1, 6, 17, 58], '443', true],
    ['47', [1, 6, 17, 58], '47', true],
    ['tcp:443', [6], '443', true],
    ['tcp:80-81,443', [6], '80-81,443', true],
    ['icmp:*', [1], '0-65535', true],
    ['sctp:5', [132], '5', false],
    ['47:*', [47], '0-65535', false],
  ])('%s', (text, protocols, ports, validated) => {
    const parsed = parseIpEntry(text);
    if (!parsed.ok) throw new Error(parsed.message);
    expect([parsed.value.protocols, parsed.value.ports.toString(), parsed.value.validated]).toEqual([
      protocols,
      ports,
      validated,
    ]);
  });

  it.each(['tcp', 'tcp:', ':443', 'tcp:0', 'quic:443', 'tcp:443:1', ''])('refuses %j', (text) => {
    expect(parseIpEntry(text).ok).toBe(false);
  });
});

describe('splitTarget', () => {
  it.each([
    ['tag:server:22', 'tag:server'],
    ['*:*', '*'],
    ['10.0.0.0/8:443', '10.0.0.0/8'],
    ['fd00:1::/64:443', 'fd00:1::/64'],
    ['[fd00:1::1]:443', 'fd00:1::1'],
    [' webserver:80 ', 'webserver'],
  ])('%s names %s', (text, name) => {
    const target = splitTarget(text);
    expect([target.name, target.ports.ok]).toEqual([name, true]);
  });

  it.each(['autogroup:self', 'webserver', 'tag:server', '*'])('finds no port in %s', (text) => {
    expect(splitTarget(text).ports.ok).toBe(false);
  });
});
