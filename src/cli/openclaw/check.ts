import type { CommandModule } from 'yargs';
import type { Declaration } from '../../openclaw/assess.ts';
import { assess } from '../../openclaw/assess.ts';
import { REFERENCE_DEPLOYMENT } from '../../openclaw/deployment.ts';
import type { Finding } from '../../openclaw/line.ts';
import { observationOfEvidence } from '../../openclaw/observation.ts';
import { CordonError } from '../../source/error.ts';
import type { OpenClawDeclaration, Topology } from '../../topology/model.ts';
import { openclawDeclaration } from '../../topology/openclaw-declaration.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { useColor, writeResult } from '../output.ts';
import { readSnapshot } from '../snapshot-file.ts';
import { readTopology, sayWarnings } from '../topology-file.ts';
import { findingJson, safeJson } from './findings-json.ts';
import { assessSamples } from './samples.ts';
import { secretFindings } from './secret-scan.ts';
import { findingsText } from './text.ts';

interface Arguments {
  topology: string | undefined;
  snapshot: string | undefined;
  samples: string | undefined;
  format: 'text' | 'json';
  json: boolean;
  output: string | undefined;
  verbose: boolean;
}

/** `cordon openclaw check [TOPOLOGY]`: the declared baseline against what a gateway has in effect. */
export const openclawCheckCommand: CommandModule<object, Arguments> = {
  command: 'check [topology]',
  describe: 'Hold the configuration of the gateway against the declared baseline, key by key and agent by agent',
  builder: (y) =>
    y
      .positional('topology', { type: 'string', describe: 'The topology file (default: cordon.yaml)' })
      .option('snapshot', { type: 'string', describe: 'Read evidence from a snapshot file', requiresArg: true })
      .option('samples', {
        type: 'string',
        describe:
          'Read recorded audits below a folder (VERSION/drift/NAME.json) instead; without a topology, against the preset',
        requiresArg: true,
      })
      .option('format', { choices: ['text', 'json'], default: 'text', describe: 'Output format' })
      .option('json', { type: 'boolean', default: false, describe: 'Short for --format json' })
      .option('output', {
        alias: 'o',
        type: 'string',
        describe: 'Write to a file instead of stdout',
        requiresArg: true,
      })
      .option('verbose', { type: 'boolean', default: false, describe: 'Also list the lines that hold' })
      .conflicts('snapshot', 'samples') as never,
  async handler(args) {
    const { samples } = args;
    if (samples !== undefined) checkSamples(samples, args);
    else await checkGateway(args);
  },
};

function checkSamples(folder: string, args: Arguments): void {
  const found = assessSamples(folder, args.topology === undefined ? REFERENCE : declared(args.topology).declaration);
  const isJson = args.json || args.format === 'json';
  const text = isJson
    ? safeJson({
        samples: Object.fromEntries([...found].map(([name, list]) => [name, { findings: list.map(findingJson) }])),
      })
    : [...found].map(([name, list]) => findingsText(name, list, textOptions(args))).join('\n');
  writeResult(text, args.output);
  process.exitCode = exitCodeOf([...found.values()].flat());
}

/** What samples are held against when nobody says otherwise. */
const REFERENCE: Declaration = { preset: 'hardened-2026-02', deployment: REFERENCE_DEPLOYMENT, overrides: [] };

async function checkGateway(args: Arguments): Promise<void> {
  if (args.snapshot === undefined) {
    throw new CordonError('usage', 'name what to look at', {
      hint: 'give --snapshot FILE with openclaw/HOST/config and openclaw/HOST/audit, or --samples DIR',
    });
  }
  const { declaration, gateway, topology } = declared(args.topology ?? 'cordon.yaml');
  const observation = observationOfEvidence(readSnapshot(args.snapshot), gateway);
  const findings = [...assess(declaration, observation), ...(await secretFindings(observation))];
  const notChecked = notCheckable(topology);
  const text =
    args.json || args.format === 'json'
      ? safeJson({
          schemaVersion: 1,
          gateway,
          verdict: verdictOf(findings),
          findings: findings.map(fullJson),
          notChecked,
        })
      : `${findingsText(gateway, findings, textOptions(args))}${args.verbose ? notChecked.map((line) => `  not checked: ${line}\n`).join('') : ''}`;
  writeResult(text, args.output);
  process.exitCode = exitCodeOf(findings);
}

function fullJson(finding: Finding): Record<string, unknown> {
  const { severity, section, fix } = finding;
  return { ...findingJson(finding), severity, section, fix };
}

/** What the baseline asks for and no key shows. */
function notCheckable(topology: Topology): string[] {
  const bare = [...topology.agents.values()].flatMap((agent) =>
    agent.resources
      .filter((tag) => ![...topology.roles.values()].some((role) => role.tag === tag))
      .map((tag) => `${agent.name}: ${tag} is the tag of no role, so nothing is opened for it`),
  );
  return ['section 4B: whether lanes work script-first is nothing that a configuration shows', ...bare];
}

function declared(file: string): { declaration: Declaration; gateway: string; topology: Topology } {
  const read = readTopology(file);
  sayWarnings(read);
  const { topology } = read;
  const openclaw: OpenClawDeclaration | undefined = topology.openclaw;
  if (openclaw?.gateway === undefined) {
    throw new CordonError('no-gateway', `${file} declares no gateway of OpenClaw`, {
      hint: 'add openclaw: {preset: hardened-2026-02, gateway: HOST}',
    });
  }
  return { declaration: openclawDeclaration(topology, openclaw), gateway: openclaw.gateway, topology };
}

function verdictOf(findings: readonly Finding[]): 'holds' | 'violated' | 'unknown' {
  if (findings.some((f) => f.state === 'violated' || f.state === 'invalid')) return 'violated';
  return findings.some((f) => f.state === 'unknown') ? 'unknown' : 'holds';
}

function exitCodeOf(findings: readonly Finding[]): ExitCode {
  return { holds: EXIT.clean, violated: EXIT.found, unknown: EXIT.unknown }[verdictOf(findings)];
}

function textOptions(args: Arguments): { color: boolean; verbose: boolean } {
  return { color: args.output === undefined && useColor(process.stdout, process.env), verbose: args.verbose };
}
