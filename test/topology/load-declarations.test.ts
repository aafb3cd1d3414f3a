import { describeRules } from './support.ts';

/** The file as a whole, roles, services, flows and lists. */
describeRules({
  'the whole': [
    { name: 'as it is', edit: () => {}, codes: [] },
    {
      name: 'nothing but what is required',
      codes: [],
      edit: (t) => {
        for (const key of ['segments', 'services', 'flows', 'agents', 'openclaw', 'waivers', 'attestations'])
          delete t[key];
        t.hosts = {};
      },
    },
    { name: 'empty lists', edit: (t) => Object.assign(t, { flows: [], waivers: [], attestations: [] }), codes: [] },
    { name: 'another version', edit: (t) => (t.version = 2), codes: ['topology-bad-value'] },
    { name: 'version as text', edit: (t) => (t.version = '1'), codes: ['topology-bad-value'] },
    { name: 'no version', edit: (t) => delete t.version, codes: ['topology-missing-key'] },
  ],
  'ids and selectors': [
    {
      name: 'device id of another kind',
      edit: (t) => (t.hosts['gw-1'].device = 'k1gwCNTRL'),
      codes: ['topology-bad-value'],
    },
    { name: 'numeric device id', edit: (t) => (t.hosts['gw-1'].device = 123456), codes: ['topology-bad-value'] },
    { name: 'tailnet id of a device', edit: (t) => (t.tailnet.id = 'n1testCNTRL'), codes: ['topology-bad-value'] },
    { name: 'nobody operates', edit: (t) => (t.tailnet.operators = []), codes: ['topology-bad-value'] },
    { name: 'everybody operates', edit: (t) => (t.tailnet.operators = ['*']), codes: ['topology-bad-value'] },
    {
      name: 'every member operates',
      edit: (t) => (t.tailnet.operators = ['autogroup:member']),
      codes: ['topology-bad-value'],
    },
    { name: 'admins operate', edit: (t) => (t.tailnet.operators = ['autogroup:admin', 'kim@github']), codes: [] },
    {
      name: 'an operator twice',
      edit: (t) => t.tailnet.operators.push('ops@example.com'),
      codes: ['topology-duplicate-id'],
    },
    {
      name: 'a role’s tag operates',
      edit: (t) => (t.tailnet.operators = ['tag:executor']),
      codes: ['topology-operator-role'],
    },
    {
      name: 'a group nobody defines',
      edit: (t) => (t.tailnet.operators = ['group:ops']),
      codes: ['topology-unknown-group'],
    },
  ],
  roles: [
    { name: 'tag without tag:', edit: (t) => (t.roles.model.tag = 'model'), codes: ['topology-bad-value'] },
    { name: 'tag that starts with a digit', edit: (t) => (t.roles.model.tag = 'tag:1'), codes: ['topology-bad-value'] },
    { name: 'tag with capitals', edit: (t) => (t.roles.model.tag = 'tag:Model-2'), codes: [] },
    {
      name: 'two roles with one tag',
      edit: (t) => (t.roles.gateway.tag = 'tag:model'),
      codes: ['topology-duplicate-tag'],
    },
    {
      name: 'two tags that differ in case',
      edit: (t) => (t.roles.gateway.tag = 'tag:MODEL'),
      codes: ['topology-duplicate-tag'],
    },
    {
      name: 'a role named operators',
      edit: (t) => (t.roles.operators = { tag: 'tag:ops' }),
      codes: ['topology-reserved-name'],
    },
    { name: 'a kind against the name', edit: (t) => (t.roles.model.kind = 'other'), codes: ['topology-role-kind'] },
    { name: 'the kind of the name', edit: (t) => (t.roles.model.kind = 'model'), codes: [] },
    { name: 'a kind that is none', edit: (t) => (t.roles.router.kind = 'router'), codes: ['topology-bad-value'] },
    {
      name: 'another name of kind model: its hosts need a placement',
      edit: (t) => (t.roles.router.kind = 'model'),
      codes: ['topology-router-is-model', 'topology-placement'],
    },
    { name: 'name with a capital', edit: (t) => (t.roles.Web = { tag: 'tag:web' }), codes: ['topology-bad-name'] },
    { name: 'name with a slash', edit: (t) => (t.roles['a/b'] = { tag: 'tag:web' }), codes: ['topology-bad-name'] },
    {
      name: 'name that ends with a dash',
      edit: (t) => (t.roles['web-'] = { tag: 'tag:web' }),
      codes: ['topology-bad-name'],
    },
    { name: 'name that JavaScript knows', edit: (t) => (t.roles.constructor = { tag: 'tag:web' }), codes: [] },
  ],
  'services and ports': [
    { name: 'port 0', edit: (t) => (t.services.ollama.tcp = [0]), codes: ['topology-bad-value'] },
    { name: 'port 65536', edit: (t) => (t.services.ollama.tcp = [65536]), codes: ['topology-bad-value'] },
    { name: 'ports 1 and 65535', edit: (t) => (t.services.ollama.tcp = [1, 65535]), codes: [] },
    { name: 'fraction of a port', edit: (t) => (t.services.ollama.tcp = [80.5]), codes: ['topology-bad-value'] },
    { name: 'named port', edit: (t) => (t.services.ollama.tcp = ['ssh']), codes: ['topology-bad-value'] },
    { name: 'all ports', edit: (t) => (t.services.ollama.tcp = ['*']), codes: ['topology-bad-value'] },
    { name: 'range', edit: (t) => (t.services.ollama.tcp = ['8000-8010']), codes: [] },
    { name: 'range of one', edit: (t) => (t.services.ollama.tcp = ['8000-8000']), codes: [] },
    { name: 'range backwards', edit: (t) => (t.services.ollama.tcp = ['8010-8000']), codes: ['topology-bad-port'] },
    {
      name: 'range past the end',
      edit: (t) => (t.services.ollama.tcp = ['65530-65536']),
      codes: ['topology-bad-port'],
    },
    { name: 'range from 0', edit: (t) => (t.services.ollama.tcp = ['0-10']), codes: ['topology-bad-port'] },
    { name: 'ranges that touch', edit: (t) => (t.services.ollama.tcp = ['80-90', '91-95']), codes: [] },
    {
      name: 'ranges that overlap',
      edit: (t) => (t.services.ollama.tcp = ['80-90', '90-95']),
      codes: ['topology-duplicate-port'],
    },
    {
      name: 'one port for TCP and UDP',
      edit: (t) => Object.assign(t.services.ollama, { tcp: [53], udp: [53] }),
      codes: [],
    },
    { name: 'no port', edit: (t) => (t.services.ollama.tcp = []), codes: ['topology-no-port'] },
    { name: 'UDP only', edit: (t) => (t.services.ollama = { on: 'model', udp: [53] }), codes: [] },
    { name: 'on a host', edit: (t) => (t.services.ollama.on = 'ollama-1'), codes: ['topology-unknown-reference'] },
  ],
  flows: [
    { name: 'from another role', edit: (t) => (t.flows[0].from = 'gateway'), codes: [] },
    { name: 'from nobody', edit: (t) => (t.flows[0].from = 'nobody'), codes: ['topology-unknown-reference'] },
    { name: 'to a role', edit: (t) => (t.flows[0].to = 'model'), codes: ['topology-unknown-reference'] },
    { name: 'to operators', edit: (t) => (t.flows[0].to = 'operators'), codes: ['topology-unknown-reference'] },
    { name: 'two with one id', edit: (t) => (t.flows[1].id = 'orchestrator-model'), codes: ['topology-duplicate-id'] },
    {
      name: 'one twice under two ids',
      edit: (t) => t.flows.push({ id: 'again', from: 'executor', to: 'gateway' }),
      codes: ['topology-duplicate-id'],
    },
    { name: 'id with a space', edit: (t) => (t.flows[0].id = 'a b'), codes: ['topology-bad-value'] },
    { name: 'id that would end a comment', edit: (t) => (t.flows[0].id = 'a" accept'), codes: ['topology-bad-value'] },
  ],
  'OpenClaw, agents, waivers, attestations': [
    { name: 'model as node', edit: (t) => t.openclaw.nodes.push('ollama-1'), codes: ['topology-model-in-openclaw'] },
    { name: 'model as gateway', edit: (t) => (t.openclaw.gateway = 'ollama-1'), codes: ['topology-model-in-openclaw'] },
    { name: 'unknown node', edit: (t) => (t.openclaw.nodes = ['exec-9']), codes: ['topology-unknown-reference'] },
    { name: 'node twice', edit: (t) => t.openclaw.nodes.push('exec-1'), codes: ['topology-duplicate-id'] },
    {
      name: 'tool allowed and denied',
      edit: (t) => (t.agents.LocalCode.tools.deny = ['read']),
      codes: ['topology-tool-twice'],
    },
    {
      name: 'another tool denied',
      edit: (t) => (t.agents.LocalCode.tools.deny = ['web_fetch', 'group:web']),
      codes: [],
    },
    {
      name: 'resource that is no tag',
      edit: (t) => (t.agents.LocalCode.resources = ['ci']),
      codes: ['topology-bad-value'],
    },
    {
      name: 'model without provider',
      edit: (t) => (t.agents.LocalCode.model = 'qwen3'),
      codes: ['topology-bad-value'],
    },
    { name: 'agent without a lane', edit: (t) => delete t.agents.LocalCode.lane, codes: ['topology-missing-key'] },
    {
      name: '29 February of a common year',
      edit: (t) => (t.waivers[0].expires = '2027-02-29'),
      codes: ['topology-bad-value'],
    },
    { name: '29 February of a leap year', edit: (t) => (t.waivers[0].expires = '2028-02-29'), codes: [] },
    {
      name: 'date with a time',
      edit: (t) => (t.waivers[0].expires = '2027-01-31T00:00:00Z'),
      codes: ['topology-bad-value'],
    },
    { name: 'waiver without a reason', edit: (t) => (t.waivers[0].reason = ' '), codes: ['topology-bad-value'] },
    { name: 'waived twice', edit: (t) => t.waivers.push({ ...t.waivers[0] }), codes: ['topology-duplicate-id'] },
    {
      name: 'expired before it was made',
      edit: (t) => (t.attestations[0].expires = '2026-10-31'),
      codes: ['topology-dates'],
    },
    { name: 'expires on the day', edit: (t) => (t.attestations[0].expires = '2026-11-01'), codes: [] },
  ],
});
