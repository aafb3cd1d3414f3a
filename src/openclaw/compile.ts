import { nameIn } from './aliases.ts';
import type { Declaration } from './assess.ts';
import { type Baseline, baselineOf } from './baseline.ts';
import type { LaneDeclaration } from './deployment.ts';
import type { KeyPath } from './keys.ts';
import { laneTools } from './lanes.ts';
import type { Line } from './line.ts';
import type { Family } from './version.ts';

type Mutable = { [key: string]: unknown };

/**
 * The configuration that a declaration asks for, in one family's names: every line of the baseline spelt out (no default
 * is relied on), then the declared agents. Secrets are references. It is a patch: what an operator has besides stays, and
 * is judged when it is read back.
 */
export function compileConfig(declaration: Declaration, family: Family): unknown {
  const baseline = baselineOf(declaration.preset, declaration.deployment, declaration.overrides, family);
  const config: Mutable = {};
  for (const line of baseline.lines) {
    const value = valueFor(line) ?? modelsOf(declaration, line);
    if (value !== undefined) put(config, nameIn(line.key, family), value);
  }
  const agents = [...declaration.deployment.agents];
  if (agents.length === 0) return structuredClone(config);
  const entries = agents.map(([id, lane]) => [id, agentSettings(baseline, lane)] as const);
  if (family === '2026.2')
    put(
      config,
      ['agents', 'list'],
      entries.map(([id, settings]) => ({ id, ...settings })),
    );
  else put(config, ['agents', 'entries'], Object.fromEntries(entries));
  // A copy: the lists are the declaration's own.
  return structuredClone(config);
}

/** The value a line asks for; undefined where it asks for nothing to be set. */
function valueFor({ expect }: Line): unknown {
  switch (expect.kind) {
    case 'one-of':
      return expect.values[0];
    case 'same-list':
    case 'list-with':
    case 'tools':
      return expect.list;
    case 'names-among':
      return expect.list.length === 0 ? undefined : expect.list;
    case 'denied-tools':
      return expect.deny;
    case 'url':
      return expect.urls[0];
    case 'reference':
      // biome-ignore lint/suspicious/noTemplateCurlyInString: OpenClaw's own syntax
      return '${OPENCLAW_GATEWAY_TOKEN}';
    case 'models':
      return expect.list;
    case 'exact-names':
      return undefined;
  }
}

/** The declared models of a provider whose list is open: with `models.mode` "replace" a provider has those it lists. */
function modelsOf({ deployment }: Declaration, { key, expect }: Line): unknown {
  if (expect.kind !== 'models') return undefined;
  const prefix = `${key.at(-2)}/`;
  const own = (deployment.models ?? []).filter((model) => model.startsWith(prefix));
  return own.map((model) => model.slice(prefix.length)).map((id) => ({ id, name: id }));
}

/** What an agent has to say for itself: lists replace what it would inherit, so both are given. */
function agentSettings(baseline: Baseline, lane: LaneDeclaration): Mutable {
  const { allow, deny } = laneTools(baseline, lane);
  return {
    ...(lane.model === undefined ? {} : { model: { primary: lane.model, fallbacks: [] } }),
    sandbox: { mode: 'all', workspaceAccess: lane.workspace },
    tools: {
      elevated: { enabled: false },
      exec: { security: 'allowlist', ask: lane.approvals },
      sandbox: { tools: { allow, deny } },
    },
  };
}

function put(config: Mutable, path: KeyPath, value: unknown): void {
  let at = config;
  for (const step of path.slice(0, -1)) {
    const next = Object.hasOwn(at, step) ? at[step] : undefined;
    if (typeof next === 'object' && next !== null && !Array.isArray(next)) at = next as Mutable;
    else {
      const created: Mutable = {};
      at[step] = created;
      at = created;
    }
  }
  at[path.at(-1) ?? ''] = value;
}
