import type { Deployment } from './deployment.ts';
import type { KeyPath } from './keys.ts';
import type { Unset } from './line.ts';
import { byDefault, is, nothing, type Row } from './row.ts';

/** Who reaches the gateway, and what it asks of nodes. */
export function gatewayRows({ port, nodeCommands }: Deployment): Row[] {
  const limit = (key: string, value: number): Row => [
    `gateway.auth.rateLimit.${key}`,
    is(value),
    { kind: 'default', value, inMap: true },
    'OC-01',
    'medium',
    '5',
    'Set it as declared; without the whole map nothing limits guesses from outside.',
  ];
  return [
    [
      'gateway.mode',
      is('local'),
      nothing,
      'OC-16',
      'medium',
      '5',
      'Set it to "local"; the gateway does not start without it.',
    ],
    ['gateway.bind', is('loopback'), byDefault('loopback'), 'OC-01', 'critical', '2, 5', 'Set it to "loopback".'],
    [
      'gateway.port',
      is(port),
      byDefault(18789),
      'OC-01 OC-16',
      'medium',
      '2',
      'Set the declared port: firewall and flows know only that one.',
    ],
    ['gateway.auth.mode', is('token'), byDefault('token'), 'OC-01 OC-02', 'critical', '2, 5', 'Set it to "token".'],
    [
      'gateway.auth.token',
      { kind: 'reference' },
      { kind: 'unknown', why: 'the environment of the gateway may hold one' },
      'OC-06 OC-21',
      'high',
      '2, 6',
      'Name an environment variable or another reference, then rotate: what was written down is known.',
    ],
    limit('maxAttempts', 10),
    limit('windowMs', 60_000),
    limit('lockoutMs', 300_000),
    [
      'gateway.tailscale.mode',
      is('off'),
      byDefault('off'),
      'OC-03',
      'critical',
      '5, 9',
      'Set it to "off": serve and funnel carry the gateway past every declared flow.',
    ],
    [
      'gateway.trustedProxies',
      { kind: 'same-list', list: [] },
      byDefault([]),
      'OC-05',
      'high',
      '5',
      'List exactly the addresses of declared proxies; none if there is none.',
    ],
    [
      'gateway.nodes.commands.allow',
      { kind: 'names-among', list: nodeCommands },
      byDefault([]),
      'OC-09',
      'high',
      '4C',
      'List only declared commands.',
    ],
    [
      'gateway.nodes.commands.deny',
      { kind: 'exact-names' },
      byDefault([]),
      'OC-09',
      'medium',
      '4C',
      'Spell every command exactly: patterns match nothing.',
    ],
  ];
}

/** Where the models are. */
export function modelRows({ providers, models }: Deployment): Row[] {
  const at = (id: string): KeyPath => ['models', 'providers', id];
  const anyModel: Unset = { kind: 'unknown', why: 'the release chooses one' };
  const declared: Row[] =
    models === undefined
      ? []
      : [['agents.defaults.model.primary', is(...models), anyModel, 'OC-10', 'high', '4A', 'Set the declared model.']];
  return [
    ...declared,
    [
      'agents.defaults.model.fallbacks',
      { kind: 'same-list', list: [] },
      byDefault([]),
      'OC-10',
      'high',
      '4A',
      'Remove the fallbacks, or declare them: they leave the isolated path when the model does not answer.',
    ],
    [
      'models.mode',
      is('replace'),
      byDefault('merge'),
      'OC-10',
      'high',
      '4A',
      'Set it to "replace": merged catalogues add providers that nobody declared.',
    ],
    ...[...providers].flatMap(([id, provider]): Row[] => [
      [
        [...at(id), 'baseUrl'],
        { kind: 'url', urls: provider.baseUrls },
        byDefault('http://127.0.0.1:11434'),
        'OC-10',
        'high',
        '4B',
        'Set the address of the declared model service.',
      ],
      ...(provider.api === undefined
        ? []
        : [
            [
              [...at(id), 'api'],
              is(provider.api),
              { kind: 'unknown', why: 'the release chooses one' },
              'OC-10',
              'low',
              '4B',
              'Set the declared protocol.',
            ] satisfies Row,
          ]),
      [
        [...at(id), 'models'],
        { kind: 'models', list: provider.models },
        nothing,
        'OC-10',
        'medium',
        '4B',
        'List the declared models, without addresses or headers of their own.',
      ],
    ]),
  ];
}

/** Keys that came after 2026.2, and those whose default opened since. */
export function newerRows({ agents }: Deployment): Row[] {
  return [
    [
      'agents.ownership',
      agents.size === 0 ? is(undefined) : is('explicit', undefined),
      nothing,
      'OC-08',
      'low',
      '4',
      'Set "explicit" exactly if agents are declared.',
    ],
    [
      'tools.exec.strictInlineEval',
      is(true),
      byDefault(false),
      'OC-08',
      'high',
      '4A',
      'Set it to true: an interpreter on the allow-list runs any code given inline.',
    ],
    [
      'tools.exec.mode',
      is(undefined, 'ask', 'deny'),
      nothing,
      'OC-08',
      'critical',
      '4A',
      'Remove the key, or set it to "ask": the other modes do not ask a person.',
    ],
    [
      'gateway.nodes.pairing.autoApproveLocal',
      is(false),
      byDefault(true),
      'OC-09',
      'high',
      '4C, 9',
      'Set it to false: every forwarded port looks local.',
    ],
    [
      'gateway.nodes.pairing.sshVerify',
      is(false),
      byDefault(true),
      'OC-09',
      'high',
      '4C, 9',
      'Set it to false; unset, the gateway opens SSH to new nodes and approves them itself.',
    ],
    [
      'gateway.nodes.pairing.autoApproveCidrs',
      { kind: 'same-list', list: [] },
      byDefault([]),
      'OC-09',
      'critical',
      '4C, 9',
      'Remove the list: pairing is for people to approve.',
    ],
    [
      'update.checkOnStart',
      is(false),
      byDefault(true),
      'OC-13',
      'low',
      '5',
      'Set it to false, or declare the flow: the gateway asks a public service at every start.',
    ],
  ];
}
