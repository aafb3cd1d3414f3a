import { join } from 'node:path';
import { packageRoot } from '../../../infra/engine/package-root.ts';
import type { Engine } from '../../../infra/engine/provision.ts';
import { type PulumiRun, runPulumi } from '../../../infra/engine/run-pulumi.ts';
import { CordonError } from '../../source/error.ts';
import type { ScratchProject } from './project.ts';

/** One stack of cordon's program against the demo's tailnet. */
export interface DemoStack {
  /** Sets the stack up; run once. */
  init(config: Readonly<Record<string, string>>): Promise<void>;
  /** `pulumi up`, with the policy pack. */
  up(onLine: (line: string) => void): Promise<PulumiRun>;
  /** `pulumi preview --refresh --expect-no-changes`: 0 nothing to change, 7 something would. */
  preview(): Promise<PulumiRun>;
}

const NAME = 'demo';
const LIMIT_MS = 180_000;

/**
 * @param credentials TAILSCALE_* of the emulator, for the program and its plugins
 */
export function demoStack(
  engine: Engine,
  project: ScratchProject,
  credentials: Readonly<Record<string, string>>,
): DemoStack {
  const policyPack = join(packageRoot(), 'policies');
  const options = { cwd: project.folder, env: { ...project.env, ...credentials }, timeoutMs: LIMIT_MS };
  const run = (argv: readonly string[], onLine?: (line: string) => void) =>
    runPulumi(engine, argv, {
      ...options,
      ...(onLine === undefined ? {} : { onLine: (_stream: string, line: string) => onLine(line) }),
    });
  return {
    async init(config) {
      must(await run(['stack', 'init', NAME]));
      for (const [key, value] of Object.entries(config))
        must(await run(['config', 'set', key, value, '--stack', NAME]));
    },
    async up(onLine) {
      return must(await run(['up', '--yes', '--stack', NAME, '--policy-pack', policyPack], onLine));
    },
    preview: () => run(['preview', '--refresh', '--expect-no-changes', '--stack', NAME, '--policy-pack', policyPack]),
  };
}

/** @throws CordonError `pulumi-failed` with what Pulumi said */
function must(result: PulumiRun): PulumiRun {
  if (result.exitCode === 0) return result;
  const said = `${result.stdout}\n${result.stderr}`.trim().split('\n').slice(-30).join('\n');
  throw new CordonError(
    'pulumi-failed',
    `pulumi ended with ${result.timedOut ? 'a time-out' : result.exitCode}:\n${said}`,
  );
}
