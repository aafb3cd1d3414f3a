import type { CommandModule } from 'yargs';
import { CordonError } from '../../source/error.ts';
import { interpret } from '../../state/interpret.ts';
import { exitCodeOfDiff, type FailOn } from '../exit-code.ts';
import { parseGitName } from '../git-name.ts';
import { readJson } from '../json-file.ts';
import { outputOptions, type ReportArguments, reportOptions, timeoutOption } from '../options.ts';
import { contextOf, writeReport } from '../output.ts';
import { comparePairs } from '../pairs.ts';
import { commonTopology, compareSides, type DiffSide, readSide } from '../side.ts';
import { isTopologyFile, readTopology } from '../topology-file.ts';

interface Arguments extends ReportArguments {
  a: string | undefined;
  b: string | undefined;
  pairs: string | undefined;
  devices: string | undefined;
  topology: string | undefined;
  failOn: FailOn;
  timeout: number | undefined;
}

/** `cordon diff A B`: who gains and loses what. */
export const diffCommand: CommandModule<object, Arguments> = {
  command: 'diff [a] [b]',
  describe:
    'Who gains and loses what between two topologies, policy files, snapshots, git revisions, or the live tailnet',
  builder: (y) =>
    y
      .positional('a', { type: 'string', describe: 'Before: a file, `git:REV[:PATH]`, or `live`' })
      .positional('b', { type: 'string', describe: 'After: a file, `git:REV[:PATH]`, or `live`' })
      .option('pairs', {
        type: 'string',
        describe: 'Compare many pairs of policy files: a file of JSON lines {"id", "a", "b", "devices"?}',
        requiresArg: true,
      })
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
    if (args.pairs !== undefined) return comparePairs(args.pairs, args);
    const names = bothSides(args);
    const devices = args.devices === undefined ? undefined : readJson(args.devices, DEVICES_HINT);
    const named = args.topology ?? [names.b, names.a].find((n) => isTopologyFile(n) && parseGitName(n) === undefined);
    const given = named === undefined ? undefined : readTopology(named).topology;
    const sides = { devices, topology: given, timeout: args.timeout };
    const a = await readSide(names.a, { ...sides, path: pathOf(names.b) });
    const b = await readSide(names.b, { ...sides, path: pathOf(names.a) });
    const topology = commonTopology(a, b, given);
    sayWhatIsLeftOut(a, b);
    const comparison = compareSides(a, b, topology);
    const report = { claims: [], comparison, coverage: { observed: [], unobserved: [] } };
    const context = topology === undefined ? { file: b.name, flows: [] } : contextOf(topology);
    await writeReport(report, outputOptions(args), context);
    for (const side of [a, b]) if (side.kind === 'live') sayReviewed(side);
    process.exitCode = exitCodeOfDiff(comparison, args.failOn);
  },
};

const DEVICES_HINT = 'give the body of GET /devices?fields=all';

/** A revision without a path means the other side's file as it was then. */
function pathOf(other: string): string | undefined {
  return other === 'live' ? undefined : parseGitName(other) === undefined ? other : parseGitName(other)?.path;
}

function bothSides({ a, b }: Arguments): { a: string; b: string } {
  if (a === undefined || b === undefined) {
    throw new CordonError('usage', 'two sides are compared, and fewer are named', {
      hint: '`cordon diff A B`, or `cordon diff --pairs FILE` for many pairs',
    });
  }
  return { a, b };
}

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
