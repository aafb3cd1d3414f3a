import * as pulumi from '@pulumi/pulumi';
import { TYPES } from './plugin/package.ts';

/** Resources whose deletion would open something: `destroy` has to forget them instead. */
export const RETAINED_TYPES: readonly string[] = [
  'tailscale:index/acl:Acl',
  'tailscale:index/deviceTags:DeviceTags',
  TYPES.hostFirewall,
];

/**
 * Refuses to register one of those without `retainOnDelete`, or with `protect`, which stops a destroy half-way. It has to
 * be done here: the engine does not tell policy packs about `retainOnDelete` (pulumi proto/pulumi/analyzer.proto:
 * AnalyzerResourceOptions).
 */
export function requireRetainOnDelete(): void {
  pulumi.runtime.registerStackTransformation(({ type, name, opts }) => {
    const problem = retainProblem(type, name, opts);
    if (problem !== undefined) throw new pulumi.RunError(problem);
    return undefined;
  });
}

/** What is wrong with a resource's options, or undefined. */
export function retainProblem(
  type: string,
  name: string,
  opts: { readonly retainOnDelete?: boolean | undefined; readonly protect?: unknown },
): string | undefined {
  if (!RETAINED_TYPES.includes(type)) return undefined;
  if (opts.retainOnDelete !== true) return `${type} ${name} needs retainOnDelete: deleting it would open something`;
  if (opts.protect === true) return `${type} ${name} must not be protected: a destroy would stop half-way`;
  return undefined;
}
