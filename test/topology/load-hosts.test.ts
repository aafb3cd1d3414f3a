import { describeRules } from './support.ts';

/** Segments, addresses, devices and placements. */
describeRules({
  segments: [
    { name: 'host bits', edit: (t) => (t.segments.cell.prefixes[0] = '10.77.1.1/24'), codes: ['topology-host-bits'] },
    {
      name: 'host bits, IPv6',
      edit: (t) => (t.segments.cell.prefixes[1] = 'fd77:1::1/64'),
      codes: ['topology-host-bits'],
    },
    { name: 'no length', edit: (t) => (t.segments.cell.prefixes[0] = '10.77.1.0'), codes: ['topology-bad-prefix'] },
    {
      name: 'length too long',
      edit: (t) => (t.segments.cell.prefixes[0] = '10.77.1.0/33'),
      codes: ['topology-bad-prefix'],
    },
    {
      name: 'two segments overlap',
      edit: (t) => (t.segments.far.prefixes[0] = '10.76.0.0/14'),
      codes: ['topology-overlap'],
    },
    {
      name: 'two segments side by side',
      edit: (t) => {
        t.segments.far.prefixes[0] = '10.77.0.0/24';
        t.hosts['ollama-2'].addresses[0] = '10.77.0.10';
        t.hosts['rtr-1'].addresses[0] = '10.77.0.1';
      },
      codes: [],
    },
    {
      name: 'inside the tailnet',
      edit: (t) => (t.segments.far.prefixes[0] = '100.64.0.0/24'),
      codes: ['topology-reserved-range', 'topology-address-outside', 'topology-address-outside'],
    },
    {
      name: 'inside the tailnet, IPv6',
      edit: (t) => (t.segments.far.prefixes[1] = 'fd7a:115c:a1e0:1::/64'),
      codes: ['topology-reserved-range', 'topology-address-outside', 'topology-address-outside'],
    },
    {
      name: 'a point-to-point link, where every address is a host’s (RFC 3021, RFC 6164)',
      edit: (t) => {
        t.segments.far.prefixes = ['10.78.1.0/31', 'fd78:1::/127'];
        t.hosts['ollama-2'].addresses = ['10.78.1.0', 'fd78:1::'];
        t.hosts['rtr-1'].addresses.splice(0, 2, '10.78.1.1', 'fd78:1::1');
      },
      codes: [],
    },
    {
      name: 'everything',
      edit: (t) => (t.segments.far.prefixes = ['0.0.0.0/0']),
      codes: ['topology-reserved-range', 'topology-address-outside', 'topology-address-outside'],
    },
    {
      name: 'link-local',
      edit: (t) => (t.segments.far.prefixes[0] = '169.254.7.0/24'),
      codes: ['topology-reserved-range', 'topology-address-outside', 'topology-address-outside'],
    },
    { name: 'no prefix', edit: (t) => (t.segments.far.prefixes = []), codes: ['topology-bad-value'] },
    {
      name: 'router outside its segment',
      edit: (t) => (t.segments.far.router = 'gw-1'),
      codes: ['topology-router-not-member', 'topology-neighbour'],
    },
    {
      name: 'router that is no host',
      edit: (t) => (t.segments.far.router = 'orhc-1'),
      codes: ['topology-unknown-reference', 'topology-neighbour'],
    },
    {
      name: 'model as router',
      edit: (t) => (t.segments.far.router = 'ollama-2'),
      codes: ['topology-router-is-model', 'topology-neighbour'],
    },
    {
      name: 'an executor beside the model',
      edit: (t) => {
        t.hosts['exec-1'].segment = 'cell';
        t.hosts['exec-1'].addresses.push('10.77.1.30', 'fd77:1::1e');
      },
      codes: ['topology-neighbour'],
    },
    {
      name: 'a second orchestrator beside the model',
      edit: (t) => {
        t.hosts['orch-2'] = {
          role: 'orchestrator',
          device: 'n1orch2CNTRL',
          segment: 'cell',
          addresses: ['10.77.1.2', 'fd77:1::2'],
          access: { kind: 'local' },
        };
      },
      codes: [],
    },
  ],
  addresses: [
    {
      name: 'not an address',
      edit: (t) => (t.hosts['ollama-1'].addresses[0] = 'ollama.lan'),
      codes: ['topology-bad-address'],
    },
    {
      name: 'with a length',
      edit: (t) => (t.hosts['ollama-1'].addresses[0] = '10.77.1.10/24'),
      codes: ['topology-bad-address'],
    },
    {
      name: 'with a zone',
      edit: (t) => (t.hosts['ollama-1'].addresses[1] = 'fe80::1%eth0'),
      codes: ['topology-bad-address'],
    },
    {
      name: 'leading zeros',
      edit: (t) => (t.hosts['ollama-1'].addresses[0] = '10.77.1.010'),
      codes: ['topology-bad-address'],
    },
    {
      name: 'outside the segment',
      edit: (t) => (t.hosts['ollama-1'].addresses[0] = '10.77.2.10'),
      codes: ['topology-address-outside'],
    },
    {
      name: 'in another segment',
      edit: (t) => (t.hosts['ollama-1'].addresses[0] = '10.78.1.11'),
      codes: ['topology-address-outside'],
    },
    {
      name: 'in a segment, host in none',
      edit: (t) => t.hosts['exec-1'].addresses.push('10.77.1.30'),
      codes: ['topology-address-outside'],
    },
    {
      name: 'LAN address of a host in no segment',
      edit: (t) => t.hosts['exec-1'].addresses.push('192.168.1.30'),
      codes: [],
    },
    {
      name: 'none in the segment',
      edit: (t) => (t.hosts['ollama-1'].addresses = []),
      codes: ['topology-address-missing'],
    },
    { name: 'none at all', edit: (t) => delete t.hosts['ollama-1'].addresses, codes: ['topology-address-missing'] },
    { name: 'one family only', edit: (t) => t.hosts['ollama-1'].addresses.pop(), codes: [] },
    {
      name: 'network address',
      edit: (t) => (t.hosts['ollama-1'].addresses[0] = '10.77.1.0'),
      codes: ['topology-reserved-address'],
    },
    {
      name: 'broadcast address',
      edit: (t) => (t.hosts['ollama-1'].addresses[0] = '10.77.1.255'),
      codes: ['topology-reserved-address'],
    },
    { name: 'last usable address', edit: (t) => (t.hosts['ollama-1'].addresses[0] = '10.77.1.254'), codes: [] },
    {
      name: 'subnet-router anycast',
      edit: (t) => (t.hosts['ollama-1'].addresses[1] = 'fd77:1::'),
      codes: ['topology-reserved-address'],
    },
    {
      name: 'last IPv6 address',
      edit: (t) => (t.hosts['ollama-1'].addresses[1] = 'fd77:1::ffff:ffff:ffff:ffff'),
      codes: [],
    },
    {
      name: 'loopback',
      edit: (t) => (t.hosts['exec-1'].addresses[0] = '127.0.0.1'),
      codes: ['topology-reserved-address'],
    },
    {
      name: 'IPv4 in IPv6',
      edit: (t) => (t.hosts['exec-1'].addresses[1] = '::ffff:10.0.0.1'),
      codes: ['topology-reserved-address'],
    },
    {
      name: 'the tailnet’s service address',
      edit: (t) => (t.hosts['exec-1'].addresses[0] = '100.100.100.100'),
      codes: ['topology-reserved-address'],
    },
    {
      name: 'tailnet address without a device',
      edit: (t) => t.hosts['ollama-1'].addresses.push('100.64.0.9'),
      codes: ['topology-tailnet-address'],
    },
    {
      name: 'just outside the tailnet’s range',
      edit: (t) => (t.hosts['exec-1'].addresses[0] = '100.128.0.1'),
      codes: [],
    },
    {
      name: 'two hosts with one address',
      edit: (t) => (t.hosts['gw-1'].addresses[0] = '100.64.0.30'),
      codes: ['topology-duplicate-address'],
    },
    {
      name: 'two hosts with one address, spelt differently',
      edit: (t) => (t.hosts['gw-1'].addresses[1] = 'FD7A:115C:A1E0:0::1E'),
      codes: ['topology-duplicate-address'],
    },
    {
      name: 'listed twice',
      edit: (t) => t.hosts['gw-1'].addresses.push('100.64.0.40'),
      codes: ['topology-duplicate-address'],
    },
  ],
  'hosts and devices': [
    {
      name: 'two hosts with one device',
      edit: (t) => (t.hosts['gw-1'].device = 'n1execCNTRL'),
      codes: ['topology-duplicate-device'],
    },
    {
      name: 'executor without a device',
      edit: (t) => {
        delete t.hosts['exec-1'].device;
        delete t.hosts['exec-1'].addresses;
      },
      codes: ['topology-device-missing'],
    },
    {
      name: 'two hosts on this machine',
      edit: (t) => {
        t.hosts['gw-1'].access = { kind: 'local' };
        t.hosts['exec-1'].access = { kind: 'local' };
      },
      codes: ['topology-duplicate-access'],
    },
    {
      name: 'one namespace for two hosts',
      edit: (t) => {
        t.hosts['gw-1'].access = { kind: 'netns', name: 'x' };
        t.hosts['exec-1'].access = { kind: 'netns', name: 'x' };
      },
      codes: ['topology-duplicate-access'],
    },
    {
      name: 'an ssh target and a namespace of one name',
      edit: (t) => {
        t.hosts['gw-1'].access = { kind: 'netns', name: 'x' };
        t.hosts['exec-1'].access = { kind: 'ssh', target: 'x' };
      },
      codes: [],
    },
    {
      name: 'an ssh option as target',
      edit: (t) => (t.hosts['gw-1'].access = { kind: 'ssh', target: '-oProxyCommand=sh' }),
      codes: ['topology-bad-value'],
    },
    {
      name: 'a user with an option as host',
      edit: (t) => (t.hosts['gw-1'].access = { kind: 'ssh', target: 'root@-x' }),
      codes: ['topology-bad-value'],
    },
    {
      name: 'ssh targets as people write them',
      edit: (t) => {
        t.hosts['gw-1'].access = { kind: 'ssh', target: 'ssh://root@gw-1.example:2222' };
        t.hosts['exec-1'].access = { kind: 'ssh', target: 'root@fd77::1' };
      },
      codes: [],
    },
    {
      name: 'a namespace with a path',
      edit: (t) => (t.hosts['gw-1'].access = { kind: 'netns', name: '../x' }),
      codes: ['topology-bad-value'],
    },
    {
      name: 'a namespace that looks like an option',
      edit: (t) => (t.hosts['gw-1'].access = { kind: 'netns', name: '-all' }),
      codes: ['topology-bad-value'],
    },
    { name: 'no access', edit: (t) => delete t.hosts['gw-1'].access, codes: ['topology-missing-key'] },
    { name: 'access of no kind', edit: (t) => (t.hosts['gw-1'].access = {}), codes: ['topology-missing-key'] },
    {
      name: 'access of another kind’s field',
      edit: (t) => (t.hosts['gw-1'].access = { kind: 'local', target: 'x' }),
      codes: ['topology-unknown-key'],
    },
  ],
  placement: [
    { name: 'a model without', edit: (t) => delete t.hosts['ollama-1'].placement, codes: ['topology-placement'] },
    { name: 'an executor with', edit: (t) => (t.hosts['exec-1'].placement = 'segment'), codes: ['topology-placement'] },
    { name: 'an executor that says tailnet', edit: (t) => (t.hosts['exec-1'].placement = 'tailnet'), codes: [] },
    {
      name: 'segment without a segment',
      edit: (t) => {
        delete t.hosts['ollama-1'].segment;
        delete t.hosts['ollama-1'].addresses;
      },
      codes: ['topology-segment-missing'],
    },
    {
      name: 'segment with a device',
      edit: (t) => (t.hosts['ollama-1'].device = 'n1oCNTRL'),
      codes: ['topology-device-extra'],
    },
    {
      name: 'netns with a device',
      edit: (t) => Object.assign(t.hosts['ollama-1'], { placement: 'netns', device: 'n1oCNTRL' }),
      codes: ['topology-device-extra'],
    },
    { name: 'netns', edit: (t) => (t.hosts['ollama-1'].placement = 'netns'), codes: [] },
    {
      name: 'netns behind a router that is no orchestrator',
      edit: (t) => (t.hosts['ollama-2'].placement = 'netns'),
      codes: ['topology-placement'],
    },
    {
      name: 'tailnet without a device',
      edit: (t) => {
        t.hosts['ollama-1'] = { role: 'model', placement: 'tailnet', access: { kind: 'local' } };
      },
      codes: ['topology-device-missing'],
    },
    {
      name: 'tailnet with a segment',
      edit: (t) => Object.assign(t.hosts['ollama-1'], { placement: 'tailnet', device: 'n1oCNTRL' }),
      codes: ['topology-segment-extra'],
    },
    {
      name: 'tailnet',
      edit: (t) => {
        t.hosts['ollama-1'] = { role: 'model', placement: 'tailnet', device: 'n1oCNTRL', access: { kind: 'local' } };
      },
      codes: [],
    },
    {
      name: 'daemon without a device',
      edit: (t) => (t.hosts['ollama-1'].tailscaled = true),
      codes: ['topology-daemon'],
    },
    { name: 'no daemon without a device', edit: (t) => (t.hosts['ollama-1'].tailscaled = false), codes: [] },
    {
      name: 'underlay without a device',
      edit: (t) => (t.hosts['ollama-1'].underlayInterfaces = ['eth1']),
      codes: ['topology-daemon'],
    },
    {
      name: 'resolvers without a device',
      edit: (t) => (t.hosts['ollama-1'].resolvers = ['9.9.9.9']),
      codes: ['topology-daemon'],
    },
    {
      name: 'resolver that is no address',
      edit: (t) => (t.hosts['gw-1'].resolvers = ['dns.example']),
      codes: ['topology-bad-address'],
    },
    {
      name: 'segment interface without a segment',
      edit: (t) => (t.hosts['gw-1'].segmentInterface = 'eth1'),
      codes: ['topology-interface'],
    },
    {
      name: 'segment link as underlay',
      edit: (t) => (t.hosts['orch-1'].underlayInterfaces = ['eth0', 'eth1']),
      codes: ['topology-interface'],
    },
    { name: 'two underlay links', edit: (t) => (t.hosts['orch-1'].underlayInterfaces = ['eth0', 'eth2']), codes: [] },
    {
      name: 'loopback as link',
      edit: (t) => (t.hosts['orch-1'].segmentInterface = 'lo'),
      codes: ['topology-interface'],
    },
    {
      name: 'the tunnel as underlay',
      edit: (t) => (t.hosts['orch-1'].underlayInterfaces = ['tailscale0']),
      codes: ['topology-interface'],
    },
    {
      name: 'interface name of 16 characters',
      edit: (t) => (t.hosts['orch-1'].segmentInterface = 'abcdefghijklmnop'),
      codes: ['topology-bad-value'],
    },
    {
      name: 'interface name of 15 characters',
      edit: (t) => (t.hosts['orch-1'].segmentInterface = 'abcdefghijklmno'),
      codes: [],
    },
    {
      name: 'interface wildcard',
      edit: (t) => (t.hosts['orch-1'].segmentInterface = 'eth*'),
      codes: ['topology-bad-value'],
    },
  ],
});
