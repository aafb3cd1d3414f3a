import { byDefault, is, type Row } from './row.ts';
import { builtInSandboxTools } from './tools.ts';
import type { Family } from './version.ts';

/** Tools of the sandbox, by the names of the release: work in the workspace, sessions, and `nodes`. */
const ALLOW: Readonly<Record<Family, string>> = {
  '2026.2': 'exec process read write edit apply_patch sessions_list sessions_history session_status nodes',
  '2026.9': 'exec process read ls write edit apply_patch sessions_list sessions_history session_status nodes',
};

/** Browser and web, control of the gateway and of devices, and every channel. */
const DENY: Readonly<Record<Family, string>> = {
  '2026.2':
    'browser canvas web_search web_fetch cron gateway message telegram whatsapp discord slack signal imessage irc msteams matrix googlechat',
  '2026.9':
    'browser canvas computer mobile_ui web_search web_fetch automations gateway message telegram whatsapp discord slack signal imessage irc msteams matrix googlechat',
};

const WEB = ['browser', 'web_search', 'web_fetch'];

/** Tools that an agent has in the sandbox, and those it must not have, by the baseline. */
export function baselineTools(family: Family): { readonly allow: readonly string[]; readonly deny: readonly string[] } {
  return { allow: ALLOW[family].split(' '), deny: DENY[family].split(' ') };
}

/** What agents run in: the container and what of the host it sees. */
export function sandboxRows(): Row[] {
  const at = (key: string) => `agents.defaults.sandbox.${key}`;
  return [
    [
      at('mode'),
      is('all'),
      byDefault('off'),
      'OC-07',
      'critical',
      '2, 4A, 4B, 9',
      'Set it to "all": `non-main` leaves main sessions on the host, and unset is off.',
    ],
    [
      at('scope'),
      is('agent', 'session'),
      byDefault('agent'),
      'OC-07',
      'high',
      '2',
      'Set it to "agent": a shared container joins what the lanes keep apart.',
    ],
    [
      at('workspaceAccess'),
      is('none'),
      byDefault('none'),
      'OC-07',
      'high',
      '4',
      'Set it to "none", or declare the lane that needs its workspace.',
    ],
    [
      at('docker.network'),
      is('none'),
      byDefault('none'),
      'OC-07 OC-14',
      'critical',
      '2',
      'Set it to "none": every other network gives sandboxed code a way out.',
    ],
    [
      at('docker.capDrop'),
      { kind: 'list-with', list: ['ALL'] },
      byDefault(['ALL']),
      'OC-07',
      'high',
      '2',
      'Drop "ALL" capabilities.',
    ],
    [at('docker.readOnlyRoot'), is(true), byDefault(true), 'OC-07', 'medium', '2', 'Set it to true.'],
  ];
}

/** What agents may do, with the defaults of the family. */
export function toolRows(family: Family): Row[] {
  const { allow, deny } = baselineTools(family);
  const closed = family === '2026.2';
  return [
    [
      'tools.elevated.enabled',
      is(false),
      byDefault(true),
      'OC-08',
      'critical',
      '2',
      'Set it to false; unset is on.',
      null,
    ],
    [
      'tools.fs.workspaceOnly',
      is(true),
      byDefault(false),
      'OC-07',
      'high',
      '2',
      'Set it to true; unset lets file tools leave the workspace.',
    ],
    [
      'tools.exec.applyPatch.workspaceOnly',
      is(true),
      byDefault(true),
      'OC-07',
      'high',
      '2',
      'Set it to true, or remove the key.',
    ],
    [
      'tools.exec.security',
      is('allowlist', 'deny'),
      byDefault(closed ? 'allowlist' : 'full'),
      'OC-08',
      'critical',
      '4A',
      'Set it to "allowlist"; since 2026.9 unset is full.',
    ],
    [
      'tools.exec.ask',
      is('on-miss', 'always'),
      byDefault(closed ? 'on-miss' : 'off'),
      'OC-08',
      'high',
      '4A',
      'Set it to "on-miss": uncommon binaries need an approval.',
    ],
    [
      'tools.exec.host',
      is('sandbox', 'auto'),
      byDefault(closed ? 'sandbox' : 'auto'),
      'OC-07 OC-08',
      'critical',
      '4C',
      'Remove the key or set "sandbox": commands belong into the sandbox; a node needs a pinned, declared one.',
    ],
    [
      'tools.deny',
      { kind: 'denied-tools', deny: WEB, keep: allow },
      byDefault([]),
      'OC-08 OC-14',
      'high',
      '2, 4B',
      'List browser, web_search and web_fetch.',
      { kind: 'denied-tools', deny: [], keep: allow },
    ],
    [
      'tools.sandbox.tools.allow',
      { kind: 'tools', list: allow },
      byDefault(builtInSandboxTools(family, 'allow')),
      'OC-08 OC-09',
      'high',
      '2, 4C',
      'List exactly the declared tools, `nodes` among them.',
    ],
    [
      'tools.sandbox.tools.deny',
      { kind: 'denied-tools', deny, keep: allow },
      byDefault(builtInSandboxTools(family, 'deny')),
      'OC-08 OC-14',
      'critical',
      '2, 4B',
      'List browser, web, control and channel tools; an agent that sets a list of its own drops all of this one.',
    ],
    [
      'session.dmScope',
      is('per-channel-peer', 'per-account-channel-peer'),
      byDefault('main'),
      'OC-20',
      'medium',
      '3',
      'Set it to "per-channel-peer": senders must not share a session.',
    ],
    [
      'discovery.mdns.mode',
      is('off'),
      byDefault('minimal'),
      'OC-18',
      'low',
      '3',
      'Set it to "off"; unset announces the gateway.',
    ],
  ];
}
