import { compileConfig } from '../../openclaw/compile.ts';
import { knowledgeOf } from '../../openclaw/version.ts';
import type { SourceEntry } from '../../state/evidence.ts';
import type { Topology } from '../model.ts';
import { openclawDeclaration } from '../openclaw-declaration.ts';

/**
 * `openclaw/HOST/config`: the configuration patch that the declared gateway is to have, with the release it is written
 * for. Empty where no gateway is declared.
 */
export function openclawSources(topology: Topology): Record<string, SourceEntry> {
  const { openclaw } = topology;
  if (openclaw?.gateway === undefined) return {};
  const { version } = openclaw;
  const config = compileConfig(openclawDeclaration(topology, openclaw), knowledgeOf(version).family);
  return { [`openclaw/${openclaw.gateway}/config`]: { status: 'ok', body: { openclaw: version, config } } };
}
