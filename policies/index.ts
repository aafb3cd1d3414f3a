import '../infra/engine/require-node-now.ts';
import { resolve } from 'node:path';
import type { ResourceValidationPolicy } from '@pulumi/policy';
import { PolicyPack } from '@pulumi/policy';
import { claimProblems } from './claims.ts';
import type { RuledResource } from './resource-rules.ts';
import { hidingOptions, openingDeletes, openingSwitches } from './resource-rules.ts';

/** The pack's folder is the working directory, and lies in the project's folder. */
const PROJECT_FOLDER = resolve(process.cwd(), '..');

function resourcePolicy(
  name: string,
  description: string,
  problemsOf: (resource: RuledResource) => readonly string[],
): ResourceValidationPolicy {
  return {
    name,
    description,
    enforcementLevel: 'mandatory',
    severity: 'critical',
    validateResource: ({ type, props, opts }, report) => {
      for (const problem of problemsOf({ type, props, opts })) report(problem);
    },
  };
}

new PolicyPack('cordon', {
  enforcementLevel: 'mandatory',
  policies: [
    resourcePolicy(
      'no-opening-switch',
      "The provider's switches that open a tailnet or overwrite its policy unseen stay off.",
      openingSwitches,
    ),
    resourcePolicy('no-opening-delete', 'Deleting a host firewall leaves the host closed.', openingDeletes),
    resourcePolicy(
      'nothing-hidden',
      'No option hides drift of what isolation rests on, or stops a destroy half-way.',
      hidingOptions,
    ),
    {
      name: 'claims-hold',
      description: 'Every claim of the topology holds for what the resources carry.',
      enforcementLevel: 'mandatory',
      severity: 'critical',
      validateStack: ({ resources }, report) => {
        const today = new Date().toISOString().slice(0, 10);
        for (const problem of claimProblems(resources, PROJECT_FOLDER, today)) report(problem);
      },
    },
  ],
});
