import type { CommandModule } from 'yargs';
import { CordonError } from '../../source/error.ts';
import { exitCodeOf } from '../exit-code.ts';
import { claimsReport, declaredReport } from '../findings.ts';
import { outputOptions, type ReportArguments, reportOptions, today } from '../options.ts';
import { contextOf, writeReport } from '../output.ts';
import { readSnapshot } from '../snapshot-file.ts';
import { isTopologyFile, readDeclared, sayWarnings } from '../topology-file.ts';

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
  async handler(args) {
    const snapshot = isTopologyFile(args.file) ? undefined : readSnapshot(args.file);
    if (snapshot === undefined && args.topology !== undefined) {
      throw new CordonError('usage', `${args.file} is a topology itself, so --topology says nothing`, {
        hint: '`cordon diff A B` compares two topologies',
      });
    }
    const declared = readDeclared(snapshot === undefined ? args.file : (args.topology ?? 'cordon.yaml'));
    sayWarnings(declared);
    const report =
      snapshot === undefined ? declaredReport(declared, today()) : claimsReport(declared, snapshot, today());
    await writeReport(report, outputOptions(args), contextOf(declared.topology));
    process.exitCode = exitCodeOf(report);
  },
};
