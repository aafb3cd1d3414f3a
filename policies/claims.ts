import { resolve } from 'node:path';
import * as pulumi from '@pulumi/pulumi';
import type { Declaration } from '../infra/declare.ts';
import { declare } from '../infra/declare.ts';
import { proveDeclared } from '../infra/prove.ts';
import { property } from './known.ts';
import type { StackResource } from './stack-evidence.ts';
import { stackEvidence } from './stack-evidence.ts';

const STACK_TYPE = 'pulumi:pulumi:Stack';

/**
 * Proves the claims of the topology that a stack says it deploys, on what its resources carry.
 * @param projectFolder folder of Pulumi.yaml
 * @param today ISO date: waivers end
 * @returns what is wrong, in the operator's words; empty if every claim holds
 */
export function claimProblems(
  resources: readonly StackResource[],
  projectFolder: string,
  today: string,
): readonly string[] {
  const stack = resources.find((r) => r.type === STACK_TYPE);
  const file = stack === undefined ? undefined : property(stack.props, 'topology');
  if (file?.known !== true || typeof file.value !== 'string') {
    return [
      'the stack does not say which topology it deploys (its output topology), so nothing can be proved about it',
    ];
  }
  const declaration = declared(file.value, projectFolder);
  if (typeof declaration === 'string') return [declaration];
  const { topology } = declaration;
  const rendered = renderedHosts(stack);
  const { evidence, problems } = stackEvidence(topology, declaration.evidence, resources, (host) => rendered.has(host));
  const proof = proveDeclared(topology, evidence, today);
  return proof.ok ? problems : [...problems, `what the stack is about to make true is not isolated:\n${proof.text}`];
}

/** The declaration, or why there is none. */
function declared(file: string, projectFolder: string): Declaration | string {
  try {
    return declare(file, (path) => resolve(projectFolder, path));
  } catch (error) {
    if (!pulumi.RunError.isInstance(error)) throw error;
    return error.message;
  }
}

function renderedHosts(stack: StackResource | undefined): ReadonlySet<string> {
  const found = stack === undefined ? undefined : property(stack.props, 'hostFirewalls');
  if (found?.known !== true || typeof found.value !== 'object' || found.value === null) return new Set();
  return new Set(Object.entries(found.value).flatMap(([host, what]) => (what === 'rendered' ? [host] : [])));
}
