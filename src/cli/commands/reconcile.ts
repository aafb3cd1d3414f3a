import { readFileSync } from 'node:fs';
import type { CommandModule } from 'yargs';
import { tailnetAccess } from '../../observe/tailnet-access.ts';
import { type TailnetClient, tailnetClient } from '../../observe/tailnet-client.ts';
import { describeAction } from '../../reconcile/act.ts';
import { describeHeld } from '../../reconcile/decide.ts';
import { runPass, type Stage } from '../../reconcile/pass.ts';
import { CordonError } from '../../source/error.ts';
import { exitCodeOf } from '../exit-code.ts';
import { driftReport } from '../findings.ts';
import { makeLogger } from '../log.ts';
import {
  outputOptions,
  type ReportArguments,
  reportOptions,
  timeoutOption,
  today,
  topologyOption,
} from '../options.ts';
import { contextOf, writeReport } from '../output.ts';
import { readDeclared, sayWarnings } from '../topology-file.ts';
import { observe } from '../world.ts';

interface Arguments extends ReportArguments {
  topology: string;
  stage: Stage;
  timeout: number | undefined;
}

/** `cordon reconcile`: one pass; heals only with `--stage enforce`. */
export const reconcileCommand: CommandModule<object, Arguments> = {
  command: 'reconcile',
  describe: 'Check, then restore declared bytes where that gives nobody new access (--stage enforce)',
  builder: (y) =>
    y
      .options(topologyOption)
      .option('stage', {
        choices: ['observe', 'plan', 'enforce'] as const,
        default: 'observe',
        describe: 'Look only, say what would be done, or do it',
      })
      .options(timeoutOption)
      .options(reportOptions) as never,
  async handler(args) {
    const declared = readDeclared(args.topology);
    sayWarnings(declared);
    const { topology, evidence } = declared;
    const log = await makeLogger('reconcile');
    let again = false;
    const look = () => {
      const evidence = observe(topology, { timeout: args.timeout, again });
      again = true;
      return evidence;
    };
    const result = await runPass({
      topology,
      declared: evidence,
      stage: args.stage,
      observe: look,
      client: writingClient(topology.tailnet.id),
      onStep: (e) => (e.kind === 'acting' ? log.info(e.text) : e.done ? log.info(e.text) : log.error(e.text)),
    });
    for (const action of result.planned) log.info(`would ${describeAction(action)}`);
    for (const held of result.held) log.warn(describeHeld(held));
    const report = driftReport(declared, result.after, today());
    await writeReport(report, outputOptions(args), contextOf(topology));
    process.exitCode = exitCodeOf(report);
  },
};

function writingClient(tailnetId: string): TailnetClient | undefined {
  try {
    return tailnetClient(tailnetAccess(process.env, (path) => readFileSync(path, 'utf8'), tailnetId));
  } catch (error) {
    // Without a credential the tailnet is unknown in the evidence, and nothing about it will be acted on.
    if (error instanceof CordonError) return undefined;
    throw error;
  }
}
