import { z } from 'zod';
import type { Prefix } from '../net/prefix.ts';
import { parseSegmentPrefix } from './ranges.ts';
import { addressField, fieldRules, interfaceField, prefixField } from './schema-fields.ts';

/** Containers that may open their host's flows: the bridge they are on, and their addresses there. */
export interface ContainerNetwork {
  readonly interface: string;
  readonly prefixes: readonly Prefix[];
}

/** How a model host's service is confined; all of it decided. */
export interface ModelUnit {
  /** Name of the systemd unit, `ollama.service`. */
  readonly name: string;
  /** Login of its account. */
  readonly user: string;
  /** Number of that account; undefined: not said, so that everybody but root counts as the model. */
  readonly uid: number | undefined;
  readonly stateDirectory: string;
  readonly devices: readonly string[];
  /** Address it listens on; undefined: decided by the host's addresses. */
  readonly listen: string | undefined;
}

/** What Ollama's own installer makes (ollama/ollama scripts/install.sh). */
export const OLLAMA_UNIT: ModelUnit = {
  name: 'ollama.service',
  user: 'ollama',
  uid: undefined,
  stateDirectory: '/usr/share/ollama',
  devices: [],
  listen: undefined,
};

const text = (pattern: RegExp, what: string, hint: string, description: string) =>
  z.string().regex(pattern).describe(description).register(fieldRules, { what, hint });

/** Accounts as useradd(8) makes them. */
const userField = text(
  /^[a-z_][a-z0-9_-]{0,30}$/,
  'a login name',
  'use the name of the service account, such as ollama; never root’s',
  'Login of the service account.',
).refine((name) => name !== 'root');

/** No blanks, quotes, percent signs or backslashes: systemd reads those in units. */
const absolutePathField = (description: string) =>
  text(
    /^(?:\/[A-Za-z0-9][A-Za-z0-9._+-]*)+$/,
    'an absolute path of plain characters',
    'write it from the root on, such as /usr/share/ollama; letters, digits, dots, dashes and underscores',
    description,
  );

/** 2^32 - 1 is no user (linux include/linux/uidgid.h), and root is nobody to pin a flow to. */
export const uidField = z
  .int()
  .min(1)
  .max(4_294_967_294)
  .describe('Numeric user id on the host, not 0.')
  .register(fieldRules, { what: 'the number of a user', hint: 'use the number that `id -u NAME` prints on the host' });

/** `hosts.NAME.flowUsers`. */
export const flowUsersField = z
  .array(uidField)
  .min(1)
  .optional()
  .describe('Numeric users who may open the host’s flows. Default: every user of the host.');

/** `hosts.NAME.unit`. */
export const unitField = z
  .strictObject({
    name: text(
      /^[A-Za-z0-9][A-Za-z0-9_.-]{0,100}\.service$/,
      'the name of a service unit',
      'write it with its ending, such as ollama.service',
      'The systemd unit that runs the model. Default: ollama.service.',
    ).optional(),
    user: userField.optional(),
    uid: uidField
      .optional()
      .describe('Number of that account. Without it every user but root is kept from opening anything over loopback.'),
    stateDirectory: absolutePathField('The one folder that it may write to. Default: /usr/share/ollama.').optional(),
    devices: z
      .array(absolutePathField('A device node below /dev.'))
      .optional()
      .describe('Device nodes that it may use, such as /dev/nvidia0. Default: none.'),
    listen: addressField.optional().describe('Address that it listens on. Default: the one it has; with several, all.'),
  })
  .optional()
  .describe('How the service of a model host is confined; every line loosens or names what the default assumes.');

/** `hosts.NAME.containers`. */
export const containersField = z
  .strictObject({
    interface: interfaceField.describe('Their bridge, such as docker0.'),
    prefixes: z.array(prefixField).min(1).describe('Their addresses on it, one prefix for each family in use.'),
  })
  .optional()
  .describe(
    'Containers that may open the host’s flows, through the container engine’s own NAT. Default: none; containers then reach nothing outside the host.',
  );

/** Prefixes parsed; those that are none have been reported. */
export function buildContainers(declared: z.input<typeof containersField>): ContainerNetwork | undefined {
  if (declared === undefined) return undefined;
  const prefixes = declared.prefixes.flatMap((text) => parseSegmentPrefix(text)?.prefix ?? []);
  return { interface: declared.interface, prefixes };
}

/** Defaults filled in. */
export function buildModelUnit(declared: z.input<typeof unitField>): ModelUnit {
  return {
    name: declared?.name ?? OLLAMA_UNIT.name,
    user: declared?.user ?? OLLAMA_UNIT.user,
    uid: declared?.uid,
    stateDirectory: declared?.stateDirectory ?? OLLAMA_UNIT.stateDirectory,
    devices: declared?.devices ?? [],
    listen: declared?.listen,
  };
}
