import type { CommandModule } from 'yargs';
import { statusWords } from '../../state/interpret.ts';
import { printSnapshot } from '../../state/snapshot.ts';
import { EXIT } from '../exit-code.ts';
import { timeoutOption, topologyOption } from '../options.ts';
import { writeResult } from '../output.ts';
import { readTopology } from '../topology-file.ts';
import { observe } from '../world.ts';

interface Arguments {
  topology: string;
  output: string | undefined;
  timeout: number | undefined;
}

/** `cordon observe [-o FILE]`: the world as a snapshot. Exits 3 when some source did not answer completely. */
export const observeCommand: CommandModule<object, Arguments> = {
  command: 'observe',
  describe: 'Write what the world holds now to a snapshot file',
  builder: (y) =>
    y.options(topologyOption).options(timeoutOption).option('output', {
      alias: 'o',
      type: 'string',
      describe: 'The snapshot file (default: stdout)',
      requiresArg: true,
    }) as never,
  async handler({ topology, output, timeout }) {
    const evidence = await observe(readTopology(topology).topology, { timeout });
    writeResult(printSnapshot(evidence, new Date().toISOString()), output);
    const missing = Object.entries(evidence.sources).filter(([, e]) => e.status !== 'ok');
    for (const [source, entry] of missing) process.stderr.write(`not observed: ${source}: ${statusWords(entry)}\n`);
    process.exitCode = missing.length === 0 ? EXIT.clean : EXIT.unknown;
  },
};
