import type { CommandModule } from 'yargs';
import { describeAccess } from '../../access/run.ts';
import { applyRuleset, DEFAULT_CONFIRM_WITHIN_S, textDifference } from '../../apply/host-firewall.ts';
import { normalForm } from '../../apply/host-firewall-normal.ts';
import { describeApply, type InPlace, inPlaceAfter } from '../../apply/host-firewall-outcome.ts';
import { readRuleset } from '../../apply/host-firewall-read.ts';
import { CordonError } from '../../source/error.ts';
import type { Access } from '../../topology/model.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { writeResult } from '../output.ts';
import { type Declared, readDeclared, sayWarnings } from '../topology-file.ts';

interface Arguments {
  topology: string;
  host: string;
  'confirm-within': number;
  'dry-run': boolean;
}

/** Shortest and longest wait for a confirmation, in seconds: a new connection needs some, a person waits for the rest. */
const CONFIRM_S = { least: 5, most: 3600 } as const;

/** `cordon host apply TOPOLOGY HOST`: puts the declared ruleset in place on one host, and says which one is. */
export const applyCommand: CommandModule<object, Arguments> = {
  command: 'apply <topology> <host>',
  describe: 'Put the declared ruleset in place on a host; it is taken back unless a new connection confirms it',
  builder: (y) =>
    y
      .positional('topology', { type: 'string', demandOption: true, describe: 'The topology file' })
      .positional('host', { type: 'string', demandOption: true, describe: 'Name of the host in it' })
      .option('confirm-within', {
        type: 'number',
        default: DEFAULT_CONFIRM_WITHIN_S,
        describe: 'Seconds after which the host takes back what was not confirmed',
        requiresArg: true,
      })
      .option('dry-run', {
        type: 'boolean',
        default: false,
        describe: 'Check and compare on the host, change nothing',
      }),
  async handler({ topology, host, 'confirm-within': confirmWithin, 'dry-run': dryRun }) {
    if (!Number.isInteger(confirmWithin) || confirmWithin < CONFIRM_S.least || confirmWithin > CONFIRM_S.most) {
      throw new CordonError('usage', `--confirm-within ${confirmWithin} is no usable number of seconds`, {
        hint: `give a whole number from ${CONFIRM_S.least} to ${CONFIRM_S.most}`,
      });
    }
    const declared = readDeclared(topology);
    const { access, ruleset } = hostOf(declared, host);
    sayWarnings(declared);
    const result = dryRun ? await compare(host, access, ruleset) : await apply(host, access, ruleset, confirmWithin);
    writeResult(`${result.text}\n`, undefined);
    process.exitCode = result.code;
  },
};

interface Result {
  readonly text: string;
  readonly code: ExitCode;
}

async function apply(host: string, access: Access, ruleset: string, confirmWithinS: number): Promise<Result> {
  process.stderr.write(`${host}: applying through ${describeAccess(access)}\n`);
  const outcome = await applyRuleset(access, ruleset, { confirmWithinS });
  const now = inPlaceAfter(outcome);
  const text = `${describeApply(host, outcome)}\nin place: ${IN_PLACE[now]}`;
  return { text, code: now === 'new' ? EXIT.clean : now === 'unknown' ? EXIT.unknown : EXIT.found };
}

const IN_PLACE: Readonly<Record<InPlace, string>> = {
  new: 'the declared ruleset',
  previous: 'what was in place before',
  other: 'something else; `cordon check` shows what it lets through',
  unknown: 'not known; look again with --dry-run',
};

async function compare(host: string, access: Access, ruleset: string): Promise<Result> {
  const normal = await normalForm(access, ruleset);
  if (normal.kind === 'rejected') {
    return { text: `${host}: the host does not accept the ruleset: ${normal.stderr.trim()}`, code: EXIT.found };
  }
  if (normal.kind !== 'normal') return { text: `${host}: ${normal.why}`, code: EXIT.unknown };
  const live = await readRuleset(access);
  if (live.kind !== 'read') return { text: `${host}: ${live.why}`, code: EXIT.unknown };
  if (live.own === normal.own) return { text: `${host}: ruleset already in place`, code: EXIT.clean };
  const difference = textDifference(live.own, normal.own, 'in place', 'declared');
  return { text: `${host}: the host accepts the ruleset; it would change\n${difference.trimEnd()}`, code: EXIT.found };
}

/** @throws CordonError for a host that is not declared, or that cordon never touches */
function hostOf({ topology, evidence }: Declared, name: string): { access: Access; ruleset: string } {
  const host = topology.hosts.get(name);
  if (host === undefined) {
    throw new CordonError('usage', `${topology.file} declares no host ${name}`, {
      hint: `it declares ${[...topology.hosts.keys()].join(', ')}`,
    });
  }
  if (host.access.kind === 'render-only') {
    throw new CordonError('usage', `${name} is declared render-only: cordon never touches it`, {
      hint: '`cordon compile --out DIR` writes its ruleset; load it there with nft -f',
    });
  }
  const entry = evidence.sources[`host/${name}/nft.txt`];
  if (entry?.status !== 'ok' || typeof entry.body !== 'string') {
    throw new CordonError('usage', `${topology.file} compiles to no ruleset for ${name}`);
  }
  return { access: host.access, ruleset: entry.body };
}
