import type { UnitFile, UnitPlan } from './plan.ts';

/** Where files of ours are kept on a host. */
export const FOLDER = '/etc/cordon';

/** Where units and drop-ins of the administrator are (systemd.unit(5)). */
export const UNIT_FOLDER = '/etc/systemd/system';

/** The unit that has loaded the host's firewall. */
export const FIREWALL_UNIT = 'cordon-firewall.service';

const HEADER = '# Written by cordon from the topology: change it there.\n';

export function unitFile(path: string, text: string): UnitFile {
  return { path, text: HEADER + text, mode: 0o644 };
}

/**
 * The unit that loads the firewall before any network is configured, and what keeps others from taking it away.
 *
 * It never removes anything: there is no ExecStop, and no dependency stops it at shutdown. Where the ruleset knows the
 * daemon by its slice, the variant without it is loaded first: nft refuses a whole file of which one control group is
 * missing, and then the host stays with the variant (the tailnet down, everything else as declared), and the unit has
 * failed, so that what requires it does not start.
 */
export function firewallFiles({ firewall, slice }: UnitPlan): readonly UnitFile[] {
  const file = `${FOLDER}/firewall.nft`;
  const first = `${FOLDER}/firewall-without-slice.nft`;
  const group = slice === undefined ? '' : `Requires=${slice}\nAfter=${slice}\n`;
  return [
    unitFile(file, firewall.text),
    ...(firewall.withoutSlice === undefined ? [] : [unitFile(first, firewall.withoutSlice)]),
    unitFile(
      `${UNIT_FOLDER}/${FIREWALL_UNIT}`,
      `[Unit]
Description=Host firewall of cordon
DefaultDependencies=no
RequiresMountsFor=${FOLDER}
${group}After=nftables.service
Wants=network-pre.target
Before=network-pre.target

[Service]
Type=oneshot
RemainAfterExit=yes
${firewall.withoutSlice === undefined ? '' : `ExecStart=/usr/sbin/nft -f ${first}\n`}ExecStart=/usr/sbin/nft -f ${file}

[Install]
WantedBy=sysinit.target
`,
    ),
    ...nftablesFiles(file, group),
    ...(slice === undefined ? [] : daemonFiles(slice)),
  ];
}

/**
 * Debian's nftables.service flushes all rulesets when it stops, and its configuration begins with `flush ruleset`. With
 * these it loads its own file and ours in one transaction, and flushes nothing when it stops.
 */
function nftablesFiles(file: string, group: string): readonly UnitFile[] {
  const both = `${FOLDER}/with-nftables.nft`;
  return [
    unitFile(both, `include "/etc/nftables.conf"\ninclude "${file}"\n`),
    unitFile(
      `${UNIT_FOLDER}/nftables.service.d/cordon.conf`,
      `${group === '' ? '' : `[Unit]\n${group}\n`}[Service]
ExecStart=
ExecStart=/usr/sbin/nft -f ${both}
ExecReload=
ExecReload=/usr/sbin/nft -f ${both}
ExecStop=
`,
    ),
  ];
}

function daemonFiles(slice: string): readonly UnitFile[] {
  return [
    unitFile(
      `${UNIT_FOLDER}/${slice}`,
      '[Unit]\nDescription=What the host firewall of cordon knows by its control group\nDefaultDependencies=no\n',
    ),
    unitFile(
      `${UNIT_FOLDER}/tailscaled.service.d/cordon.conf`,
      `[Unit]
Wants=${FIREWALL_UNIT}
After=${FIREWALL_UNIT}

[Service]
Slice=${slice}
`,
    ),
  ];
}
