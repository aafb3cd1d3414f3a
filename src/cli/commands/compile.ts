import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { CommandModule } from 'yargs';
import { formatDiagnostic } from '../../source/diagnostic.ts';
import type { Evidence } from '../../state/evidence.ts';
import { writeResult } from '../output.ts';
import { readDeclared } from '../topology-file.ts';

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
    const { evidence, warnings } = readDeclared(file);
    for (const w of warnings) process.stderr.write(`${formatDiagnostic(w)}\n`);
    if (out === undefined) {
      writeResult(`${JSON.stringify({ schemaVersion: 1, sources: evidence.sources }, null, 2)}\n`, undefined);
      return;
    }
    for (const [path, text] of files(evidence)) {
      const target = join(out, path);
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, text);
      process.stdout.write(`${target}\n`);
    }
  },
};

/** The files that people and other tools read: policy text and rulesets as they are, the rest as JSON. */
function files(evidence: Evidence): [string, string][] {
  return Object.entries(evidence.sources).map(([source, entry]) => {
    if (source === 'tailnet/policy') return ['tailnet/policy.hujson', (entry.body as { text: string }).text];
    if (typeof entry.body === 'string') return [source.replace(/nft\.txt$/, 'cordon.nft'), entry.body];
    return [`${source}.json`, `${JSON.stringify(entry.body, null, 2)}\n`];
  });
}
