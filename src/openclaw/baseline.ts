import type { Deployment } from './deployment.ts';
import { baselineTools } from './hardened-agents.ts';
import { type KeyPath, keyText } from './keys.ts';
import { laneExpectations } from './lanes.ts';
import type { Line } from './line.ts';
import type { Override } from './overrides.ts';
import { overridden } from './overrides.ts';
import { hardenedLines } from './preset-hardened.ts';
import type { Family } from './version.ts';

/** Baselines that come with cordon, by name. */
export const PRESETS: Readonly<Record<string, (deployment: Deployment, family: Family) => Line[]>> = {
  'hardened-2026-02': hardenedLines,
};

/** What a configuration is held against. */
export interface Baseline {
  readonly lines: readonly Line[];
  readonly deployment: Deployment;
  readonly family: Family;
  /** Tools of an agent of which nothing else is declared. */
  readonly tools: { readonly allow: readonly string[]; readonly deny: readonly string[] };
  /** The line that decides a key (newest name), or a map above it. */
  lineOf(key: KeyPath, value: unknown): Line | undefined;
  /** Whether a declared lane has a line of its own for a key. */
  isLaneKey(agent: string, key: KeyPath): boolean;
}

/**
 * A preset (a name in `PRESETS`) for one deployment and one family of releases, with what an operator declares differently.
 * @param overrides declared values; each takes the place of the preset's line for that key, or is a line of its own
 */
export function baselineOf(
  preset: string,
  deployment: Deployment,
  overrides: readonly Override[],
  family: Family,
): Baseline {
  const lines = overridden(presetLines(preset, deployment, family), overrides, family);
  const byKey = new Map(lines.map((line) => [keyText(line.key), line]));
  return {
    lines,
    deployment,
    family,
    tools: baselineTools(family),
    lineOf(key, value) {
      if (typeof value === 'string' && key.at(-1) === 'model') {
        const primary = byKey.get(keyText([...key, 'primary']));
        if (primary !== undefined) return primary;
      }
      for (let length = key.length; length > 0; length--) {
        const line = byKey.get(keyText(key.slice(0, length)));
        if (line !== undefined) return line;
      }
      return undefined;
    },
    isLaneKey(agent, key) {
      const lane = laneOf(deployment, agent);
      const name = keyText(key);
      return lane !== undefined && laneExpectations(this, lane).some(([laneKey]) => laneKey === name);
    },
  };
}

/** @throws Error for a name that no preset has: whoever reads names from people checks them first */
function presetLines(preset: string, deployment: Deployment, family: Family): Line[] {
  const lines = Object.hasOwn(PRESETS, preset) ? PRESETS[preset] : undefined;
  if (lines === undefined) throw new Error(`there is no preset ${preset}`);
  return lines(deployment, family);
}

/** The declaration of an agent; ids are the same whatever their case (openclaw `normalizeAgentId`). */
export function laneOf(deployment: Deployment, agent: string): ReturnType<Deployment['agents']['get']> {
  const wanted = agent.toLowerCase();
  return [...deployment.agents].find(([name]) => name.toLowerCase() === wanted)?.[1];
}
