import type { Options } from 'yargs';
import { FORMATS, type OutputOptions } from './output.ts';

/** `--topology FILE`, where a command reads one beside something else. */
export const topologyOption = {
  topology: { type: 'string', default: 'cordon.yaml', describe: 'The topology file', requiresArg: true },
} as const satisfies Record<string, Options>;

/** How long a command that looks at the world waits. */
export const timeoutOption = {
  timeout: {
    type: 'number',
    describe: 'Seconds to wait for each answer (default: 20 for the API, 10 for a host)',
    requiresArg: true,
  },
} as const satisfies Record<string, Options>;

/** How a report is written; the same for every command that prints one. */
export const reportOptions = {
  format: { choices: FORMATS, default: 'text', describe: 'Output format' },
  json: { type: 'boolean', default: false, describe: 'Short for --format json' },
  output: { alias: 'o', type: 'string', describe: 'Write to a file instead of stdout', requiresArg: true },
  verbose: { type: 'boolean', default: false, describe: 'Also list the claims that hold' },
} as const satisfies Record<string, Options>;

/** What yargs made of `reportOptions`. */
export interface ReportArguments {
  readonly format: (typeof FORMATS)[number];
  readonly json: boolean;
  readonly output: string | undefined;
  readonly verbose: boolean;
}

/** The report options of a command line. */
export function outputOptions(args: ReportArguments): OutputOptions {
  return { format: args.json ? 'json' : args.format, output: args.output, verbose: args.verbose };
}

/** Today's date, ISO, in UTC: what waivers are measured by. */
export function today(): string {
  return new Date().toISOString().slice(0, 10);
}
