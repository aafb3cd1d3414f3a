import type { CommandModule } from 'yargs';
import { EXIT } from '../exit-code.ts';
import { useColor, writeResult } from '../output.ts';
import { readDeclared, sayWarnings } from '../topology-file.ts';

interface Arguments {
  topology: string;
  keep: boolean;
  flows: boolean | undefined;
  format: 'text' | 'json';
  json: boolean;
  output: string | undefined;
}

/** `cordon lab TOPOLOGY`: the declared hosts on the real kernel, everybody tried against everybody. */
export const labCommand: CommandModule<object, Arguments> = {
  command: 'lab [topology]',
  describe: 'Bring the topology up in network namespaces, try everybody against everybody, compare with the proof',
  builder: (y) =>
    y
      .positional('topology', { type: 'string', default: 'cordon.yaml', describe: 'The topology file' })
      .option('all-pairs', {
        type: 'boolean',
        describe: 'Every ordered pair of hosts, every address, declared and undeclared ports (the default)',
      })
      .option('flows', { type: 'boolean', describe: 'Only the declared flows' })
      .option('keep', { type: 'boolean', default: false, describe: 'Leave it up until Ctrl-C, and say how to get in' })
      .option('format', { choices: ['text', 'json'] as const, default: 'text', describe: 'Output format' })
      .option('json', { type: 'boolean', default: false, describe: 'Short for --format json' })
      .option('output', {
        alias: 'o',
        type: 'string',
        describe: 'Write to a file instead of stdout',
        requiresArg: true,
      })
      .conflicts('flows', 'all-pairs') as never,
  async handler(args) {
    const declared = readDeclared(args.topology);
    sayWarnings(declared);
    const [{ runLab }, { labText }, { labJson }] = await Promise.all([
      import('../lab/run-lab.ts'),
      import('../../report/lab-text.ts'),
      import('../../report/lab-json.ts'),
    ]);
    await runLab(declared, { flowsOnly: args.flows === true, keep: args.keep }, (report) => {
      const isJson = args.json || args.format === 'json';
      const color = args.output === undefined && useColor(process.stdout, process.env);
      writeResult(isJson ? labJson(report) : labText(report, { color }), args.output);
      process.exitCode = { holds: EXIT.clean, violated: EXIT.found, unknown: EXIT.unknown }[report.verdict];
    });
  },
};
