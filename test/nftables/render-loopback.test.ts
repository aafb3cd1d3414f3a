import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { printRuleset } from '../../src/nftables/print.ts';
import { renderHost } from '../../src/nftables/render/host.ts';
import { canUseNamespaces } from '../support/namespace.ts';
import { requireOrSkip } from '../support/require.ts';
import { PLANS } from './plans.ts';

/**
 * Loads the ruleset of its argument and tries flows over loopback: `SERVER-UID CLIENT-UID PORT` with the outcome, in a
 * network namespace of its own.
 */
const PROBE = `
import os, socket, subprocess, sys
subprocess.run(['nft', '-f', '-'], input=sys.argv[1].encode(), check=True)
def as_user(uid, work):
    pid = os.fork()
    if pid == 0:
        os.setresuid(uid, uid, uid)
        os._exit(work())
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
def connect(address, port):
    def work():
        s = socket.socket(socket.AF_INET6 if ':' in address else socket.AF_INET)
        s.settimeout(0.8)
        s.connect((address, port))
        s.sendall(b'x' * 100000)
        s.shutdown(socket.SHUT_WR)
        total = 0
        while True:
            piece = s.recv(65536)
            if not piece: return 0 if total == 100000 else 4
            total += len(piece)
    def safely():
        try: return work()
        except Exception: return 3
    return safely
def serve(uid, address, port):
    told, tell = os.pipe()
    pid = os.fork()
    if pid:
        os.close(tell)
        if os.read(told, 1) != b'r': raise SystemExit('the server did not start')
        os.close(told)
        return pid
    os.setresuid(uid, uid, uid)
    s = socket.socket(socket.AF_INET6 if ':' in address else socket.AF_INET)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((address, port)); s.listen()
    os.write(tell, b'r')
    while True:
        c, _ = s.accept()
        got = b''
        while True:
            piece = c.recv(65536)
            if not piece: break
            got += piece
        c.sendall(got); c.close()
for line in sys.argv[2:]:
    server, client, address, port = line.split()
    pid = serve(int(server), address, int(port))
    print(line, 'open' if as_user(int(client), connect(address, int(port))) == 0 else 'closed')
    os.kill(pid, 9); os.waitpid(pid, 0)
`;

function outcomes(plan: string, cases: readonly string[]): string[] {
  const found = PLANS[plan];
  if (found === undefined) throw new Error(plan);
  const text = printRuleset({ tables: renderHost({ ...found, daemon: undefined, closeRawOnLink: false }).tables });
  const argv = [
    '-n',
    'sh',
    '-c',
    'ip link set lo up && sysctl -qw net.ipv4.ip_unprivileged_port_start=0 && exec python3 -c "$0" "$@"',
    PROBE,
    text,
    ...cases,
  ];
  return execFileSync('unshare', argv, { encoding: 'utf8' }).trim().split('\n');
}

/** Root 0, the model 990, a stub resolver 101. */
const CASES = [
  '990 0 127.0.0.1 11434', // health check
  '990 101 127.0.0.1 11434',
  '990 990 127.0.0.1 40000', // runner
  '990 990 ::1 40000',
  '101 990 127.0.0.1 53', // stub resolver
  '101 0 127.0.0.1 53',
  '0 990 127.0.0.1 8080', // proxy
  '101 990 127.0.0.53 40000',
];

describe('loopback of a model host, on the kernel', () => {
  it.each([
    ['model-tailnet-uid', ['open', 'closed', 'open', 'open', 'closed', 'open', 'closed', 'closed']],
    ['model-segment', ['open', 'closed', 'open', 'open', 'closed', 'open', 'closed', 'closed']],
    ['model-netns', ['open', 'open', 'open', 'open', 'open', 'open', 'open', 'open']],
  ])('%s', (plan, expected) => {
    requireOrSkip(canUseNamespaces(), 'loading rulesets needs root, iproute2 and nftables');
    expect(outcomes(plan, CASES)).toEqual(CASES.map((c, i) => `${c} ${expected[i]}`));
  });
});
