import { existsSync, readlinkSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Shot } from '../../src/lab/sandbox.ts';
import { openSandbox } from './sandbox.ts';

const NAMESPACES = ['a', 'b'];
const PAIR = `link set dev lo up
link add name eth0 type veth peer name eth0 netns b
address add 10.0.0.1/24 dev eth0
address add fd00::1/64 dev eth0 nodad
link set dev eth0 up
`;
const OTHER = `address add 10.0.0.2/24 dev eth0
address add fd00::2/64 dev eth0 nodad
link set dev eth0 up
`;

async function pair() {
  const sandbox = await openSandbox();
  await sandbox.make(NAMESPACES);
  const batch = ['ip', '-batch', '-'];
  await sandbox.mustRun([{ namespace: 'a', argv: batch, stdin: PAIR }]);
  await sandbox.mustRun([{ namespace: 'b', argv: batch, stdin: OTHER }]);
  for (const proto of ['tcp', 'udp'] as const) await sandbox.listen('b', proto, 80);
  return sandbox;
}

const shot = (proto: 'tcp' | 'udp', family: 4 | 6, dport = 80): Shot => ({
  namespace: 'a',
  proto,
  family,
  dst: family === 4 ? '10.0.0.2' : 'fd00::2',
  dport,
  receiver: 'b',
});
const SHOTS = (['tcp', 'udp'] as const).flatMap((proto) => ([4, 6] as const).map((family) => shot(proto, family)));
const rules = (hook: string, rule: string) =>
  `flush ruleset; table inet t { chain c { type filter hook ${hook} priority 0; ${rule} }; }`;

test('tells what arrived apart from what was answered, for both protocols and families', async () => {
  await using sandbox = await pair();
  const load = (text: string) => sandbox.mustRun([{ namespace: 'b', argv: ['nft', '-f', '-'], stdin: text }]);
  const shoot = () => sandbox.shoot(SHOTS, { timeoutMs: 300 });
  // A new link may take a moment.
  for (let tries = 0; tries < 20 && (await shoot()).some((h) => h.outcome !== 'answered'); tries++);
  expect(await shoot()).toEqual(SHOTS.map(() => ({ outcome: 'answered', delivered: true })));
  await load(rules('input', 'meta l4proto { tcp, udp } drop;'));
  expect(await shoot()).toEqual(SHOTS.map(() => ({ outcome: 'timeout', delivered: false })));
  await load(rules('output', 'meta l4proto { tcp, udp } drop;'));
  expect(await shoot()).toEqual(SHOTS.map(() => ({ outcome: 'timeout', delivered: true })));
  await load('flush ruleset');
  expect(await sandbox.shoot([shot('tcp', 4, 81)])).toEqual([{ outcome: 'ECONNREFUSED', delivered: true }]);
  // Its own host does not let it out.
  const drop = rules('output', 'udp dport 80 drop;');
  await sandbox.mustRun([{ namespace: 'a', argv: ['nft', '-f', '-'], stdin: drop }]);
  expect(await sandbox.shoot([shot('udp', 4)])).toEqual([{ outcome: 'EPERM', delivered: false }]);
});

test('thousands at once lose nothing', async () => {
  await using sandbox = await pair();
  for (let tries = 0; tries < 20 && (await sandbox.shoot(SHOTS)).some((h) => h.outcome !== 'answered'); tries++);
  const many = Array.from({ length: 3_000 }, (_, i) => SHOTS[i % SHOTS.length] as Shot);
  const hits = await sandbox.shoot(many, { timeoutMs: 2_000 });
  expect(hits.filter((h) => h.outcome !== 'answered')).toEqual([]);
});

test('says in words what a program failed with, and keeps going', async () => {
  await using sandbox = await openSandbox();
  await sandbox.make(['a']);
  await expect(sandbox.mustRun([{ namespace: 'a', argv: ['nft', '-f', '-'], stdin: 'nonsense' }])).rejects.toThrow(
    /^nft -f - in a: .*syntax error/s,
  );
  await expect(sandbox.make(['a'])).rejects.toThrow(/^the lab could not make: FileExistsError/);
  expect(await sandbox.mustRun([{ namespace: 'a', argv: ['echo', 'here'] }])).toEqual(['here\n']);
});

test('nothing of it is seen outside, and nothing is left of it', async () => {
  const sandbox = await pair();
  const outside = readlinkSync('/proc/self/ns/net');
  const [inside] = await sandbox.mustRun([{ namespace: 'a', argv: ['readlink', '/proc/self/ns/net'] }]);
  expect(inside?.trim()).not.toBe(outside);
  for (const name of NAMESPACES) expect(existsSync(`/run/netns/${name}`)).toBe(false);
  await sandbox.close();
  expect(existsSync(`/proc/${sandbox.pid}`)).toBe(false);
  await expect(sandbox.make(['c'])).rejects.toThrow('its process has ended');
});
