import { cellUnit } from './cell.ts';
import { FIREWALL_UNIT, UNIT_FOLDER, unitFile } from './firewall.ts';
import type { ModelUnitPlan, UnitFile, UnitPlan } from './plan.ts';

/** Sockets through which other daemons would act for the model. */
const DAEMON_SOCKETS = [
  '/run/tailscale',
  '/run/docker.sock',
  '/run/containerd',
  '/run/podman',
  '/run/crio',
  '/run/dbus',
  '/run/systemd/resolve',
  '/run/nscd',
  '/run/avahi-daemon',
  '/run/cups',
  '/run/libvirt',
];

/** Variables that would send its requests somewhere else. */
const PROXIES = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'NO_PROXY'].flatMap((name) => [name, name.toLowerCase()]);

/**
 * The drop-in for the unit that runs the model (systemd.exec(5), systemd.resource-control(5)): a user of its own without
 * capabilities, one folder to write to, no daemon to ask, no packet but those of the declared peers. The firewall decides
 * about packets; this holds when the firewall is wrong, and keeps everything else from the model.
 */
export function modelFiles(plan: UnitPlan, model: ModelUnitPlan): readonly UnitFile[] {
  const needs = plan.cell === undefined ? FIREWALL_UNIT : cellUnit(plan.host);
  return [
    unitFile(
      `${UNIT_FOLDER}/${model.unit}.d/cordon.conf`,
      `[Unit]
Requires=${needs}
After=${needs}

[Service]
User=${model.user}
Group=${model.user}
${environment(model)}${network(plan, model)}
CapabilityBoundingSet=
AmbientCapabilities=
NoNewPrivileges=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged
KeyringMode=private
RemoveIPC=yes
UMask=0077
LimitCORE=0

ProtectSystem=strict
ReadWritePaths=${model.stateDirectory}
ProtectHome=yes
PrivateTmp=yes
ProtectProc=invisible
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
${devices(model)}InaccessiblePaths=${DAEMON_SOCKETS.map((path) => `-${path}`).join(' ')}
`,
    ),
  ];
}

function environment({ listen }: ModelUnitPlan): string {
  const host = listen === undefined ? '' : `Environment=OLLAMA_HOST=${listen}\n`;
  return `${host}Environment=OLLAMA_NO_CLOUD=1\nUnsetEnvironment=${PROXIES.join(' ')}\n`;
}

/** Where the namespace is its own, it has no resolver either: it is told of none. */
function network({ cell }: UnitPlan, { peers }: ModelUnitPlan): string {
  const filter = `IPAddressDeny=any\nIPAddressAllow=${['localhost', ...peers].join(' ')}\n`;
  if (cell === undefined) return filter;
  return `NetworkNamespacePath=/run/netns/${cell.namespace}\nInaccessiblePaths=-/etc/resolv.conf\n${filter}`;
}

function devices({ devices }: ModelUnitPlan): string {
  if (devices.length === 0) return 'PrivateDevices=yes\n';
  return `DevicePolicy=closed\n${devices.map((path) => `DeviceAllow=${path} rw\n`).join('')}`;
}
