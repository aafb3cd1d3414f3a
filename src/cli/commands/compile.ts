import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { CommandModule } from 'yargs';
import { CordonError } from '../../source/error.ts';
import type { Evidence } from '../../state/evidence.ts';
import { writeResult } from '../output.ts';
import { fileProblem, readDeclared, sayWarnings } from '../topology-file.ts';

interface Arguments {
  file: string;
  out: string | undefined;
}

/** `cordon compile [FILE] [--out DIR]`: declared evidence, as files or on stdout. */
export const compileCommand: CommandModule<object, Arguments> = {
  command: 'compile [file]',
  describe: 'Write what the topology compiles to: tailnet policy, settings, devices, host rulesets',
  builder: (y) =>
    y.positional('file', { type: 'string', default: 'cordon.yaml', describe: 'The topology file' }).option('out', {
      type: 'string',
      describe: 'Folder to write into; without it, JSON on stdout',
      requiresArg: true,
    }),
  handler({ file, out }) {
    const declared = readDeclared(file);
    const { evidence } = declared;
    sayWarnings(declared);
    if (out === undefined) {
      writeResult(`${JSON.stringify({ schemaVersion: 1, sources: evidence.sources }, null, 2)}\n`, undefined);
      return;
    }
    for (const [path, text] of files(evidence)) {
      const target = join(out, path);
      writeBelow(target, text);
      process.stdout.write(`${target}\n`);
    }
  },
};

/** @throws CordonError `output-unwritable` */
function writeBelow(target: string, text: string): void {
  try {
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
  } catch (cause) {
    throw new CordonError('output-unwritable', `${target} cannot be written: ${fileProblem(cause)}`, {
      cause,
      hint: 'give another folder to --out',
    });
  }
}

/** The files that people and other tools read: policy text and rulesets as they are, the rest as JSON. */
function files(evidence: Evidence): [string, string][] {
  return Object.entries(evidence.sources).map(([source, entry]) => {
    if (source === 'tailnet/policy') return ['tailnet/policy.hujson', (entry.body as { text: string }).text];
    if (typeof entry.body === 'string') return [source.replace(/nft\.txt$/, 'cordon.nft'), entry.body];
    return [`${source}.json`, `${JSON.stringify(entry.body, null, 2)}\n`];
  });
}
