import type { Family } from './version.ts';

/** What a release knows of tools by itself (openclaw `src/agents/tool-catalog.ts`, `tool-policy-shared.ts`). */
interface ToolKnowledge {
  /** Names that a list may use for a group of tools. */
  readonly groups: Readonly<Record<string, readonly string[]>>;
  /** Other spellings of a tool. */
  readonly aliases: Readonly<Record<string, string>>;
  /** Built-in sandbox lists, where the configuration has none (`src/agents/sandbox/constants.ts`). */
  readonly sandboxAllow: readonly string[];
  readonly sandboxDeny: readonly string[];
}

const words = (text: string): readonly string[] => text.split(' ');

const TOOLS: Readonly<Record<Family, ToolKnowledge>> = {
  '2026.2': {
    groups: {
      'group:fs': words('read write edit apply_patch'),
      'group:runtime': words('exec process'),
      'group:web': words('web_search web_fetch'),
      'group:memory': words('memory_search memory_get'),
      'group:sessions': words('sessions_list sessions_history sessions_send sessions_spawn subagents session_status'),
      'group:ui': words('browser canvas'),
      'group:messaging': words('message'),
      'group:automation': words('cron gateway'),
      'group:nodes': words('nodes'),
      'group:agents': words('agents_list'),
      'group:media': words('image tts'),
      'group:openclaw': words(
        'web_search web_fetch memory_search memory_get sessions_list sessions_history sessions_send sessions_spawn subagents session_status browser canvas message cron gateway nodes agents_list image tts',
      ),
    },
    aliases: { bash: 'exec', 'apply-patch': 'apply_patch' },
    sandboxAllow: words(
      'exec process read write edit apply_patch image sessions_list sessions_history sessions_send sessions_spawn subagents session_status',
    ),
    sandboxDeny: words(
      'browser canvas nodes cron gateway telegram whatsapp discord irc googlechat slack signal imessage',
    ),
  },
  '2026.9': {
    groups: {
      'group:fs': words('ls read write edit apply_patch'),
      'group:runtime': words('exec process code_execution secrets'),
      'group:web': words('web_search web_fetch x_search'),
      'group:memory': words('memory_search memory_get'),
      'group:sessions': words(
        'sessions sessions_list sessions_history sessions_search conversations_list conversations_send conversations_turn sessions_send sessions_spawn github_identity_status github_publish agents_wait sessions_yield subagents session_status suggest_task dismiss_task',
      ),
      'group:ui': words('browser screen theme dashboard terminal portal canvas show_widget'),
      'group:messaging': words('message'),
      'group:automation': words('heartbeat_respond automations gateway plugins openclaw'),
      'group:nodes': words('nodes computer mobile_ui'),
      'group:agents': words('agents_list get_goal create_goal update_goal progress_card ask_user skill_workshop'),
      'group:media': words('view_image image_generate music_generate video_generate tts pdf'),
      'group:openclaw': words(
        'code_execution secrets web_search web_fetch x_search memory_search memory_get sessions sessions_list sessions_history sessions_search conversations_list conversations_send conversations_turn sessions_send sessions_spawn github_identity_status github_publish agents_wait sessions_yield subagents session_status suggest_task dismiss_task browser screen theme dashboard terminal portal show_widget message heartbeat_respond automations gateway plugins openclaw nodes computer mobile_ui agents_list get_goal create_goal update_goal progress_card ask_user skill_workshop view_image image_generate music_generate video_generate tts pdf',
      ),
    },
    aliases: { bash: 'exec', 'apply-patch': 'apply_patch', cron: 'automations', image: 'view_image' },
    sandboxAllow: words(
      'exec process read ls write edit apply_patch view_image sessions_list sessions_history sessions_search sessions_send sessions_spawn sessions_yield subagents session_status',
    ),
    sandboxDeny: words(
      'browser canvas computer mobile_ui nodes automations gateway feishu googlechat nostr buzz msteams mattermost nextcloud-talk matrix raft a2a line zalo clickclack zalouser sms synology-chat tlon discord imessage irc reef signal slack telegram twitch whatsapp',
    ),
  },
};

/** What the sandbox adds to an allow list that is not empty: looking at pictures (`src/agents/sandbox/tool-policy.ts`). */
export const SANDBOX_EXTRA: Readonly<Record<Family, string>> = { '2026.2': 'image', '2026.9': 'view_image' };

/** The built-in sandbox list of a release. */
export function builtInSandboxTools(family: Family, list: 'allow' | 'deny'): readonly string[] {
  return list === 'allow' ? TOOLS[family].sandboxAllow : TOOLS[family].sandboxDeny;
}

/**
 * A list as the release reads it: lower case, other spellings resolved, groups replaced by their tools. Patterns (`*`)
 * and names of plugins' tools stay as they are.
 * @returns undefined when it is no list of texts
 */
export function expandTools(list: unknown, family: Family): ReadonlySet<string> | undefined {
  if (!Array.isArray(list) || !list.every((item): item is string => typeof item === 'string')) return undefined;
  const { groups, aliases } = TOOLS[family];
  const names = list.map((item) => item.trim().toLowerCase()).map((name) => aliases[name] ?? name);
  return new Set(names.flatMap((name) => groups[name] ?? [name]).filter((name) => name !== ''));
}

/** Every name that some release has for a tool or a group, and the channels' own. */
const NAMES: ReadonlySet<string> = new Set(
  Object.values(TOOLS).flatMap((t) => [
    ...Object.keys(t.groups),
    ...Object.values(t.groups).flat(),
    ...Object.keys(t.aliases),
    ...t.sandboxAllow,
    ...t.sandboxDeny,
  ]),
);

/** Whether `text` is a tool, a group or a channel of OpenClaw itself: such a name tells nobody anything. */
export function isToolName(text: string): boolean {
  return NAMES.has(text);
}

/** Whether a list of names and `*` patterns matches a tool. */
export function hasTool(list: ReadonlySet<string>, tool: string): boolean {
  if (list.has(tool)) return true;
  return [...list].some((pattern) => pattern.includes('*') && globMatches(pattern, tool));
}

/** `*` stands for any run of characters; linear in the lengths, whatever the pattern. */
function globMatches(pattern: string, text: string): boolean {
  const parts = pattern.split('*');
  const first = parts[0] ?? '';
  const last = parts.at(-1) ?? '';
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length) return false;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return at <= text.length - last.length;
}
