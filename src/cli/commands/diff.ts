import type { CommandModule } from 'yargs';
import { compare } from '../../proof/changes/compare.ts';
import { CordonError } from '../../source/error.ts';
import { interpret } from '../../state/interpret.ts';
import { exitCodeOfDiff, type FailOn } from '../exit-code.ts';
import { outputOptions, type ReportArguments, reportOptions, timeoutOption } from '../options.ts';
import { contextOf, writeReport } from '../output.ts';
import { commonTopology, type DiffSide, readSide, stateOf } from '../side.ts';
import { isTopologyFile, readText, readTopology } from '../topology-file.ts';

interface Arguments extends ReportArguments {
  a: string;
  b: string;
  devices: string | undefined;
  topology: string | undefined;
  failOn: FailOn;
  timeout: number | undefined;
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
      .options(timeoutOption)
      .options(reportOptions) as never,
  async handler(args) {
    const devices = args.devices === undefined ? undefined : readJson(args.devices);
    const named = args.topology ?? [args.b, args.a].find(isTopologyFile);
    const given = named === undefined ? undefined : readTopology(named).topology;
    const sides = { devices, topology: given, timeout: args.timeout };
    const a = await readSide(args.a, sides);
    const b = await readSide(args.b, sides);
    const topology = commonTopology(a, b, given);
    sayWhatIsLeftOut(a, b);
    const comparison = compare(
      topology,
      { state: stateOf(a, b), file: a.file },
      { state: stateOf(b, a), file: b.file },
    );
    const report = { claims: [], comparison, coverage: { observed: [], unobserved: [] } };
    const context = topology === undefined ? { file: b.name, flows: [] } : contextOf(topology);
    await writeReport(report, outputOptions(args), context);
    for (const side of [a, b]) if (side.kind === 'live') sayReviewed(side);
    process.exitCode = exitCodeOfDiff(comparison, args.failOn);
  },
};

/** A policy file says nothing about hosts; whoever compares it with something that does should know. */
function sayWhatIsLeftOut(a: DiffSide, b: DiffSide): void {
  if ((a.kind === 'policy') === (b.kind === 'policy')) return;
  const policy = a.kind === 'policy' ? a : b;
  process.stderr.write(`${policy.name} is a tailnet policy alone: host rulesets are not compared\n`);
}

/** The ETag that the guard of the Pulumi program accepts after this review. */
function sayReviewed(live: DiffSide): void {
  const { policy } = interpret(live.evidence).tailnet;
  if (!policy.known) return;
  process.stderr.write(
    `The live policy that was compared has ETag ${policy.value.etag}\nto let \`pulumi up\` replace it: pulumi config set cordon:reviewedEtag ${policy.value.etag}\n`,
  );
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
