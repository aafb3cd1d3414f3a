import type { CommandModule } from 'yargs';
import { CordonError } from '../../source/error.ts';
import type { Evidence } from '../../state/evidence.ts';
import { exitCodeOf } from '../exit-code.ts';
import { claimsReport, declaredReport } from '../findings.ts';
import { readJson } from '../json-file.ts';
import { outputOptions, type ReportArguments, reportOptions, today } from '../options.ts';
import { contextOf, writeReport } from '../output.ts';
import { type DiffSide, readSide } from '../side.ts';
import { type Declared, isTopologyFile, readDeclared, sayWarnings } from '../topology-file.ts';

interface Arguments extends ReportArguments {
  file: string;
  topology: string | undefined;
  devices: string | undefined;
}

/** `cordon prove [FILE]`: every claim, on what a topology compiles to, on a snapshot, or on a policy put in its place. */
export const proveCommand: CommandModule<object, Arguments> = {
  command: 'prove [file]',
  describe: 'Decide every claim on a topology as it would be applied, on a snapshot, or on a tailnet policy file',
  builder: (y) =>
    y
      .positional('file', {
        type: 'string',
        default: 'cordon.yaml',
        describe: 'A topology, a snapshot or a tailnet policy',
      })
      .option('topology', {
        type: 'string',
        describe: 'The topology a snapshot or policy is held against (default: cordon.yaml)',
        requiresArg: true,
      })
      .option('devices', {
        type: 'string',
        describe: "The API's device list (JSON), for a policy file (default: the declared devices)",
        requiresArg: true,
      })
      .options(reportOptions) as never,
  async handler(args) {
    const isTopology = isTopologyFile(args.file);
    if (isTopology && args.topology !== undefined) {
      throw new CordonError('usage', `${args.file} is a topology itself, so --topology says nothing`, {
        hint: '`cordon diff A B` compares two topologies',
      });
    }
    const side = isTopology ? undefined : await sideOf(args);
    const declared = readDeclared(isTopology ? args.file : (args.topology ?? 'cordon.yaml'));
    sayWarnings(declared);
    const report =
      side === undefined
        ? declaredReport(declared, today())
        : claimsReport(declared, evidenceOf(side, declared, args.devices !== undefined), today());
    await writeReport(report, outputOptions(args), contextOf(declared.topology));
    process.exitCode = exitCodeOf(report);
  },
};

async function sideOf({ file, devices }: Arguments): Promise<DiffSide> {
  const list = devices === undefined ? undefined : readJson(devices, 'give the body of GET /devices?fields=all');
  return readSide(file, { devices: list, topology: undefined, timeout: undefined });
}

/**
 * A snapshot as it is. A policy stands for itself: everything else is as declared, so what the claims say is what would
 * be if exactly this policy were in force.
 */
function evidenceOf(side: DiffSide, declared: Declared, hasDevices: boolean): Evidence {
  if (side.kind !== 'policy') return side.evidence;
  const { 'tailnet/devices': devices, ...policy } = side.evidence.sources;
  const listed = hasDevices && devices !== undefined ? { 'tailnet/devices': devices } : {};
  return { sources: { ...declared.evidence.sources, ...policy, ...listed } };
}
