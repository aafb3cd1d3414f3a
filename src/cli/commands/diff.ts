import type { CommandModule } from 'yargs';
import type { Summary } from '../../proof/changes/change.ts';
import { compare } from '../../proof/changes/compare.ts';
import { CordonError } from '../../source/error.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { outputOptions, type ReportArguments, reportOptions } from '../options.ts';
import { writeReport } from '../output.ts';
import { type DiffSide, readSide } from '../side.ts';
import { readText, readTopology } from '../topology-file.ts';

interface Arguments extends ReportArguments {
  a: string;
  b: string;
  devices: string | undefined;
  topology: string | undefined;
  failOn: 'widening' | 'any' | undefined;
}

/** `cordon diff A B`: who gains and loses what. */
export const diffCommand: CommandModule<object, Arguments> = {
  command: 'diff <a> <b>',
  describe: 'Who gains and loses what between two topologies, policy files, snapshots, or the live tailnet (`live`)',
  builder: (y) =>
    y
      .positional('a', { type: 'string', demandOption: true, describe: 'Before: a file, or `live`' })
      .positional('b', { type: 'string', demandOption: true, describe: 'After: a file, or `live`' })
      .option('devices', {
        type: 'string',
        describe: "The API's device list (JSON), for policy files",
        requiresArg: true,
      })
      .option('topology', { type: 'string', describe: 'The topology, for `live` and for snapshots', requiresArg: true })
      .option('fail-on', { choices: ['widening', 'any'] as const, describe: 'Exit 2 on such a change' })
      .options(reportOptions) as never,
  async handler(args) {
    const devices = args.devices === undefined ? undefined : readJson(args.devices);
    const named = args.topology ?? [args.a, args.b].find((f) => /\.ya?ml$/.test(f));
    if (named === undefined && [args.a, args.b].includes('live')) {
      throw new CordonError('diff-needs-topology', '`live` needs a topology that says what to look at', {
        hint: 'give --topology cordon.yaml',
      });
    }
    const topology = named === undefined ? undefined : readTopology(named).topology;
    const a = await readSide(args.a, devices, topology);
    const b = await readSide(args.b, devices, topology);
    const hosts = topology !== undefined && a.state.hosts.size > 0 && b.state.hosts.size > 0;
    const comparison = compare(hosts ? topology : undefined, a, b);
    writeReport({ claims: [], comparison, coverage: { observed: [], unobserved: [] } }, outputOptions(args));
    for (const [name, side] of [
      [args.a, a],
      [args.b, b],
    ] as const) {
      if (name === 'live') sayReviewed(side);
    }
    process.exitCode = exitCode(comparison.summary, args.failOn);
  },
};

/** The ETag that the guard of the Pulumi program accepts after this review. */
function sayReviewed(live: DiffSide): void {
  const { policy } = live.state.tailnet;
  if (!policy.known) return;
  process.stderr.write(
    `The live policy that was compared has ETag ${policy.value.etag}\nto let \`pulumi up\` replace it: pulumi config set cordon:reviewedEtag ${policy.value.etag}\n`,
  );
}

function exitCode(summary: Summary, failOn: Arguments['failOn']): ExitCode {
  const widens = summary === 'widening' || summary === 'mixed';
  if (failOn !== undefined && (widens || (failOn === 'any' && summary === 'narrowing'))) return EXIT.found;
  return summary === 'unknown' ? EXIT.unknown : EXIT.clean;
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readText(path));
  } catch (cause) {
    if (cause instanceof CordonError) throw cause;
    throw new CordonError('not-json', `${path} is not JSON`, {
      cause,
      hint: 'give the body of GET /devices?fields=all',
    });
  }
}
