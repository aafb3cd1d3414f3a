import type { CommandModule } from 'yargs';
import { exitCodeOf } from '../exit-code.ts';
import { claimsReport, declaredReport } from '../findings.ts';
import { outputOptions, type ReportArguments, reportOptions, today } from '../options.ts';
import { writeReport } from '../output.ts';
import { isTopologyFile } from '../side.ts';
import { readDeclared } from '../topology-file.ts';
import { readSnapshot } from '../world.ts';

interface Arguments extends ReportArguments {
  file: string;
  topology: string | undefined;
}

/** `cordon prove [FILE]`: every claim, on what a topology compiles to or on a snapshot. */
export const proveCommand: CommandModule<object, Arguments> = {
  command: 'prove [file]',
  describe: 'Decide every claim on a topology (as it would be applied) or on a snapshot (--topology)',
  builder: (y) =>
    y
      .positional('file', { type: 'string', default: 'cordon.yaml', describe: 'A topology or a snapshot' })
      .option('topology', {
        type: 'string',
        describe: 'The topology a snapshot is held against (default: cordon.yaml)',
        requiresArg: true,
      })
      .options(reportOptions) as never,
  handler(args) {
    const report = isTopologyFile(args.file)
      ? declaredReport(readDeclared(args.file), today())
      : claimsReport(readDeclared(args.topology ?? 'cordon.yaml'), readSnapshot(args.file), today());
    writeReport(report, outputOptions(args));
    process.exitCode = exitCodeOf(report);
  },
};
