import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import * as pulumi from '@pulumi/pulumi';
import type { TailnetAccess } from '../src/observe/tailnet-access.ts';
import { tailnetAccess } from '../src/observe/tailnet-access.ts';
import { CordonError } from '../src/source/error.ts';

/** Where the tailnet's API is, and which tailnet is meant. No credential: those never enter inputs or state. */
export type TailnetApi = Pick<TailnetAccess, 'baseUrl' | 'tailnet'>;

/** Stack configuration under `cordon:`. */
export interface StackSettings {
  /** Path of the topology file as configured: the name in messages. */
  readonly topology: string;
  /** ETag of a live policy that somebody looked at and agreed to overwrite. */
  readonly reviewedEtag: string | undefined;
  /** `apply` puts rulesets in place; `render` leaves every host alone, where this machine cannot reach them. */
  readonly hostFirewalls: 'apply' | 'render';
}

/**
 * Reads the configuration of the stack.
 * @throws RunError with what is missing or wrong, all at once
 */
export function readStackSettings(config: pulumi.Config): StackSettings {
  const topology = config.get('topology') ?? '';
  const hostFirewalls = config.get('hostFirewalls') ?? 'apply';
  const problems: string[] = [];
  if (topology === '') {
    problems.push('cordon:topology is not set: pulumi config set cordon:topology path/to/cordon.yaml');
  }
  if (hostFirewalls !== 'apply' && hostFirewalls !== 'render') {
    problems.push(`cordon:hostFirewalls is '${hostFirewalls}', but only 'apply' and 'render' are known`);
  }
  if (problems.length > 0) throw new pulumi.RunError(problems.join('\n'));
  return {
    topology,
    reviewedEtag: config.get('reviewedEtag'),
    hostFirewalls: hostFirewalls === 'render' ? 'render' : 'apply',
  };
}

/** Path relative to the project's folder, where Pulumi.yaml is. */
export function projectPath(path: string): string {
  return resolve(pulumi.getRootDirectory(), path);
}

/**
 * The API from the environment (`TAILSCALE_BASE_URL`, default Tailscale's own) and the tailnet from the topology.
 * @throws RunError when there are no credentials, or they and the topology speak of different tailnets: better now than
 * in the middle of an update
 */
export function readTailnetApi(env: NodeJS.ProcessEnv, tailnetId: string): TailnetApi {
  try {
    const { baseUrl, tailnet } = tailnetAccess(env, (path) => readFileSync(path, 'utf8'), tailnetId);
    return { baseUrl, tailnet };
  } catch (error) {
    if (!(error instanceof CordonError)) throw error;
    throw new pulumi.RunError(error.hint === undefined ? error.message : `${error.message}\nhint: ${error.hint}`);
  }
}
