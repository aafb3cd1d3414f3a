import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { applyRuleset } from '../../src/apply/host-firewall.ts';
import { ADDRESSES, linkedNamespaces } from '../access/linked-namespaces.ts';
import type { TestNamespace } from '../support/namespace.ts';
import { canUseNamespaces } from '../support/namespace.ts';
import { requireOrSkip } from '../support/require.ts';

const able = canUseNamespaces();
const needs = 'nftables in network namespaces needs root, iproute2, nftables and python3';
const PORTS = [11434, 8080];

/** Echoes every byte on every port. */
const SERVER = `
import selectors, socket, sys
s = selectors.DefaultSelector()
for port in map(int, sys.argv[2:]):
    l = socket.create_server((sys.argv[1], port)); s.register(l, 1, True)
print("ready", flush=True)
while True:
    for key, _ in s.select():
        if key.data: s.register(key.fileobj.accept()[0], 1, False)
        else:
            try: data = key.fileobj.recv(64)
            except OSError: data = b""
            if data: key.fileobj.sendall(data)
            else: s.unregister(key.fileobj)
`;
/** Opens one connection to each port; for every line on its input, tries them all and prints the ports that echo. */
const CLIENT = `
import socket, sys
socks = {int(p): socket.create_connection((sys.argv[1], int(p)), timeout=2) for p in sys.argv[2:]}
print("ready", flush=True)
for line in sys.stdin:
    token = line.strip().encode()
    alive = []
    for port, s in socks.items():
        s.settimeout(0.4)
        try:
            s.sendall(token)
            if token in s.recv(4096): alive.append(port)
        except OSError: pass
    print(*alive, flush=True)
`;

/** As rendered rulesets are: address, port, direction and state of every packet, both ways. */
const pinned = (ports: readonly number[]) => {
  const rules = (chain: string, side: string, direction: string, states: string) =>
    ports.map((p) => `${chain} tcp ${side} ${p} ct direction ${direction} ct state ${states} accept`).join('; ');
  const peer = ADDRESSES.neighbour;
  return `table inet cordon {
    chain input { type filter hook input priority 300; policy drop; ${rules(`ip saddr ${peer}`, 'dport', 'original', '{ new, established }')}; drop; }
    chain output { type filter hook output priority 300; policy drop; ${rules(`ip daddr ${peer}`, 'sport', 'reply', 'established')}; drop; }
  }\n`;
};
/** As they must not be: whatever was established once goes on. */
const careless = (ports: readonly number[]) => `table inet cordon {
    chain input { type filter hook input priority 300; policy drop; ct state established,related accept; tcp dport { ${ports.join(', ')} } accept; drop; }
    chain output { type filter hook output priority 300; policy drop; ct state established,related accept; drop; }
  }\n`;

describe('a flow that was permitted when it began', () => {
  let ends: { host: TestNamespace; neighbour: TestNamespace } | undefined;
  let children: ChildProcess[] = [];
  beforeEach(() => {
    if (able) ends = linkedNamespaces('revoked');
  });
  afterEach(() => {
    for (const child of children) child.kill('SIGKILL');
    children = [];
    ends?.host.remove();
    ends?.neighbour.remove();
  });

  async function python(space: TestNamespace, script: string) {
    const argv = ['netns', 'exec', space.name, '/usr/bin/python3', '-c', script, ADDRESSES.host, ...PORTS.map(String)];
    const child = spawn('ip', argv, { stdio: ['pipe', 'pipe', 'inherit'] });
    children.push(child);
    const lines = createInterface({ input: child.stdout });
    await once(lines, 'line');
    return async (token: string): Promise<string> => {
      child.stdin.write(`${token}\n`);
      const [line] = await once(lines, 'line');
      return String(line);
    };
  }

  it.each([
    ['is cut at once by the shape of our rulesets, and the permitted one runs on', pinned, '11434'],
    // What shows that the flows are there to be cut, and that no apply cuts them by itself.
    ['outlives a ruleset that accepts whatever is established', careless, '11434 8080'],
  ])('%s', async (_what, ruleset, alive) => {
    requireOrSkip(able && ends !== undefined, needs);
    const access = { kind: 'netns', name: ends.host.name } as const;
    expect(await applyRuleset(access, ruleset(PORTS))).toMatchObject({ kind: 'applied' });
    await python(ends.host, SERVER);
    const tried = await python(ends.neighbour, CLIENT);
    expect(await tried('a')).toBe('11434 8080');
    expect(await applyRuleset(access, ruleset([11434]))).toMatchObject({ kind: 'applied' });
    expect(await tried('b')).toBe(alive);
    expect(await tried('c')).toBe(alive);
  });
});
