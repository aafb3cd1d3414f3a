import { replacement } from '../../apply/host-firewall-tables.ts';
import { TAILNET_INTERFACE } from '../../proof/intent.ts';
import type { Sandbox } from '../sandbox.ts';
import {
  bridgeLines,
  HUB_BRIDGE_SETTINGS,
  HUB_SETTINGS,
  hostSettings,
  type KernelSettings,
  plugLines,
} from '../script.ts';
import type { Port } from './cells.ts';
import { HUB, type Network, TUNNEL } from './network.ts';
import { hostScript, neighbourScript, tunnelScript } from './scripts.ts';
import { segmentLink } from './trace.ts';

/** More half-open connections than a matrix makes: a full queue would look like a firewall. */
const QUEUES = [
  ['core/somaxconn', '65535'],
  ['ipv4/tcp_max_syn_backlog', '65535'],
] as const;

/**
 * Brings the network up in a sandbox, without any of cordon's rules.
 * @throws CordonError `lab-program`, `lab-sandbox`
 */
export async function buildWorld(sandbox: Sandbox, network: Network): Promise<void> {
  const { layout, tables } = network;
  await sandbox.make([HUB, TUNNEL, ...layout.hosts.map((h) => h.namespace)]);
  await sandbox.settings(HUB, written({ ...HUB_SETTINGS, zero: [...HUB_SETTINGS.zero, ...HUB_BRIDGE_SETTINGS] }));
  await sandbox.settings(TUNNEL, written(hostSettings({ forwards: true })));
  for (const host of layout.hosts) await sandbox.settings(host.namespace, [...written(hostSettings(host)), ...QUEUES]);
  const plugs = [...bridgeLines(layout), ...layout.hosts.flatMap((h) => plugLines(layout, h))];
  await sandbox.mustRun([
    batch(HUB, `${plugs.join('\n')}\n`),
    batch(TUNNEL, `link set dev lo up\n${tunnelScript(network)}`),
  ]);
  await sandbox.mustRun(
    layout.hosts.map((h) =>
      batch(h.namespace, `${hostScript(h, tables.get(h.name) ?? missing(h.name))}${neighbourScript(network, h)}`),
    ),
  );
  await sandbox.mustRun(
    layout.hosts.flatMap((host) => {
      const link = segmentLink(network, host);
      const hides = host.tailnet !== undefined && link !== undefined;
      return hides ? [{ namespace: host.namespace, argv: ['nft', '-f', '-'], stdin: hidingRules(link) }] : [];
    }),
  );
}

/**
 * Loads each host's ruleset as `cordon` puts it in place, and has every neighbour found anew: what was learnt without
 * rules must not help.
 * @param rulesets text of our tables, by host
 * @throws CordonError `lab-program` when the kernel refuses one
 */
export async function loadRulesets(
  sandbox: Sandbox,
  network: Network,
  rulesets: ReadonlyMap<string, string>,
): Promise<void> {
  const { hosts } = network.layout;
  await sandbox.mustRun(
    hosts.flatMap(({ name, namespace }) => {
      const text = rulesets.get(name);
      return text === undefined ? [] : [{ namespace, argv: ['nft', '-f', '-'], stdin: replacement(text) }];
    }),
  );
  await sandbox.run(hosts.map(({ namespace }) => ({ namespace, argv: ['ip', 'neigh', 'flush', 'all'] })));
}

/** Has every port of a host answered. */
export async function answerPorts(sandbox: Sandbox, namespace: string, ports: readonly Port[]): Promise<void> {
  for (const { proto, port } of ports) await sandbox.listen(namespace, proto, port);
}

/** What tailscaled's own rules do on a subnet router (its preference `snat-subnet-routes`, on by default). */
function hidingRules(link: string): string {
  return `table inet lab-tailscaled {
	chain postrouting {
		type nat hook postrouting priority srcnat;
		iifname "${TAILNET_INTERFACE}" oifname "${link}" masquerade
	}
}
`;
}

function batch(namespace: string, stdin: string) {
  return { namespace, argv: ['ip', '-batch', '-'], stdin };
}

function written(settings: KernelSettings): (readonly [string, string])[] {
  return [...settings.zero.map((path) => [path, '0'] as const), ...settings.one.map((path) => [path, '1'] as const)];
}

function missing(name: string): never {
  throw new RangeError(`no routes for ${name}`);
}
