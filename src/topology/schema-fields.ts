import { z } from 'zod';

/** What a field's text has to be, and what to do when it is not: the words of the diagnostic. */
export interface FieldRule {
  /** Completes "… is not …". */
  readonly what: string;
  readonly hint: string;
}

/** Words for the schemas below, looked up by the shape check; kept out of the exported JSON Schema. */
export const fieldRules = z.registry<FieldRule>();

/**
 * Names of roles, segments, hosts, services and flows. They become rule comments, file and namespace names and evidence
 * keys, so they hold nothing that any of those would have to quote; lower case only, because file systems exist that do
 * not tell `A` from `a`.
 */
export const NAME = /^[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?$/;

/** Node and tailnet ids as the control plane writes them: a type letter, the id, the constant suffix. */
const DEVICE_ID = /^n[A-Za-z0-9]{1,40}CNTRL$/;
const TAILNET_ID = /^T[A-Za-z0-9]{1,40}CNTRL$/;

/** `tag:` and a name that starts with a letter (tailscale/tailscale `tailcfg.CheckTag`). */
const TAG = /^tag:[A-Za-z][A-Za-z0-9-]{0,49}$/;

/** Kernel limit IFNAMSIZ - 1 = 15; no wildcard, quote, slash or colon, which nft and the kernel read differently. */
const INTERFACE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,14}$/;

/** `user@host`, `host` or `ssh://…`; never a leading dash, which `ssh` would read as an option. */
const SSH_TARGET = /^(?:ssh:\/\/)?(?:[A-Za-z0-9_][A-Za-z0-9._-]*@)?[A-Za-z0-9[][A-Za-z0-9.:_\]-]*$/;

const NETNS = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** A user's login, a group, one of the administrative autogroups, or a tag that a machine of the operators holds. */
const OPERATOR =
  /^(?:[^\s@:*,"]+@[^\s@:*,"]+|group:[^\s:*,"]+|autogroup:(?:admin|owner|it-admin|network-admin)|tag:[A-Za-z][A-Za-z0-9-]{0,49})$/;

const REFERENCE_ID = /^[A-Za-z0-9](?:[A-Za-z0-9._:-]{0,98}[A-Za-z0-9])?$/;

function text(pattern: RegExp, what: string, hint: string, description: string): z.ZodString {
  return z.string().regex(pattern).describe(description).register(fieldRules, { what, hint });
}

export const nameField = text(
  NAME,
  'a usable name',
  'use a lower-case letter, then lower-case letters, digits and dashes, 40 characters at most',
  'Name: a lower-case letter, then lower-case letters, digits and dashes.',
);

export const agentNameField = text(
  /^[A-Za-z](?:[A-Za-z0-9_-]{0,62}[A-Za-z0-9])?$/,
  'a usable agent name',
  'use a letter, then letters, digits, dashes and underscores, as OpenClaw spells the agent',
  'Agent id as OpenClaw spells it.',
);

export const tailnetIdField = text(
  TAILNET_ID,
  'a tailnet id',
  'copy the id that starts with T and ends with CNTRL from the General page of the admin console',
  'Tailnet id, `T…CNTRL`. Every answer of the API is compared with it; another tailnet is an error.',
);

export const deviceIdField = text(
  DEVICE_ID,
  'a node id',
  'use the id that starts with n and ends with CNTRL (machine details in the admin console, `nodeId` in the API), not the numeric one',
  'Stable node id, `n…CNTRL`: the machine on the tailnet.',
);

export const tagField = text(
  TAG,
  'a tag',
  'write tag: and a name that starts with a letter, such as tag:model; letters, digits and dashes only',
  'Tag, such as `tag:model`.',
);

export const operatorField = text(
  OPERATOR,
  'someone who can be an operator',
  'name people or machines that may change everything: a login, group:NAME, autogroup:admin or a tag; never everybody',
  'A login, `group:NAME`, `autogroup:admin|owner|it-admin|network-admin`, or a tag (for the OAuth client that deploys).',
);

export const prefixField = z
  .string()
  .describe('Prefix in CIDR notation without host bits, such as `10.77.1.0/24` or `fd77:1::/64`.');

export const addressField = z
  .string()
  .describe(
    'IPv4 or IPv6 address without prefix length. Quote IPv6 in flow lists. Addresses in 100.64.0.0/10 and fd7a:115c:a1e0::/48 are taken as those of the tailnet.',
  );

export const interfaceField = text(
  INTERFACE,
  'an interface name',
  'use the name as `ip link` shows it: 15 characters at most, letters, digits, dots, dashes and underscores',
  'Network interface name, 15 characters at most.',
);

export const sshTargetField = text(
  SSH_TARGET,
  'an ssh destination',
  'write it as for the ssh command: user@host, host, or a Host entry of ~/.ssh/config; options belong there too',
  'Destination for the system’s `ssh`; keys and jump hosts come from its own configuration.',
);

export const netnsField = text(
  NETNS,
  'a namespace name',
  'use the name as `ip netns list` shows it: letters, digits, dots, dashes and underscores, not starting with a dot or dash',
  'Name of a network namespace on this machine (`ip netns list`).',
);

export const portField = z
  .union([z.int().min(1).max(65535), z.string().regex(/^[0-9]{1,5}(?:-[0-9]{1,5})?$/)])
  .describe('A port (1 to 65535), or a range in quotes such as "8000-8010".')
  .register(fieldRules, {
    what: 'a port or a range of ports',
    hint: 'write a number from 1 to 65535, or a range in quotes such as "8000-8010"',
  });

export const dateField = z.iso
  .date()
  .describe('Calendar date, `YYYY-MM-DD`; the last day on which it counts.')
  .register(fieldRules, { what: 'a date of the calendar', hint: 'write it as YYYY-MM-DD, such as 2027-01-31' });

export const referenceIdField = text(
  REFERENCE_ID,
  'a usable id',
  'use letters, digits, dots, colons and dashes, such as TS-SET-03',
  'Id of the claim, cause or finding this is about, such as `TS-SET-03`.',
);

export const sentenceField = text(
  /\S/,
  'a text that says something',
  'write who or why, for whoever reads the report later',
  'Free text for people; not empty.',
);

export const pathField = text(
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a NUL ends a path for the kernel but not for JavaScript
  /^[^\u0000\r\n]*[^\u0000\r\n/]$/,
  'the path of a file',
  'write the path of a HuJSON file, relative to this file',
  'Path relative to this file.',
);

export const modelField = text(
  /^[a-z0-9][a-z0-9._-]*\/[^\s/][^\s]*$/,
  'a model reference',
  'write provider/model, such as ollama/qwen3',
  'Model as `provider/model`.',
);

export const toolField = text(
  /^[A-Za-z][A-Za-z0-9_:.*-]{0,63}$/,
  'a tool name',
  'use the name as OpenClaw spells it, such as read or group:web',
  'Tool or tool group as OpenClaw spells it.',
);

export const presetField = text(
  /^[a-z0-9][a-z0-9-]{0,63}$/,
  'a preset name',
  'use a name such as hardened-2026-02',
  'Baseline of OpenClaw settings that the configuration must meet.',
);

export const openclawVersionField = text(
  /^\d{4}\.\d{1,2}\.\d{1,3}$/,
  'a release of OpenClaw',
  'write it as `openclaw --version` does, such as 2026.9.6',
  'Release that the compiled configuration is written for. Default: the newest one that is known.',
);

export const portNumberField = z
  .int()
  .min(1)
  .max(65535)
  .describe('A port, 1 to 65535.')
  .register(fieldRules, { what: 'a port', hint: 'write a number from 1 to 65535' });

export const configKeyField = text(
  /^[a-z$][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_:@/-]{1,80})+$/,
  'a key of OpenClaw’s configuration',
  'write the full path with dots, such as gateway.port or channels.telegram.enabled',
  'Full path of a key, such as `gateway.port`.',
);
