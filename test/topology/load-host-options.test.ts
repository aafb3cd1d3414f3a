import { describeRules } from './support.ts';

const DOCKER = { interface: 'docker0', prefixes: ['172.17.0.0/16'] };

/** What a host's unit, its containers and the users of its flows may be. */
describeRules({
  unit: [
    {
      name: 'everything said',
      edit: (t) => {
        t.hosts['ollama-1'].unit = {
          name: 'llm.service',
          user: 'llm',
          uid: 990,
          stateDirectory: '/var/lib/llm',
          devices: ['/dev/nvidia0'],
          listen: '10.77.1.10',
        };
      },
      codes: [],
    },
    {
      name: 'on a host that is no model',
      edit: (t) => (t.hosts['exec-1'].unit = { user: 'ollama' }),
      codes: ['topology-unit'],
    },
    { name: 'root', edit: (t) => (t.hosts['ollama-1'].unit = { user: 'root' }), codes: ['topology-bad-value'] },
    { name: 'uid 0', edit: (t) => (t.hosts['ollama-1'].unit = { uid: 0 }), codes: ['topology-bad-value'] },
    {
      name: 'a uid that is none',
      edit: (t) => (t.hosts['ollama-1'].unit = { uid: 4294967295 }),
      codes: ['topology-bad-value'],
    },
    {
      name: 'a name that ends the unit’s line',
      edit: (t) => (t.hosts['ollama-1'].unit = { user: 'a\nUser=root' }),
      codes: ['topology-bad-value'],
    },
    {
      name: 'a folder that systemd would read otherwise',
      edit: (t) => (t.hosts['ollama-1'].unit = { stateDirectory: '/srv/%h' }),
      codes: ['topology-bad-value'],
    },
    {
      name: 'a relative folder',
      edit: (t) => (t.hosts['ollama-1'].unit = { stateDirectory: 'srv' }),
      codes: ['topology-bad-value'],
    },
    {
      name: 'a folder with a way up',
      edit: (t) => (t.hosts['ollama-1'].unit = { stateDirectory: '/srv/../etc' }),
      codes: ['topology-bad-value'],
    },
    {
      name: 'a device that is none',
      edit: (t) => (t.hosts['ollama-1'].unit = { devices: ['/etc/shadow'] }),
      codes: ['topology-unit'],
    },
    {
      name: 'an address of another host',
      edit: (t) => (t.hosts['ollama-1'].unit = { listen: '10.77.1.1' }),
      codes: ['topology-unit'],
    },
    {
      name: 'an address in another spelling',
      edit: (t) => (t.hosts['ollama-1'].unit = { listen: 'FD77:1:0::A' }),
      codes: [],
    },
    {
      name: 'two models on one machine with one unit',
      edit: (t) => {
        t.hosts['ollama-1'].placement = 'netns';
        t.hosts['ollama-3'] = { ...t.hosts['ollama-1'], addresses: ['10.77.1.12', 'fd77:1::c'] };
      },
      codes: ['topology-unit'],
    },
    {
      name: 'two models on one machine with units of their own',
      edit: (t) => {
        t.hosts['ollama-1'].placement = 'netns';
        t.hosts['ollama-3'] = {
          ...t.hosts['ollama-1'],
          addresses: ['10.77.1.12', 'fd77:1::c'],
          unit: { name: 'b.service' },
        };
      },
      codes: [],
    },
  ],
  containers: [
    { name: 'on the engine’s bridge', edit: (t) => (t.hosts['exec-1'].containers = DOCKER), codes: [] },
    { name: 'on a model host', edit: (t) => (t.hosts['ollama-1'].containers = DOCKER), codes: ['topology-containers'] },
    {
      name: 'on the link into a segment',
      edit: (t) => {
        t.hosts['orch-1'].segmentInterface = 'eth1';
        t.hosts['orch-1'].containers = { ...DOCKER, interface: 'eth1' };
      },
      codes: ['topology-containers'],
    },
    {
      name: 'on the tailnet',
      edit: (t) => (t.hosts['exec-1'].containers = { ...DOCKER, interface: 'tailscale0' }),
      codes: ['topology-containers'],
    },
    {
      name: 'with host bits',
      edit: (t) => (t.hosts['exec-1'].containers = { ...DOCKER, prefixes: ['172.17.0.1/16'] }),
      codes: ['topology-containers'],
    },
    {
      name: 'with the addresses of a segment',
      edit: (t) => (t.hosts['exec-1'].containers = { ...DOCKER, prefixes: ['10.77.0.0/16'] }),
      codes: ['topology-containers'],
    },
    {
      name: 'with the addresses of the tailnet',
      edit: (t) => (t.hosts['exec-1'].containers = { ...DOCKER, prefixes: ['100.64.0.0/24'] }),
      codes: ['topology-containers'],
    },
    {
      name: 'without addresses',
      edit: (t) => (t.hosts['exec-1'].containers = { ...DOCKER, prefixes: [] }),
      codes: ['topology-bad-value'],
    },
  ],
  users: [
    { name: 'numbers', edit: (t) => (t.hosts['exec-1'].flowUsers = [1000, 1001]), codes: [] },
    { name: 'root', edit: (t) => (t.hosts['exec-1'].flowUsers = [0]), codes: ['topology-bad-value'] },
    { name: 'nobody at all', edit: (t) => (t.hosts['exec-1'].flowUsers = []), codes: ['topology-bad-value'] },
  ],
});
