import { describe, expect, it } from 'vitest';
import { parseResetsSent, parseTcpSockets, TCP_LISTEN } from '../../src/lab/proc-net.ts';
import { address } from './topology.ts';

// Linux 6.18, a server on 11434 with one open and one half-open connection.
const TCP = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0A014D0A:2CAA 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 71 1 ffff 100 0 0 10 0
   1: 0A014D0A:2CAA 01014D0A:4E20 01 00000000:00000000 00:00000000 00000000     0        0 72 1 ffff 20 4 30 10 -1
   2: 0A014D0A:2CAA 0B00630A:4E21 03 00000000:00000000 01:00000063 00000000     0        0 0 1 ffff
`;
const TCP6 = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when
   0: 010077FD00000000000000000A000000:2CAA 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000
`;
const SNMP = `Ip: Forwarding DefaultTTL
Ip: 2 64
Tcp: RtoAlgorithm RtoMin InSegs OutSegs RetransSegs InErrs OutRsts InCsumErrors
Tcp: 1 200 12 34 5 0 7 0
Udp: InDatagrams
Udp: 0
`;

describe('parseTcpSockets', () => {
  it('reads ports and state of listening, open and half-open sockets of both families', () => {
    const local = address('10.77.1.10');
    expect(parseTcpSockets(TCP)).toEqual([
      { local, localPort: 11434, remotePort: 0, state: TCP_LISTEN },
      { local, localPort: 11434, remotePort: 20000, state: 1 },
      { local, localPort: 11434, remotePort: 20001, state: 3 },
    ]);
    expect(parseTcpSockets(TCP6)).toEqual([
      { local: address('fd77:1::a'), localPort: 11434, remotePort: 0, state: TCP_LISTEN },
    ]);
  });

  it('finds nothing in a table that is only a heading', () => {
    expect(parseTcpSockets(TCP.split('\n')[0] ?? '')).toEqual([]);
    expect(parseTcpSockets('heading\n 0: 0A01:2CAA 00000000:0000 0A')).toEqual([]);
    expect(parseTcpSockets('')).toEqual([]);
  });
});

describe('parseResetsSent', () => {
  it('takes the column by its name', () => {
    expect(parseResetsSent(SNMP)).toBe(7);
    expect(parseResetsSent(SNMP.replace('RtoMin ', '').replace('Tcp: 1 200', 'Tcp: 1'))).toBe(7);
  });

  it('knows nothing where the column or the value is missing', () => {
    expect(parseResetsSent(SNMP.replace('OutRsts', 'OutResets'))).toBeUndefined();
    expect(parseResetsSent(SNMP.replace('7 0', 'x 0'))).toBeUndefined();
    expect(parseResetsSent('')).toBeUndefined();
  });
});
