import type { CommandModule } from 'yargs';
import { exitCodeOf } from '../exit-code.ts';
import { driftReport } from '../findings.ts';
import { outputOptions, type ReportArguments, reportOptions, today, topologyOption } from '../options.ts';
import { writeReport } from '../output.ts';
import { readDeclared } from '../topology-file.ts';
import { evidenceFor } from '../world.ts';

interface Arguments extends ReportArguments {
  topology: string;
  snapshot: string | undefined;
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
      .options(reportOptions) as never,
  async handler(args) {
    const declared = readDeclared(args.topology);
    const observed = await evidenceFor(declared.topology, args.snapshot);
    const report = driftReport(declared, observed, today());
    writeReport(report, outputOptions(args));
    process.exitCode = exitCodeOf(report);
  },
};
