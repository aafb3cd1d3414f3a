import { z } from 'zod';
import { containersField, flowUsersField, unitField } from './host-options.ts';
import { agentSchema, openclawSchema } from './openclaw-schema.ts';
import {
  addressField,
  agentNameField,
  dateField,
  deviceIdField,
  interfaceField,
  nameField,
  netnsField,
  operatorField,
  pathField,
  portField,
  prefixField,
  referenceIdField,
  sentenceField,
  sshTargetField,
  tagField,
  tailnetIdField,
} from './schema-fields.ts';

/** Roles that have a kind by their name; other names may say `kind:`. */
export const ROLE_KINDS = ['model', 'orchestrator', 'executor', 'gateway', 'node', 'other'] as const;

export const tailnetSchema = z
  .strictObject({
    id: tailnetIdField,
    operators: z
      .array(operatorField)
      .min(1)
      .describe('Who may change the policy, tags, routes and keys; owners of every tag of cordon.'),
    base: pathField
      .optional()
      .describe(
        'The organisation’s own policy (HuJSON), kept word for word with its comments. cordon adds its sections and proves the union.',
      ),
  })
  .describe('The tailnet this deployment lives on.');

export const roleSchema = z
  .strictObject({
    tag: tagField.describe('The tag that is the role’s identity on the tailnet; no two roles share one.'),
    kind: z
      .enum(ROLE_KINDS)
      .optional()
      .describe(
        'What the machines are for. Roles named model, orchestrator, executor, gateway or node have that kind; others are `other` unless they say.',
      ),
  })
  .describe('A role: what a machine is for.');

export const segmentSchema = z
  .strictObject({
    prefixes: z.array(prefixField).min(1).describe('The subnet, one prefix for each address family in use.'),
    router: nameField.describe('Host that routes into the segment: its only way in.'),
  })
  .describe('A subnet of its own, with one way in.');

export const accessSchema = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('local').describe('This machine.') }),
    z.strictObject({ kind: z.literal('ssh').describe('Through the system’s `ssh`.'), target: sshTargetField }),
    z.strictObject({ kind: z.literal('netns').describe('A network namespace on this machine.'), name: netnsField }),
    z.strictObject({
      kind: z.literal('render-only').describe('Never touched: the ruleset is written for others to load.'),
    }),
  ])
  .describe('How cordon reaches the host.');

export const hostSchema = z
  .strictObject({
    role: nameField.describe('Name of its role.'),
    placement: z
      .enum(['netns', 'segment', 'tailnet'])
      .optional()
      .describe(
        'Where a model host stands: `netns` (its own namespace on the orchestrator’s host), `segment` (its own subnet, off the tailnet) or `tailnet` (a tagged node). Required for model hosts; all others are on the tailnet.',
      ),
    device: deviceIdField.optional().describe('Stable node id, `n…CNTRL`. Required for every host on the tailnet.'),
    segment: nameField.optional().describe('Segment that the host has an interface in.'),
    addresses: z
      .array(addressField)
      .optional()
      .describe('Every address of the host, of the segment and of the tailnet, without prefix length.'),
    segmentInterface: interfaceField
      .optional()
      .describe('Interface into the segment. Default: eth0 off the tailnet, eth1 for a host that is on both.'),
    underlayInterfaces: z
      .array(interfaceField)
      .optional()
      .describe('Interfaces that carry the tailnet daemon’s own traffic. Default: eth0 with a device, none without.'),
    resolvers: z
      .array(addressField)
      .optional()
      .describe(
        'Name servers that the tailnet daemon may ask. Default: none; it then falls back to its built-in ones.',
      ),
    tailscaled: z
      .boolean()
      .optional()
      .describe(
        'Whether the tailnet daemon runs here and its own flows are let out. Default: exactly if there is a device.',
      ),
    flowUsers: flowUsersField,
    containers: containersField,
    unit: unitField,
    access: accessSchema,
  })
  .describe('A machine, or a namespace that stands for one.');

export const serviceSchema = z
  .strictObject({
    on: nameField.describe('Role whose hosts answer.'),
    tcp: z.array(portField).optional().describe('TCP ports and ranges.'),
    udp: z.array(portField).optional().describe('UDP ports and ranges.'),
  })
  .describe('Something that listens.');

export const flowSchema = z
  .strictObject({
    id: nameField.describe('Stable id; it stands in the comment of every rule that serves the flow.'),
    from: nameField.describe('Role that opens the flow, or `operators`.'),
    to: nameField.describe('Service that answers.'),
  })
  .describe('One permitted flow.');

export const waiverSchema = z
  .strictObject({
    id: referenceIdField,
    owner: sentenceField.describe('Who answers for it.'),
    reason: sentenceField.describe('Why it is accepted.'),
    expires: dateField,
  })
  .describe('An accepted violation. It stays a violation, and fails the run again once it has expired.');

export const attestationSchema = z
  .strictObject({
    id: referenceIdField,
    by: sentenceField.describe('Who looked.'),
    on: dateField.describe('The day they looked.'),
    expires: dateField,
  })
  .describe('What nothing readable shows, said by a person.');

/** `cordon.yaml` version 1, before references are resolved. Strict: an unknown key is an error. */
export const topologySchema = z
  .strictObject({
    version: z.literal(1).describe('Version of this format.'),
    tailnet: tailnetSchema,
    roles: z.record(nameField, roleSchema).describe('What machines are for; a role’s tag is its identity.'),
    segments: z.record(nameField, segmentSchema).optional().describe('Subnets of their own.'),
    hosts: z.record(nameField, hostSchema).describe('The machines.'),
    services: z.record(nameField, serviceSchema).optional().describe('What listens, on which role.'),
    flows: z
      .array(flowSchema)
      .optional()
      .describe('The whole list: nothing else may touch a role that cordon is in charge of.'),
    agents: z.record(agentNameField, agentSchema).optional().describe('Lanes: tools, model and resources per agent.'),
    openclaw: openclawSchema.optional(),
    waivers: z.array(waiverSchema).optional().describe('Accepted violations.'),
    attestations: z.array(attestationSchema).optional().describe('What nothing readable shows.'),
  })
  .describe('Declared topology of a model deployment on a tailnet.');

/** The file's data as the schema accepts it. */
export type TopologyInput = z.input<typeof topologySchema>;

/** Where the published schema lives; editors fetch it by this name. */
export const TOPOLOGY_SCHEMA_ID = 'urn:cordon:topology:1';

/** JSON Schema (draft 2020-12) of `cordon.yaml`, for editors and for other tools. Pure and deterministic. */
export function topologyJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(topologySchema, { io: 'input', target: 'draft-2020-12', reused: 'inline' });
  const { $schema, '~standard': _standard, ...rest } = schema as Record<string, unknown>;
  return { $schema, $id: TOPOLOGY_SCHEMA_ID, title: 'cordon.yaml', ...rest };
}
