import { runMatrix } from '../../lab/matrix/matrix.ts';
import { Sandbox } from '../../lab/sandbox.ts';
import type { LabReport } from '../../report/lab-report.ts';
import { CordonError } from '../../source/error.ts';
import type { Declared } from '../topology-file.ts';

interface LabRun {
  readonly flowsOnly: boolean;
  /** Stay until a signal comes. */
  readonly keep: boolean;
}

/** Cgroup that rendered rulesets name: nft refuses the whole file where it does not exist. */
const SLICE = 'cordon.slice';

/**
 * Runs the lab on a compiled topology. That it cannot run here is a report too: everything is unknown then.
 * @param show gets the report, before a kept lab is waited for
 * @throws InputError for a topology that cannot be laid out
 */
export async function runLab(declared: Declared, run: LabRun, show: (report: LabReport) => void): Promise<void> {
  const opened = await Sandbox.open([SLICE]);
  if (!opened.ok) {
    const missing = opened.missing.map((m) => `the lab cannot run here: ${m}`);
    show(nothing(declared, missing));
    return;
  }
  await using sandbox = opened.sandbox;
  say(sandbox.isPrivileged ? 'namespaces as root' : 'namespaces in a user namespace of their own, without root');
  const startedAt = performance.now();
  show(await reportOf(sandbox, declared, run));
  say(`done in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
  if (run.keep) await untilSignal(sandbox);
}

async function reportOf(sandbox: Sandbox, { topology, evidence }: Declared, run: LabRun): Promise<LabReport> {
  try {
    return await runMatrix(sandbox, topology, evidence, { flowsOnly: run.flowsOnly });
  } catch (error) {
    if (!(error instanceof CordonError) || !UNABLE.has(error.code)) throw error;
    return nothing({ topology }, [`the lab could not go on: ${error.message}`]);
  }
}

function nothing({ topology }: Pick<Declared, 'topology'>, missing: readonly string[]): LabReport {
  const hosts = [...topology.hosts.keys()];
  return { verdict: 'unknown', hosts, strangers: [], cells: [], findings: [], missing };
}

/** What a kernel without the pieces says, and what a ruleset that it refuses does. */
const UNABLE = new Set(['lab-program', 'lab-sandbox']);

async function untilSignal(sandbox: Sandbox): Promise<void> {
  const enter = sandbox.isPrivileged ? '--mount' : '--user --preserve-credentials --mount';
  say(`kept: nsenter --target ${sandbox.pid} ${enter} ip netns exec HOST sh`);
  say('Ctrl-C takes it down');
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve());
  });
}

function say(text: string): void {
  process.stderr.write(`lab: ${text}\n`);
}
