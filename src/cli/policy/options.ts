import type { Argv, Options } from 'yargs';
import { useColor } from '../output.ts';

/** `--format text|json`, `--json`, `-o FILE`: what the policy commands have in common. */
const policyOutputOptions = {
  format: { choices: ['text', 'json'] as const, default: 'text', describe: 'Output format' },
  json: { type: 'boolean', default: false, describe: 'Short for --format json' },
  output: { alias: 'o', type: 'string', describe: 'Write to a file instead of stdout', requiresArg: true },
} as const satisfies Record<string, Options>;

/** `--devices FILE --users FILE`: the tailnet that a policy is for. */
const tailnetOptions = {
  devices: { type: 'string', describe: "The API's device list (JSON)", requiresArg: true },
  users: { type: 'string', describe: "The API's user list (JSON)", requiresArg: true },
} as const satisfies Record<string, Options>;

/** A policy file, the tailnet it is for, and how the answer is written. */
export function policyFile(y: Argv): Argv {
  return y
    .positional('file', { type: 'string', demandOption: true, describe: 'A tailnet policy (HuJSON)' })
    .options(tailnetOptions)
    .options(policyOutputOptions);
}

/** What yargs made of `policyOutputOptions`. */
export interface PolicyOutputArguments {
  readonly format: 'text' | 'json';
  readonly json: boolean;
  readonly output: string | undefined;
}

/** What yargs made of `tailnetOptions`. */
export interface TailnetArguments {
  readonly devices: string | undefined;
  readonly users: string | undefined;
}

/** Whether JSON is wanted. */
export function wantsJson(args: PolicyOutputArguments): boolean {
  return args.json || args.format === 'json';
}

/** Whether text is to be coloured. */
export function wantsColor(args: PolicyOutputArguments): boolean {
  return args.output === undefined && useColor(process.stdout, process.env);
}
