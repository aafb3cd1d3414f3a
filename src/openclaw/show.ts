import { isRecord, sameValue } from './keys.ts';
import { isReference } from './reference.ts';
import { isToolName } from './tools.ts';

/** What takes the place of a text that might be a secret. */
const HIDDEN = '(a text, not shown)';

/** Words that OpenClaw's own schema has (openclaw `src/config/zod-schema.ts`); any other could be somebody's password. */
const WORDS: ReadonlySet<string> = new Set(
  `off on all non-main agent session shared none ro rw loopback lan tailnet custom auto token password trusted-proxy serve
  funnel minimal coding messaging full allowlist deny ask always on-miss sandbox gateway node local remote merge replace main
  per-peer per-channel-peer per-account-channel-peer per-sender global host bridge pairing open disabled explicit env file
  exec store docker ssh spawned tree self stable beta dev tools trace debug info warn error manual hybrid hot restart
  * openai-completions openai-responses anthropic-messages ollama ALL`.split(/\s+/),
);

/** Commands of node hosts, such as `screen.record`. */
const NODE_COMMAND =
  /^(?:system|screen|camera|sms|canvas|ollama|browser|desktop|fs|mcp|terminal|location|notifications|device)(?:\.[a-zA-Z]{1,20}){1,3}$/;

/** Addresses, prefixes and host names with a port, and origins of URLs. */
const ADDRESS = /^(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f:]*:[0-9a-f:]*)(?:\/\d{1,3})?$/i;

/**
 * A value fit to print, in reports that go to logs and tickets: numbers, switches, addresses, references, words that
 * `vocabulary` has. Any other text could be a credential in the wrong place and is replaced.
 * @param vocabulary values the baseline itself names; they are shown as they are
 */
export function shown(value: unknown, vocabulary: readonly unknown[] = []): unknown {
  if (value === undefined) return null;
  if (vocabulary.some((known) => sameValue(known, value))) return value;
  if (typeof value === 'string') return shownText(value);
  if (Array.isArray(value)) return value.slice(0, 64).map((item) => shown(item, vocabulary));
  if (isReference(value)) return '(a reference)';
  if (isRecord(value)) return Object.keys(value).length === 0 ? {} : '(a map, not shown)';
  return value;
}

function shownText(text: string): string {
  if (isReference(text)) return text;
  if (ADDRESS.test(text) || isModel(text)) return text;
  if (WORDS.has(text) || isToolName(text) || NODE_COMMAND.test(text)) return text;
  return originOf(text) ?? HIDDEN;
}

/** `provider/model:size`, of known providers: the names are public, what else has a slash need not be. */
function isModel(text: string): boolean {
  return /^(?:anthropic|openai|google|ollama|openrouter|mistral|groq|xai|deepseek|qwen)\/[a-z0-9.:-]{1,40}$/.test(text);
}

/** Scheme, host and port of a URL; credentials, path and query stay out. Odd host names are not shown. */
function originOf(text: string): string | undefined {
  if (!/^(?:https?|wss?):\/\//i.test(text) || !URL.canParse(text)) return undefined;
  const { protocol, host, hostname } = new URL(text);
  const labels = hostname.replace(/^\[|\]$/g, '').split('.');
  const isPlain = hostname.startsWith('[') || (labels.length > 1 && labels.every((label) => label.length <= 24));
  return isPlain ? `${protocol}//${host}` : `${protocol}//(a host, not shown)`;
}
