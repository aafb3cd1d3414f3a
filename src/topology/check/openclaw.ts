import { PRESETS } from '../../openclaw/baseline.ts';
import { type Draft, entries, quote } from '../load/draft.ts';
import { closest } from '../load/suggest.ts';
import { roleKind } from '../role-kind.ts';

/** The preset exists, and every agent's tools run on machines that are there for it. */
export function checkOpenClaw(draft: Draft): void {
  const { preset } = draft.data.openclaw ?? {};
  if (preset !== undefined && !Object.hasOwn(PRESETS, preset)) {
    draft.report({
      code: 'topology-unknown-preset',
      path: ['openclaw', 'preset'],
      message: `there is no preset ${quote(preset)}`,
      hint: `use ${Object.keys(PRESETS).join(' or ')}`,
    });
  }
  for (const [name, agent] of entries(draft.data.agents)) checkExecutor(draft, name, agent.executor);
}

function checkExecutor(draft: Draft, agent: string, executor: string | undefined): void {
  const roles = draft.names('roles');
  if (executor === undefined || roles === undefined) return;
  const path = ['agents', agent, 'executor'];
  if (!roles.includes(executor)) {
    const near = closest(executor, roles);
    draft.report({
      code: 'topology-unknown-reference',
      path,
      message: `there is no role ${quote(executor)}`,
      hint: near === undefined ? 'declare it under roles:' : `did you mean ${near}?`,
    });
    return;
  }
  const role = draft.data.roles?.[executor];
  if (role === undefined || roleKind(executor, role.kind) !== 'model') return;
  draft.report({
    code: 'topology-model-in-openclaw',
    path,
    message: `${quote(executor)} is a role of model hosts and cannot run an agent's tools`,
    hint: 'the model is the user, not the system: it runs nothing of OpenClaw',
  });
}
