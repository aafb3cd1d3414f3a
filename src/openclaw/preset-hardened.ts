import type { Deployment } from './deployment.ts';
import { sandboxRows, toolRows } from './hardened-agents.ts';
import { gatewayRows, modelRows, newerRows } from './hardened-gateway.ts';
import type { Line } from './line.ts';
import { linesOf } from './row.ts';
import type { Family } from './version.ts';

/**
 * The baseline of SECURITY_ARCHITECTURE_2026-02-26, sections 2, 4, 5, 6 and 9, as lines. Defaults are those of openclaw
 * 2026.2.26 and 2026.9.6 (`src/agents/sandbox/config.ts`, `src/gateway/auth-resolve.ts`, `src/config/schema.help.ts`;
 * the opening of `tools.exec` between the two was measured).
 */
export function hardenedLines(deployment: Deployment, family: Family): Line[] {
  return linesOf([
    ...sandboxRows(),
    ...toolRows(family),
    ...gatewayRows(deployment),
    ...modelRows(deployment),
    ...(family === '2026.9' ? newerRows(deployment) : []),
  ]);
}
