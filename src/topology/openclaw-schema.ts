import { z } from 'zod';
import {
  configKeyField,
  modelField,
  nameField,
  openclawVersionField,
  portNumberField,
  presetField,
  tagField,
  toolField,
} from './schema-fields.ts';

export const agentSchema = z
  .strictObject({
    lane: nameField.describe('Lane: how far the agent’s model is trusted, such as `local`.'),
    model: modelField.optional(),
    tools: z
      .strictObject({
        allow: z.array(toolField).optional().describe('The tools the agent has; all others are denied.'),
        deny: z.array(toolField).optional().describe('Tools denied although a group in `allow` has them.'),
      })
      .optional()
      .describe('Tools of the agent.'),
    workspace: z
      .enum(['none', 'ro', 'rw'])
      .optional()
      .describe('What the sandbox sees of the agent’s workspace. Default: none.'),
    approvals: z
      .enum(['on-miss', 'always'])
      .optional()
      .describe('Which commands a person approves: those not on the allow-list (default), or all.'),
    executor: nameField
      .optional()
      .describe('Role of the machines that run the agent’s tools. Default: the one role of kind executor.'),
    resources: z
      .array(tagField)
      .optional()
      .describe(
        'Tags of the machines the agent’s tools may touch. The executor may open the services of the role that has the tag, and nothing else.',
      ),
  })
  .describe('An OpenClaw agent.');

const overrideValue = z
  .union([z.string(), z.number(), z.boolean(), z.array(z.union([z.string(), z.number(), z.boolean()]))])
  .describe('The value the key has to have; a list may come in any order.');

export const openclawSchema = z
  .strictObject({
    preset: presetField,
    version: openclawVersionField.optional(),
    gateway: nameField.optional().describe('Host that runs the one gateway.'),
    port: portNumberField.optional().describe('Port of the gateway on loopback. Default: 19001.'),
    nodes: z.array(nameField).optional().describe('Hosts that are paired as OpenClaw nodes.'),
    overrides: z
      .record(configKeyField, overrideValue)
      .optional()
      .describe('Keys of the configuration that are to differ from the preset, by their full path.'),
  })
  .describe('The OpenClaw deployment.');
