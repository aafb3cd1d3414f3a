import { FOLDER, UNIT_FOLDER, unitFile } from './firewall.ts';
import type { CellEnd, CellPlan, UnitFile, UnitPlan } from './plan.ts';

/** The unit that has built a host's namespace. */
export function cellUnit(host: string): string {
  return `cordon-netns-${host}.service`;
}

/**
 * The script that builds a namespace and its veth pair, the ruleset in it, and the unit that runs it at boot.
 *
 * The namespace is closed before it is open: the pair is made inside of it and stays down until the ruleset is loaded
 * (a chain on a device can be loaded only where the device exists, ip-link(8) brings links up as a step of its own).
 * There is no route out of it but the link's own network, and no address comes from outside.
 */
export function cellFiles({ host, firewall }: UnitPlan, cell: CellPlan): readonly UnitFile[] {
  const rules = `${FOLDER}/netns-${host}.nft`;
  const script = `${FOLDER}/netns-${host}.sh`;
  return [
    unitFile(rules, firewall.text),
    { path: script, text: cellScript(cell, rules), mode: 0o755 },
    unitFile(
      `${UNIT_FOLDER}/${cellUnit(host)}`,
      `[Unit]
Description=Network namespace of ${host}
DefaultDependencies=no
RequiresMountsFor=${FOLDER} /run
Wants=network-pre.target
Before=network-pre.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=${script}

[Install]
WantedBy=sysinit.target
`,
    ),
  ];
}

/** Run again it mends what is missing, and takes nothing away. */
function cellScript({ namespace, inner, outer }: CellPlan, rules: string): string {
  return `#!/bin/sh
# Written by cordon from the topology: change it there.
set -eu
PATH=/usr/sbin:/usr/bin:/sbin:/bin
ip netns list | cut -d' ' -f1 | grep -qxF ${namespace} || ip netns add ${namespace}
inside() { ip netns exec ${namespace} "$@"; }
for key in net.ipv4.ip_forward net.ipv6.conf.all.forwarding net.ipv6.conf.all.accept_ra net.ipv6.conf.default.accept_ra \\
  net.ipv6.conf.all.autoconf net.ipv6.conf.default.autoconf; do
  inside sysctl -qe -w "$key=0"
done
inside ip link show dev ${inner.link} >/dev/null 2>&1 || ip link add ${outer.link} type veth peer name ${inner.link} netns ${namespace}
inside nft -f ${rules}
inside ip link set dev lo up
${addresses(inner, 'inside ip')}${addresses(outer, 'ip')}inside ip link set dev ${inner.link} up
ip link set dev ${outer.link} up
`;
}

/** Without duplicate address detection: there is nobody else on the link, and the service would have to wait for it. */
function addresses({ link, addresses }: CellEnd, ip: string): string {
  return addresses.map((a) => `${ip} address replace ${a} dev ${link}${a.includes(':') ? ' nodad' : ''}\n`).join('');
}
