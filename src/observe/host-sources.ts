import { z } from 'zod';
import { cutTables } from '../apply/host-firewall-tables.ts';
import type { Section } from './host-answer.ts';
import { SECRET_WORDS } from './host-script.ts';
import { withoutKeyMaterial } from './secret.ts';

/** One thing that is read on a host: `host/NAME/{name}` in evidence. */
export interface HostSource {
  readonly name: string;
  /** Sections of the collector's output that make it; each must have succeeded. */
  readonly needs: readonly string[];
  /** Sections that may be missing because the program is not installed: then there is nothing of that kind. */
  readonly optional?: readonly string[];
  /** The body, or why the sections are not what the commands print. Contents are judged by `interpret`, not here. */
  readonly read: (sections: Sections) => ReadBody;
}

/** Texts of the sections, and whether the process list of the sockets is everybody's. */
export interface Sections {
  readonly text: (name: string) => string;
  /** Undefined where the program is not installed. */
  readonly optional: (name: string) => string | undefined;
  readonly section: (name: string) => Section | undefined;
}

/** The body of a source, or why there is none. */
export type ReadBody =
  | { readonly ok: true; readonly body: unknown }
  | {
      readonly ok: false;
      readonly status?: 'denied' | 'partial';
      readonly why: string;
    };

/** What is read on every host, in the order of the collector; the bodies are in docs/snapshot.md. */
export const HOST_SOURCES: readonly HostSource[] = [
  { name: 'nft.txt', needs: ['nft.txt'], read: ({ text }) => listingBody(text('nft.txt')) },
  { name: 'nft.json', needs: ['nft.json'], read: ({ text }) => nftJson(text('nft.json')) },
  {
    name: 'iptables',
    needs: ['legacy-names4', 'legacy-names6'],
    optional: ['save4', 'save6', 'legacy4', 'legacy6'],
    read: iptablesBody,
  },
  {
    name: 'listeners',
    needs: ['who', 'sockets', 'raw', 'packet', 'elsewhere'],
    read: ({ text, section }) => ({
      ok: true,
      body: {
        namespace: own(text('who')),
        everybody: section('sockets')?.how === 'sudo' || uidOf(text('who')) === '0',
        sockets: text('sockets'),
        raw: text('raw'),
        packet: text('packet'),
        // Which namespaces there are needs root; without it nothing is known of them, which is not that there are none.
        elsewhere: section('namespaces')?.how === 'denied' ? null : text('elsewhere'),
      },
    }),
  },
  { name: 'links', needs: ['links'], read: ({ text }) => jsonArray(text('links')) },
  { name: 'routes', needs: ['routes4', 'routes6', 'rules4', 'rules6'], read: routesBody },
  { name: 'tailscale.prefs', needs: ['who', 'daemons'], read: (s) => daemonBody(s, 'prefs') },
  { name: 'tailscale.serve', needs: ['who', 'daemons'], read: (s) => daemonBody(s, 'serve') },
  { name: 'tailscale.netmap', needs: ['who', 'daemons'], read: (s) => daemonBody(s, 'netmap') },
  {
    name: 'units',
    needs: ['units', 'digests'],
    read: ({ text }) => ({ ok: true, body: { show: text('units'), digests: text('digests') } }),
  },
  { name: 'files', needs: ['modes'], read: ({ text }) => ({ ok: true, body: text('modes') }) },
  { name: 'processes', needs: ['who', 'processes', 'groups', 'namespaces', 'environments'], read: processesBody },
];

function own(who: string): string {
  return /^net (net:\[\d+\])$/m.exec(who)?.[1] ?? '';
}

function uidOf(who: string): string {
  return /^uid (\d+)$/m.exec(who)?.[1] ?? '';
}

function listingBody(text: string): ReadBody {
  const cut = cutTables(text);
  return cut.ok ? { ok: true, body: text } : { ok: false, why: `the listing of the ruleset is garbled: ${cut.why}` };
}

/** libnftables-json(5): one object with the array `nftables`, which begins with `metainfo` even without a table. */
const nftOutput = z.looseObject({ nftables: z.array(z.unknown()).min(1) });

function nftJson(text: string): ReadBody {
  const value = parseJson(text);
  const parsed = nftOutput.safeParse(value);
  return parsed.success ? { ok: true, body: value } : { ok: false, why: 'nft printed no JSON ruleset' };
}

/**
 * `iptables-nft-save` says what `nft` cannot print of xtables matches; the legacy tables are invisible to `nft`, and
 * their names tell that there are any (`/proc/net/ip_tables_names`).
 */
function iptablesBody({ text, optional }: Sections): ReadBody {
  const legacy = (family: '4' | '6') => {
    const names = text(`legacy-names${family}`).trim().split(/\s+/).filter(Boolean);
    return { names, save: optional(`legacy${family}`) };
  };
  const [v4, v6] = [legacy('4'), legacy('6')];
  for (const { names, save } of [v4, v6]) {
    if (names.length === 0 || save !== undefined) continue;
    const why = `legacy tables exist (${names.join(', ')}), and iptables-legacy-save is not installed`;
    return { ok: false, why };
  }
  return {
    ok: true,
    body: {
      nft: { '4': optional('save4') ?? null, '6': optional('save6') ?? null },
      legacy: { '4': { names: v4.names, save: v4.save ?? null }, '6': { names: v6.names, save: v6.save ?? null } },
    },
  };
}

function routesBody({ text }: Sections): ReadBody {
  const body: Record<string, unknown> = {};
  for (const [key, name] of [
    ['4', 'routes4'],
    ['6', 'routes6'],
    ['rules4', 'rules4'],
    ['rules6', 'rules6'],
  ] as const) {
    const list = jsonArray(text(name));
    if (!list.ok) return list;
    body[key] = list.body;
  }
  return { ok: true, body };
}

/** A daemon in this host's network namespace, or the certainty that there is none. */
function daemonBody({ text, section }: Sections, name: 'prefs' | 'serve' | 'netmap'): ReadBody {
  const here = own(text('who'));
  const daemons = text('daemons')
    .split('\n')
    .flatMap((line) => {
      const [pid = '', net = ''] = line.split(' ');
      return pid === '' ? [] : [{ pid, net }];
    });
  const hidden = daemons.find((d) => d.net === 'denied');
  if (hidden !== undefined) {
    const why = `whether tailscaled (process ${hidden.pid}) serves this host could not be read: its namespace needs root`;
    return { ok: false, status: 'denied', why };
  }
  if (!daemons.some((d) => d.net === here)) return { ok: true, body: { running: false } };
  const answer = section(name);
  if (answer === undefined)
    return { ok: false, status: 'partial', why: `${name} of tailscaled was not read to its end` };
  const value = parseJson(answer.text);
  // `tailscale serve status --json` prints `{}` where nothing is served, and older ones nothing at all.
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isObject) return { ok: false, why: `tailscale printed no JSON object for ${name}` };
  return { ok: true, body: { running: true, [name]: withoutKeyMaterial(value) } };
}

/** What everybody may read of processes, and of their environments the names that look like a secret's. */
function processesBody({ text }: Sections): ReadBody {
  const secrets: Record<string, string[]> = {};
  const denied = new Set<string>();
  for (const record of text('environments').split(/[\0\n]/)) {
    const refusal = /^(?:grep|find): .?\/proc\/(\d+)(?:\/environ)?.?: (.*)$/.exec(record);
    // A process that ended meanwhile has no environment any more (errno ENOENT and ESRCH in the C locale).
    if (refusal !== null && !/^No such (file or directory|process)$/.test(refusal[2] ?? ''))
      denied.add(refusal[1] ?? '');
    const found = /^\/proc\/(\d+)\/environ:([A-Za-z_][A-Za-z0-9_]*)=$/.exec(record);
    const [, pid, name] = found ?? [];
    if (pid === undefined || name === undefined || !SECRET_WORDS.test(name)) continue;
    secrets[pid] = [...new Set([...(secrets[pid] ?? []), name])].sort();
  }
  const body = {
    namespace: own(text('who')),
    status: text('processes'),
    groups: text('groups'),
    namespaces: text('namespaces'),
    secrets,
    // Of these nothing is known: some sandboxes keep a process from root as well.
    denied: [...denied].sort((a, b) => Number(a) - Number(b)),
  };
  return { ok: true, body };
}

function jsonArray(text: string): ReadBody {
  // `ip -json` prints nothing at all where there is nothing to list.
  const value = text.trim() === '' ? [] : parseJson(text);
  return Array.isArray(value) ? { ok: true, body: value } : { ok: false, why: 'ip printed no JSON list' };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
