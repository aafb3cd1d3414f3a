import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { TestNamespace } from '../support/namespace.ts';
import { canUseNamespaces } from '../support/namespace.ts';
import { ADDRESSES, linkedNamespaces } from './linked-namespaces.ts';

const SSHD = '/usr/sbin/sshd';
/** Where Debian's sshd puts its children without rights; it refuses to start without. */
const SEPARATION = '/run/sshd';
export const SSH_PORT = 2222;

/** A real sshd in a network namespace of its own, and a client configuration that leads there from a neighbour's. */
export interface TestSshd {
  readonly space: TestNamespace;
  /** Destination for `access.target`: one that may log in, by key. */
  readonly target: string;
  /** The same host with a key that it does not know. */
  readonly strangerTarget: string;
  /** The same host under a host key that is not its own. */
  readonly impostorTarget: string;
  /** A port of the same namespace at which nobody listens. */
  readonly deafTarget: string;
  /** Over one connection that is kept open between commands. */
  readonly sharedTarget: string;
  readonly folder: string;
  /** Path of a file that login shells of the host read first; a test may write it. */
  readonly startup: string;
  /** Whether they do: bash does. */
  readonly hasStartup: boolean;
  /** Process ids of the sshd processes that serve a connection. */
  sessions(): readonly number[];
  stop(): void;
}

/** Whether `startSshd` can work here. */
export function canRunSshd(): boolean {
  return existsSync(SSHD) && canUseNamespaces();
}

/** Starts the server and points `CORDON_SSH_CONFIG` of this process at the client's configuration. */
export async function startSshd(label: string): Promise<TestSshd> {
  const folder = mkdtempSync(join(tmpdir(), 'cordon-sshd-'));
  const { host: space, neighbour } = linkedNamespaces(label);
  const at = (name: string) => join(folder, name);
  for (const key of ['host', 'impostor', 'client', 'stranger']) {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', key, '-f', at(key)]);
  }
  const pub = (key: string) => readFileSync(at(`${key}.pub`), 'utf8');
  writeFileSync(at('authorized'), pub('client'));
  writeFileSync(at('known'), `cordon-test ${pub('host')}impostor-test ${pub('impostor')}`);
  writeFileSync(
    at('server.conf'),
    `ListenAddress ${ADDRESSES.host}:${SSH_PORT}
HostKey ${at('host')}
PidFile none
AuthorizedKeysFile ${at('authorized')}
StrictModes no
UsePAM no
PermitRootLogin yes
PasswordAuthentication no
KbdInteractiveAuthentication no
PrintMotd no
MaxStartups 200
MaxSessions 200
LogLevel ERROR
SetEnv HOME=${folder}
`,
  );
  writeFileSync(at('connect.py'), CONNECT);
  writeFileSync(at('client.conf'), clientConfiguration(neighbour.name, at));
  if (!existsSync(SEPARATION)) mkdirSync(SEPARATION, { mode: 0o755 });
  const server = spawn('ip', ['netns', 'exec', space.name, SSHD, '-D', '-e', '-f', at('server.conf')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let words = '';
  server.stderr.on('data', (data: Buffer) => {
    words += data.toString();
  });
  for (let tries = 0; !listens(space); tries++) {
    if (tries > 200 || server.exitCode !== null) throw new Error(`sshd does not listen: ${words}`);
    await new Promise((done) => setTimeout(done, 20));
  }
  const before = process.env['CORDON_SSH_CONFIG'];
  process.env['CORDON_SSH_CONFIG'] = at('client.conf');
  return {
    space,
    target: 'root@cordon-test',
    strangerTarget: 'root@cordon-stranger',
    impostorTarget: 'root@cordon-impostor',
    deafTarget: 'root@cordon-deaf',
    sharedTarget: 'root@cordon-shared',
    folder,
    startup: at('.bashrc'),
    hasStartup: userInfo().shell?.endsWith('/bash') === true,
    sessions: () => childrenOf(server.pid ?? -1),
    stop() {
      if (before === undefined) delete process.env['CORDON_SSH_CONFIG'];
      else process.env['CORDON_SSH_CONFIG'] = before;
      for (const pid of childrenOf(server.pid ?? -1)) end(pid);
      server.kill('SIGKILL');
      space.remove();
      neighbour.remove();
      rmSync(folder, { recursive: true });
    },
  };
}

/** Opens the connection inside the neighbour's namespace and hands it to ssh (ssh_config(5): ProxyUseFdpass). */
const CONNECT = `
import socket, sys
to = socket.create_connection(("${ADDRESSES.host}", int(sys.argv[1])), timeout=float(sys.argv[2]))
to.settimeout(None)
socket.send_fds(socket.socket(fileno=1), [b"x"], [to.fileno()])
`;

function clientConfiguration(name: string, at: (name: string) => string): string {
  const proxy = (port: number) => `ip netns exec ${name} /usr/bin/python3 -S -E ${at('connect.py')} ${port} 1`;
  const host = (alias: string, port: number, key: string, hostKey: string, more = '') =>
    `Host ${alias}\n  ProxyCommand ${proxy(port)}\n  IdentityFile ${at(key)}\n  HostKeyAlias ${hostKey}\n${more}`;
  return `${host('cordon-test', SSH_PORT, 'client', 'cordon-test')}
${host('cordon-stranger', SSH_PORT, 'stranger', 'cordon-test')}
${host('cordon-impostor', SSH_PORT, 'client', 'impostor-test')}
${host('cordon-deaf', SSH_PORT + 1, 'client', 'cordon-test')}
${host('cordon-shared', SSH_PORT, 'client', 'cordon-test', `  ControlMaster auto\n  ControlPersist 30\n  ControlPath ${at('control')}\n`)}
Host *
  ProxyUseFdpass yes
  IdentitiesOnly yes
  IdentityAgent none
  KexAlgorithms curve25519-sha256
  StrictHostKeyChecking yes
  UserKnownHostsFile ${at('known')}
  GlobalKnownHostsFile none
`;
}

function listens(space: TestNamespace): boolean {
  return space.exec(['ss', '-H', '-ltn']).includes(`:${SSH_PORT} `);
}

/** Direct children, as the kernel lists them (proc(5): /proc/PID/task/TID/children). */
function childrenOf(pid: number): readonly number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    return text === '' ? [] : text.split(' ').map(Number);
  } catch {
    return [];
  }
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
