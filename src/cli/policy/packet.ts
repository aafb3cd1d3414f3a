import { closeSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { CommandModule } from 'yargs';
import { CordonError } from '../../source/error.ts';
import { fileProblem } from '../topology-file.ts';
import { decideCase, type PacketCase, parsePacketCase } from './packet-case.ts';

interface Arguments {
  cases: string;
  out: string;
}

/**
 * `cordon policy packet --cases DIR --out FILE`: what a node does with packets, given by their bytes. Each `*.json` of
 * the folder is one node with its rules, as the control plane sends them, and packets in order; the answer is a line
 * `{"case", "index", "verdict", "reason"}` for each packet.
 */
export const policyPacketCommand: CommandModule<object, Arguments> = {
  command: 'packet',
  describe: "Decide what a node's packet filter does with packets of case files",
  builder: (y) =>
    y
      .option('cases', { type: 'string', demandOption: true, requiresArg: true, describe: 'Folder of case files' })
      .option('out', { type: 'string', demandOption: true, requiresArg: true, describe: 'File for the answers' }),
  handler({ cases, out }) {
    const files = caseFiles(cases);
    const counts = { accept: 0, drop: 0, unknown: 0 };
    writing(out, (write) => {
      for (const file of files) {
        const verdicts = decideCase(readCase(join(cases, file)));
        for (const { verdict } of verdicts) counts[verdict]++;
        write(verdicts.map((v) => `${JSON.stringify(v)}\n`).join(''));
      }
    });
    const { accept, drop, unknown } = counts;
    process.stdout.write(`${files.length} cases: ${accept} accept, ${drop} drop, ${unknown} unknown\n`);
  },
};

/** @throws CordonError `no-cases` where there is nothing to decide on: that must not look like a pass */
function caseFiles(folder: string): string[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such folder' : fileProblem(cause);
    throw new CordonError('no-cases', `${folder} cannot be read: ${why}`, { cause });
  }
  const files = names.filter((name) => name.endsWith('.json')).sort();
  if (files.length === 0) throw new CordonError('no-cases', `${folder} holds no case files (*.json)`);
  return files;
}

/** @throws CordonError `invalid-case`, with everything that is wrong with the file */
function readCase(file: string): PacketCase {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    const why = cause instanceof SyntaxError ? cause.message : fileProblem(cause);
    throw new CordonError('invalid-case', `${file}: ${why}`, { cause });
  }
  const parsed = parsePacketCase(value);
  if ('id' in parsed) return parsed;
  throw new CordonError('invalid-case', parsed.map((problem) => `${file}: ${problem}`).join('\n'));
}

/** Writes piece by piece: the answers of many cases do not fit in memory. @throws CordonError `output-unwritable` */
function writing(file: string, produce: (write: (text: string) => void) => void): void {
  const guarded = <T>(action: () => T): T => {
    try {
      return action();
    } catch (cause) {
      const problem = `${file} cannot be written: ${fileProblem(cause)}`;
      throw new CordonError('output-unwritable', problem, { cause, hint: 'give another file to --out' });
    }
  };
  const handle = guarded(() => openSync(file, 'w'));
  try {
    produce((text) => guarded(() => writeSync(handle, text)));
  } finally {
    closeSync(handle);
  }
}
