import { type Address, parseAddress } from '../../src/net/address.ts';
import { type Prefix, parsePrefix, TAILNET_V4, TAILNET_V6 } from '../../src/net/prefix.ts';
import type { HostPlan, PlannedFlow, PlannedForward } from '../../src/nftables/host-plan.ts';

export function addr(text: string): Address {
  const address = parseAddress(text);
  if (address === undefined) throw new Error(`not an address: ${text}`);
  return address;
}

export function block(text: string): Prefix {
  const parsed = parsePrefix(text);
  if (parsed === undefined) throw new Error(`not a prefix: ${text}`);
  return parsed.prefix;
}

const addrs = (...texts: string[]) => texts.map(addr);
const blocks = (...texts: string[]) => texts.map(block);
const one = (port: number) => [{ first: port, last: port }];

function flow(
  id: string,
  side: PlannedFlow['side'],
  iface: string,
  tcp: number,
  rest: Partial<PlannedFlow>,
): PlannedFlow {
  return { id, side, iface, local: [], remote: [], tcp: one(tcp), udp: [], ...rest };
}

const NOTHING: Omit<HostPlan, 'host' | 'role'> = {
  daemon: undefined,
  tailnet: false,
  loopback: 'shared',
  link: undefined,
  closeRawOnLink: false,
  flows: [],
  forwards: [],
  modelAddresses: [],
};

const DAEMON = { underlay: ['eth0'], resolvers: addrs('198.51.100.10') };
const MODELS = blocks('10.77.1.10', 'fd77:1::a', '100.64.0.10', 'fd7a:115c:a1e0::a', '192.168.255.2', 'fd00:255::2');

const forward: PlannedForward = {
  id: 'orchestrator-model',
  inInterface: 'tailscale0',
  outInterface: 'eth1',
  from: blocks('100.64.0.20', 'fd7a:115c:a1e0::14'),
  to: blocks('10.77.1.10', 'fd77:1::a'),
  tcp: one(11434),
  udp: [],
};

/** One plan for each role and placement; each is a golden file and is loaded into the kernel. */
export const PLANS: Readonly<Record<string, HostPlan>> = {
  'model-tailnet': {
    ...NOTHING,
    host: 'ollama-1',
    role: 'model',
    daemon: DAEMON,
    tailnet: true,
    flows: [
      flow('orchestrator-model', 'responder', 'tailscale0', 11434, {
        local: addrs('100.64.0.10', 'fd7a:115c:a1e0::a'),
        remote: blocks('100.64.0.20', 'fd7a:115c:a1e0::14'),
      }),
    ],
  },
  'model-tailnet-uid': {
    ...NOTHING,
    host: 'ollama-1',
    role: 'model',
    daemon: { underlay: ['eth0'], resolvers: [] },
    tailnet: true,
    modelUid: 990,
    flows: [
      flow('orchestrator-model', 'responder', 'tailscale0', 11434, {
        local: addrs('100.64.0.10', 'fd7a:115c:a1e0::a'),
        remote: blocks('100.64.0.20', 'fd7a:115c:a1e0::14'),
        udp: one(11435),
      }),
    ],
  },
  'model-netns': {
    ...NOTHING,
    host: 'ollama-1',
    role: 'model',
    loopback: 'private',
    link: { name: 'cell0', addresses: addrs('192.168.255.2', 'fd00:255::2') },
    closeRawOnLink: true,
    flows: [
      flow('orchestrator-model', 'responder', 'cell0', 11434, {
        local: addrs('192.168.255.2', 'fd00:255::2'),
        remote: blocks('192.168.255.1', 'fd00:255::1'),
      }),
    ],
  },
  'model-segment': {
    ...NOTHING,
    host: 'ollama-1',
    role: 'model',
    link: { name: 'eth0', addresses: addrs('10.77.1.10', 'fd77:1::a') },
    closeRawOnLink: true,
    flows: [
      flow('orchestrator-model', 'responder', 'eth0', 11434, {
        local: addrs('10.77.1.10', 'fd77:1::a'),
        remote: blocks('10.77.1.1', 'fd77:1::1'),
      }),
    ],
  },
  orchestrator: {
    ...NOTHING,
    host: 'orch-1',
    role: 'orchestrator',
    daemon: DAEMON,
    tailnet: true,
    link: { name: 'cellh', addresses: addrs('192.168.255.1', 'fd00:255::1') },
    flows: [
      flow('orchestrator-model', 'initiator', 'cellh', 11434, {
        local: addrs('192.168.255.1', 'fd00:255::1'),
        remote: blocks('192.168.255.2', 'fd00:255::2'),
      }),
      flow('orchestrator-model', 'initiator', 'tailscale0', 11434, {
        local: addrs('100.64.0.20', 'fd7a:115c:a1e0::14'),
        remote: blocks('100.64.0.10', 'fd7a:115c:a1e0::a'),
      }),
      flow('operators-ssh', 'responder', 'tailscale0', 22, {
        local: addrs('100.64.0.20', 'fd7a:115c:a1e0::14'),
        remote: blocks('100.64.0.50', '100.64.0.51', '100.64.0.54', 'fd7a:115c:a1e0::32'),
      }),
    ],
    modelAddresses: MODELS,
  },
  'orchestrator-router': {
    ...NOTHING,
    host: 'orch-1',
    role: 'orchestrator',
    daemon: { underlay: ['eth0', 'wlan0'], resolvers: addrs('198.51.100.10', '2001:db8::53') },
    tailnet: true,
    link: { name: 'eth1', addresses: addrs('10.77.1.1', 'fd77:1::1') },
    flows: [
      flow('orchestrator-model', 'initiator', 'eth1', 11434, {
        local: addrs('10.77.1.1', 'fd77:1::1'),
        remote: blocks('10.77.1.10', '10.77.1.11', 'fd77:1::a', 'fd77:1::b'),
      }),
    ],
    forwards: [
      {
        ...forward,
        id: 'monitor-model',
        from: blocks('100.64.0.60'),
        tcp: [
          { first: 9100, last: 9101 },
          { first: 80, last: 80 },
        ],
      },
    ],
    modelAddresses: blocks('10.77.1.10', '10.77.1.11', 'fd77:1::a', 'fd77:1::b'),
  },
  executor: {
    ...NOTHING,
    host: 'exec-1',
    role: 'executor',
    daemon: DAEMON,
    tailnet: true,
    flows: [
      flow('executor-gateway', 'initiator', 'tailscale0', 443, {
        local: addrs('100.64.0.30', 'fd7a:115c:a1e0::1e'),
        remote: blocks('100.64.0.40', 'fd7a:115c:a1e0::28'),
      }),
      flow('time-sync', 'initiator', 'eth0', 123, { remote: blocks('0.0.0.0/0', '::/0'), tcp: [], udp: one(123) }),
    ],
    modelAddresses: MODELS,
  },
  'executor-users': {
    ...NOTHING,
    host: 'exec-1',
    role: 'executor',
    tailnet: true,
    flows: [
      flow('executor-gateway', 'initiator', 'tailscale0', 443, {
        local: addrs('100.64.0.30', 'fd7a:115c:a1e0::1e'),
        remote: blocks('100.64.0.40', 'fd7a:115c:a1e0::28'),
        uids: [1001, 1000, 1000],
      }),
      flow('tools', 'initiator', 'eth0', 443, { remote: blocks('198.51.100.10'), uids: [65534] }),
    ],
    modelAddresses: MODELS,
  },
  'executor-containers': {
    ...NOTHING,
    host: 'exec-2',
    role: 'executor',
    daemon: DAEMON,
    tailnet: true,
    flows: [
      flow('executor-gateway', 'initiator', 'tailscale0', 443, {
        local: addrs('100.64.0.30', 'fd7a:115c:a1e0::1e'),
        remote: blocks('100.64.0.40', 'fd7a:115c:a1e0::28'),
      }),
    ],
    forwards: [
      {
        id: 'executor-gateway',
        inInterface: 'docker0',
        outInterface: 'tailscale0',
        from: blocks('172.17.0.0/16'),
        to: blocks('100.64.0.40'),
        tcp: one(443),
        udp: [],
      },
    ],
    modelAddresses: MODELS,
  },
  gateway: {
    ...NOTHING,
    host: 'gw-1',
    role: 'gateway',
    daemon: { underlay: ['eth0'], resolvers: [] },
    tailnet: true,
    flows: [
      flow('executor-gateway', 'responder', 'tailscale0', 443, {
        local: addrs('100.64.0.40', 'fd7a:115c:a1e0::28'),
        remote: [TAILNET_V4, TAILNET_V6],
        tcp: [
          { first: 443, last: 443 },
          { first: 8443, last: 8444 },
        ],
      }),
    ],
    modelAddresses: MODELS,
  },
  node: {
    ...NOTHING,
    host: 'node-1',
    role: 'node',
    tailnet: true,
    flows: [flow('gateway-node', 'responder', 'tailscale0', 22, { remote: blocks('100.64.0.40') })],
    modelAddresses: blocks('100.64.0.10'),
  },
  'other-router': {
    ...NOTHING,
    host: 'router-1',
    role: 'other',
    daemon: DAEMON,
    tailnet: true,
    link: { name: 'eth1', addresses: addrs('10.77.1.1', 'fd77:1::1') },
    forwards: [forward],
    modelAddresses: blocks('10.77.1.10', 'fd77:1::a'),
  },
  'other-empty': { ...NOTHING, host: 'spare-1', role: 'other' },
};
