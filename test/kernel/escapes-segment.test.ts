import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Shot } from '../../src/lab/sandbox.ts';
import { formatAddress } from '../../src/net/address.ts';
import { requireOrSkip } from '../support/require.ts';
import { EscapeLab } from './escape-lab.ts';

/*
 * As escapes-tailnet, with the model behind the orchestrator in a segment of its own, a stranger on that segment's LAN,
 * and a container on the orchestrator's machine.
 */
const TOPOLOGY = `
version: 1
tailnet: {id: TescapesCNTRL, operators: [ops@example.com]}
roles: {model: {tag: "tag:model"}, orchestrator: {tag: "tag:orchestrator"}}
segments: {cell: {prefixes: [10.77.1.0/24, "fd77:1::/64"], router: orch}}
hosts:
  model:
    role: model
    placement: segment
    segment: cell
    addresses: [10.77.1.10, "fd77:1::a"]
    access: {kind: render-only}
  orch:
    role: orchestrator
    device: nOrchCNTRL
    segment: cell
    addresses: [10.77.1.1, "fd77:1::1", 100.64.0.20, "fd7a:115c:a1e0::14"]
    access: {kind: render-only}
services: {ollama: {on: model, tcp: [11434]}}
flows: [{id: orchestrator-model, from: orchestrator, to: ollama}]
`;
const CONTAINER = { name: 'container', v4: '172.17.0.2', v6: 'fd17::2' };

let lab: EscapeLab;
let missing: string | undefined;

beforeAll(async () => {
  const opened = await EscapeLab.open(TOPOLOGY);
  if (typeof opened === 'string') {
    missing = opened;
    return;
  }
  lab = opened;
  const { sandbox } = lab;
  await sandbox.make([CONTAINER.name]);
  const batch = (namespace: string, lines: readonly string[]) => ({
    namespace,
    argv: ['ip', '-batch', '-'],
    stdin: `${lines.join('\n')}\n`,
  });
  await sandbox.mustRun([
    batch('orch', [
      'link add docker0 type veth peer name eth0 netns container',
      'link set dev docker0 up',
      'address add 172.17.0.1/16 dev docker0',
      'address add fd17::1/64 dev docker0 nodad',
    ]),
  ]);
  await sandbox.mustRun([
    batch('container', [
      'link set dev lo up',
      'link set dev eth0 up',
      `address add ${CONTAINER.v4}/16 dev eth0`,
      `address add ${CONTAINER.v6}/64 dev eth0 nodad`,
      'route add default via 172.17.0.1',
      'route add default via fd17::1',
    ]),
  ]);
  for (const proto of ['tcp', 'udp'] as const) await sandbox.listen('container', proto, 8080);
});
beforeEach(() => requireOrSkip(missing === undefined, missing ?? ''));
afterAll(() => lab?.close());

const DECLARED: readonly Shot[] = [
  { namespace: 'orch', proto: 'tcp', family: 4, dst: '10.77.1.10', dport: 11434, receiver: 'model' },
  { namespace: 'orch', proto: 'tcp', family: 6, dst: 'fd77:1::a', dport: 11434, receiver: 'model' },
];

async function stillWorks(): Promise<void> {
  for (const shot of DECLARED) expect(await lab.works(shot)).toBe(true);
}

function lanOf(name: string, family: 4 | 6): string {
  const address = lab
    .host(name)
    .links.at(-1)
    ?.addresses.find((a) => a.address.family === family)?.address;
  return address === undefined ? '' : formatAddress(address);
}

describe.each([4, 6] as const)('a container on a host with rules for input and output, IPv%s', (family) => {
  const container = family === 4 ? CONTAINER.v4 : CONTAINER.v6;
  const closed = `table inet naive {
    chain input { type filter hook input priority 0; policy drop; iif lo accept; ct state established accept;
      icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept; }
    chain output { type filter hook output priority 0; policy drop; oif lo accept; ct state established accept;
      icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept; }; }`;
  const forwards = `table ${family === 4 ? 'ip' : 'ip6'} docker-filter { chain FORWARD { type filter hook forward priority 0; accept; }; }`;

  test('HOST-04: publishes a port past the input rules: what is rewritten before routing is forwarded', async () => {
    const to = family === 4 ? `${container}:8080` : `[${container}]:8080`;
    const docker = `${forwards}
      table ${family === 4 ? 'ip' : 'ip6'} docker-nat {
        chain PREROUTING { type nat hook prerouting priority dstnat; fib daddr type local tcp dport 80 dnat to ${to}; }; }`;
    const published: Shot = {
      ...{ namespace: 'stranger', proto: 'tcp', family, dst: lanOf('orch', family), dport: 80, device: 'eth0' },
      ...{ src: lanOf('stranger', family), receiver: 'orch' },
    };
    await lab.naive('orch', closed);
    expect(await lab.arrives(published)).toBe(false);
    await lab.naive('orch', `${closed}\n${docker}`);
    // Somebody answers at the port, and it is the container: the host's own rules drop what is for the host.
    expect(await lab.works(published)).toBe(true);
    await lab.cordon('orch', docker);
    expect(await lab.arrives(published)).toBe(false);
    await stillWorks();
  });

  test('HOST-05: goes out past the output rules: what is forwarded was never sent', async () => {
    const docker = `${forwards}
      table ${family === 4 ? 'ip' : 'ip6'} docker-nat { chain POSTROUTING { type nat hook postrouting priority srcnat;
        iifname "docker0" oifname "eth0" masquerade; }; }`;
    const dst = lanOf('stranger', family);
    const outward: Shot = { namespace: 'container', proto: 'tcp', family, dst, dport: 443, receiver: 'stranger' };
    const own: Shot = { ...outward, namespace: 'orch' };
    await lab.naive('orch', `${closed}\n${docker}`);
    expect(await lab.arrives(own)).toBe(false);
    expect(await lab.works(outward)).toBe(true);
    await lab.cordon('orch', docker);
    expect(await lab.arrives(outward)).toBe(false);
    await stillWorks();
  });
});

describe.each([4, 6] as const)('HOST-09: a packet socket goes past the output hook, IPv%s', (family) => {
  const drop = `table inet naive {
    chain output { type filter hook output priority 0; policy drop; }
    chain postrouting { type filter hook postrouting priority 400; policy drop; }; }`;

  test.each([
    ['through the queue', false],
    ['past the queue', true],
  ])('%s', async (_, bypasses) => {
    const send = async (word: string) => {
      const payload = `frame-${word}-${family}-${bypasses}`;
      await lab.sandbox.sendFrame('model', 'eth0', udpFrame(family, payload), bypasses);
      return lab.sandbox.hasSeen(payload);
    };
    const ordinary: Shot = {
      ...{ namespace: 'model', proto: 'udp', family, dst: lanOf('stranger-cell', family), dport: 9999 },
      receiver: 'stranger-cell',
    };
    await lab.naive('model', drop);
    expect(await lab.arrives(ordinary)).toBe(false);
    expect(await send('without')).toBe(true);
    await lab.cordon('model');
    expect(await send('with')).toBe(false);
    await stillWorks();
    // What stops it is the chain at the device's own hook, and nothing else of ours.
    await lab.naive('model', lab.ruleset('model').replace(/table netdev cordon \{[\s\S]*?\n\}\n/, ''));
    expect(await send('half')).toBe(true);
  });

  /** A datagram from the model to the stranger on its LAN, as a raw frame. */
  function udpFrame(version: 4 | 6, payload: string): string {
    const mac = (name: string) => Buffer.from((lab.host(name).links[0]?.mac ?? '').replaceAll(':', ''), 'hex');
    const [src, dst] = ['model', 'stranger-cell'].map((name) => addressBytes(name, version)) as [Buffer, Buffer];
    const data = Buffer.from(payload);
    const udp = Buffer.concat([Buffer.alloc(8), data]);
    udp.writeUInt16BE(40_000, 0);
    udp.writeUInt16BE(9999, 2);
    udp.writeUInt16BE(udp.length, 4);
    const ether = Buffer.concat([
      mac('stranger-cell'),
      mac('model'),
      Buffer.from(version === 4 ? '0800' : '86dd', 'hex'),
    ]);
    const header = Buffer.alloc(version === 4 ? 12 : 8);
    if (version === 4) {
      header.writeUInt16BE(0x4500, 0);
      header.writeUInt16BE(20 + udp.length, 2);
      header.writeUInt16BE(64 * 256 + 17, 8);
      header.writeUInt16BE(checksum(Buffer.concat([header, src, dst])), 10);
    } else {
      header.writeUInt32BE(0x60000000, 0);
      header.writeUInt16BE(udp.length, 4);
      header.writeUInt16BE(17 * 256 + 64, 6);
      const pseudo = Buffer.alloc(8);
      pseudo.writeUInt32BE(udp.length, 0);
      pseudo.writeUInt32BE(17, 4);
      udp.writeUInt16BE(checksum(Buffer.concat([src, dst, pseudo, udp])), 6);
    }
    return Buffer.concat([ether, header, src, dst, udp]).toString('hex');
  }

  function addressBytes(name: string, version: 4 | 6): Buffer {
    const value = lab.host(name).links[0]?.addresses.find((a) => a.address.family === version)?.address.value ?? 0n;
    return Buffer.from(value.toString(16).padStart(version === 4 ? 8 : 32, '0'), 'hex');
  }

  /** RFC 1071. */
  function checksum(bytes: Buffer): number {
    const even = bytes.length % 2 === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(1)]);
    let sum = 0;
    for (let i = 0; i < even.length; i += 2) sum += even.readUInt16BE(i);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
    return ~sum & 0xffff;
  }
});
