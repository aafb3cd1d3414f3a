import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { policyPacketCommand } from '../../../src/cli/policy/packet.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cordon-packet-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
  vi.restoreAllMocks();
});

const ACK = '4500002800000000400600006440000264400001c350001600000000000000005010000000000000';
const SYN = ACK.replace('5010', '5002');
const tailnetCase = (id: string, more: object = {}) => ({
  id,
  localNets: ['100.64.0.1/32'],
  rules: [{ SrcIPs: ['100.64.0.2'], DstPorts: [{ IP: '*', Ports: { First: 22, Last: 22 } }] }],
  packets: [
    { kind: 'anything', dir: 'in', hex: ACK },
    { kind: 'anything', dir: 'in', hex: SYN },
    { kind: 'anything', dir: 'out', hex: '' },
  ],
  ...more,
});

function write(name: string, value: unknown): void {
  writeFileSync(join(folder, name), typeof value === 'string' ? value : JSON.stringify(value));
}

function run(out = join(folder, 'out.jsonl')): string {
  const said: string[] = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => said.push(String(text)) > 0);
  void policyPacketCommand.handler({ cases: folder, out, _: [], $0: 'cordon' });
  return said.join('');
}

describe('cordon policy packet', () => {
  it('answers every packet of every case, in the order of the file names', () => {
    write('b.json', tailnetCase('second', { rules: [] }));
    write('a.json', tailnetCase('first'));
    write('notes.txt', 'no case');
    expect(run()).toBe('2 cases: 5 accept, 1 drop, 0 unknown\n');
    expect(readFileSync(join(folder, 'out.jsonl'), 'utf8').trim().split('\n')).toEqual([
      '{"case":"first","index":0,"verdict":"accept","reason":"no rule needed: tcp non-syn"}',
      '{"case":"first","index":1,"verdict":"accept","reason":"rules[0]: tcp ok"}',
      '{"case":"first","index":2,"verdict":"accept","reason":"no rule needed: keepalive"}',
      '{"case":"second","index":0,"verdict":"accept","reason":"no rule needed: tcp non-syn"}',
      '{"case":"second","index":1,"verdict":"drop","reason":"no rules matched"}',
      '{"case":"second","index":2,"verdict":"accept","reason":"no rule needed: keepalive"}',
    ]);
  });

  it('says which rule is not understood, by its place among the rules', () => {
    const ssh = { SrcIPs: ['no address', '100.64.0.9'], DstPorts: [{ IP: '*', Ports: { First: 22, Last: 22 } }] };
    write('a.json', tailnetCase('odd', { rules: [ssh, { ...ssh, SrcIPs: ['100.64.0.7'] }] }));
    expect(run()).toBe('1 cases: 2 accept, 0 drop, 1 unknown\n');
    expect(readFileSync(join(folder, 'out.jsonl'), 'utf8')).toContain('"unknown","reason":"rules[0]: ');
  });

  it.each<[string, () => void, RegExp]>([
    ['a folder without cases', () => write('a.txt', ''), /holds no case files/],
    ['a file that is no JSON', () => write('a.json', '{"id": '), /a\.json: .*JSON/],
    [
      'bytes that are none',
      () => write('a.json', tailnetCase('x', { packets: [{ dir: 'in', hex: '4' }] })),
      /packets\.0\.hex/,
    ],
    [
      'a direction that is none',
      () => write('a.json', tailnetCase('x', { packets: [{ dir: 'up', hex: '' }] })),
      /packets\.0\.dir/,
    ],
    [
      'a network that is none',
      () => write('a.json', tailnetCase('x', { localNets: ['100.64.0.1/33'] })),
      /localNets\.0/,
    ],
  ])('refuses %s', (_, prepare, message) => {
    prepare();
    expect(() => run()).toThrow(message);
  });

  it('says when there is no such folder', () => {
    rmSync(folder, { recursive: true });
    expect(() => run()).toThrow(/cannot be read: there is no such folder/);
    mkdirSync(folder);
  });

  it('says when the answers cannot be written', () => {
    write('a.json', tailnetCase('x'));
    expect(() => run(join(folder, 'none', 'out'))).toThrow(/cannot be written: its folder does not exist/);
  });
});
