import type { CommandModule } from 'yargs';
import { exitCodeOf } from '../exit-code.ts';
import { driftReport } from '../findings.ts';
import {
  outputOptions,
  type ReportArguments,
  reportOptions,
  timeoutOption,
  today,
  topologyOption,
} from '../options.ts';
import { contextOf, writeReport } from '../output.ts';
import { readSnapshot } from '../snapshot-file.ts';
import { readDeclared, sayWarnings } from '../topology-file.ts';

interface Arguments extends ReportArguments {
  topology: string;
  snapshot: string | undefined;
  timeout: number | undefined;
}

/** `cordon check [--snapshot FILE]`: observe, compare with what is declared, prove. What CI runs. */
export const checkCommand: CommandModule<object, Arguments> = {
  command: 'check',
  describe: 'Drift: observe the world (or read a snapshot), compare it with the topology, prove the claims',
  builder: (y) =>
    y
      .options(topologyOption)
      .option('snapshot', {
        type: 'string',
        describe: 'Read evidence from a file instead of the world',
        requiresArg: true,
      })
      .options(timeoutOption)
      .options(reportOptions) as never,
  async handler(args) {
    const declared = readDeclared(args.topology);
    sayWarnings(declared);
    const { topology } = declared;
    const observed =
      args.snapshot === undefined
        ? await (await import('../world.ts')).observe(topology, args)
        : readSnapshot(args.snapshot);
    const report = driftReport(declared, observed, today());
    await writeReport(report, outputOptions(args), contextOf(topology));
    process.exitCode = exitCodeOf(report);
  },
};
