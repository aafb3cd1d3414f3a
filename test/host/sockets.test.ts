import { describe, expect, it } from 'vitest';
import { readListeners } from '../../src/host/listeners.ts';
import { formatAddress } from '../../src/net/address.ts';

const NET = 'net:[4026531840]';
const body = (change: object = {}) => ({
  namespace: NET,
  everybody: true,
  sockets: '',
  raw: '',
  packet: '',
  elsewhere: '',
  ...change,
});

function listeners(sockets: string, everybody = true) {
  const read = readListeners(body({ sockets, everybody }));
  if (!read.ok) throw new Error(read.problems.join());
  return read.value.here.map((l) => ({ ...l, address: l.address && formatAddress(l.address) }));
}

describe('listeners as ss lists them (iproute2 6.1)', () => {
  it.each([
    [
      'tcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:(("sshd",pid=7,fd=3)) ino:651 sk:1 cgroup:/system.slice <->',
      {
        protocol: 'tcp',
        families: [4],
        address: undefined,
        port: 22,
        uid: 0,
        cgroup: '/system.slice',
        processes: [{ name: 'sshd', pid: 7 }],
      },
    ],
    [
      'tcp LISTEN 0 4096 *:11434 *:* users:(("ollama",pid=9,fd=3),("ollama",pid=10,fd=3)) uid:990 ino:1 sk:2 v6only:0 <->',
      {
        families: [4, 6],
        address: undefined,
        port: 11434,
        uid: 990,
        processes: [
          { name: 'ollama', pid: 9 },
          { name: 'ollama', pid: 10 },
        ],
      },
    ],
    [
      'tcp LISTEN 0 4096 [::]:80 [::]:* ino:1 sk:2 v6only:1 <->',
      { families: [6], address: undefined, port: 80, processes: [] },
    ],
    ['tcp LISTEN 0 128 [::1]:631 [::]:* ino:1 sk:2 v6only:1 <->', { families: [6], address: '::1', port: 631 }],
    [
      'udp UNCONN 0 0 127.0.0.53%lo:53 0.0.0.0:* uid:101 ino:1 sk:2 <->',
      { protocol: 'udp', address: '127.0.0.53', device: 'lo', port: 53, uid: 101 },
    ],
    [
      'udp UNCONN 0 0 [fe80::1]%eth0:546 [::]:* ino:1 sk:2 v6only:1 <->',
      { families: [6], address: 'fe80::1', device: 'eth0', port: 546 },
    ],
    [
      'tcp LISTEN 0 5 10.0.0.1:1 0.0.0.0:* users:(("a \\"b",pid=3,fd=1)) ino:1 sk:1 <->',
      { processes: [{ name: 'a \\"b', pid: 3 }] },
    ],
  ])('%s', (line, expected) => {
    expect(listeners(`${line}\n`)).toMatchObject([{ namespace: NET, ...expected }]);
  });

  it('does not know the processes of others where only root may, and still knows the owner', () => {
    const line = 'tcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:* uid:7 ino:651 sk:1 <->\n';
    expect(listeners(line, false)).toMatchObject([{ uid: 7, processes: undefined }]);
    expect(listeners(line, true)).toMatchObject([{ uid: 7, processes: [] }]);
  });

  it.each([
    ['half a line', 'tcp LISTEN 0 128'],
    ['no port', 'tcp LISTEN 0 128 0.0.0.0 0.0.0.0:*'],
    ['a port that is none', 'tcp LISTEN 0 128 0.0.0.0:65536 0.0.0.0:*'],
    ['a name in place of an address', 'tcp LISTEN 0 128 localhost:22 0.0.0.0:*'],
    ['another protocol', 'sctp LISTEN 0 128 0.0.0.0:22 0.0.0.0:*'],
    ['a connection', 'tcp ESTAB 0 0 1.2.3.4:22 5.6.7.8:1'],
    ['an error', 'Cannot open netlink socket: Permission denied'],
  ])('nothing is known with %s among the lines', (_what, line) => {
    const good = 'tcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:* ino:651 sk:1 <->';
    const read = readListeners(body({ sockets: `${good}\n${line}\n` }));
    expect(read).toMatchObject({ ok: false, problems: [expect.stringContaining(line.slice(0, 10))] });
  });

  it.each([
    ['no namespace', { namespace: '' }],
    ['no text', { sockets: null }],
    ['another field', { more: 1 }],
    ['nothing', undefined],
  ])('nothing is known of a body with %s', (_what, change) => {
    expect(readListeners(change === undefined ? undefined : body(change))).toMatchObject({ ok: false });
  });
});

describe('raw and packet sockets', () => {
  it('are listed with their owners', () => {
    const raw = 'raw UNCONN 0 0 0.0.0.0:1 0.0.0.0:* users:(("ping",pid=5,fd=3)) uid:1000 ino:9 sk:9 <->\n';
    const packet = 'p_raw UNCONN 0 0 *:eth0 * users:(("tcpdump",pid=6,fd=4)) ino:9 sk:9\n';
    expect(readListeners(body({ raw, packet }))).toMatchObject({
      ok: true,
      value: {
        raw: [
          { kind: 'raw', local: '0.0.0.0:1', uid: 1000, processes: [{ name: 'ping', pid: 5 }] },
          { kind: 'packet', local: '*:eth0', uid: 0, processes: [{ name: 'tcpdump', pid: 6 }] },
        ],
      },
    });
  });

  it('a line of another kind is not skipped', () => {
    expect(readListeners(body({ raw: 'p_raw UNCONN 0 0 *:eth0 *\n' }))).toMatchObject({ ok: false });
    expect(readListeners(body({ packet: 'raw UNCONN 0 0 *:eth0 *\n' }))).toMatchObject({ ok: false });
  });
});

describe('listeners of other namespaces', () => {
  const OTHER = 'net:[4026532000]';
  const row = (table: string, local: string, remote: string, state: string, uid = '990') =>
    `${OTHER} ${table}    0: ${local} ${remote} ${state} 00000000:00000000 00:00000000 00000000   ${uid}        0 3711105 1 0 100\n`;
  const read = (elsewhere: string | null) => readListeners(body({ elsewhere }));

  it('are read from /proc: addresses are words of the machine', () => {
    const text = [
      `${OTHER} tcp   sl  local_address rem_address   st\n`,
      row('tcp', '0100007F:2CAA', '00000000:0000', '0A'),
      row('tcp', '0100007F:2CAA', '0100007F:CFAE', '01'),
      row('tcp6', '00000000000000000000000000000000:0050', '00000000000000000000000000000000:0000', '0A', '0'),
      row('tcp6', '000080FE000000000000000001000000:0051', '00000000000000000000000000000000:0000', '0A'),
      row('udp', '00000000:0035', '00000000:0000', '07'),
      row('udp', '0100A8C0:0036', '0200A8C0:0035', '07'),
    ].join('');
    const result = read(text);
    if (!result.ok) throw new Error(result.problems.join());
    const found = result.value.elsewhere?.map((l) => [
      l.protocol,
      l.families.join(),
      l.address && formatAddress(l.address),
      l.port,
      l.uid,
    ]);
    expect(found).toEqual([
      ['tcp', '4', '127.0.0.1', 11434, 990],
      ['tcp', '4,6', undefined, 80, 0],
      ['tcp', '6', 'fe80::1', 81, 990],
      ['udp', '4', undefined, 53, 990],
    ]);
  });

  it('are not known where they may not be read, which is not that there are none', () => {
    expect(read(null)).toMatchObject({ ok: true, value: { elsewhere: undefined } });
    expect(read('')).toMatchObject({ ok: true, value: { elsewhere: [] } });
    expect(read(`${OTHER} tcp denied\n`)).toMatchObject({ ok: false });
  });

  it.each([
    `${OTHER} tcp 0: 0100007F 00000000:0000 0A`,
    `${OTHER} icmp sl`,
    'tcp 0: x',
    row('tcp', '0100007F:2CAA', '00000000:0000', '0A', 'root'),
  ])('are not known with the line %s', (line) => expect(read(`${line}\n`)).toMatchObject({ ok: false }));
});
