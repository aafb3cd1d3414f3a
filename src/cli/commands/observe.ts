import type { CommandModule } from 'yargs';
import { printSnapshot } from '../../state/snapshot.ts';
import { EXIT } from '../exit-code.ts';
import { topologyOption } from '../options.ts';
import { writeResult } from '../output.ts';
import { readTopology } from '../topology-file.ts';
import { observe } from '../world.ts';

interface Arguments {
  topology: string;
  output: string | undefined;
}

/** `cordon observe [-o FILE]`: the world as a snapshot. Exits 3 when some source did not answer completely. */
export const observeCommand: CommandModule<object, Arguments> = {
  command: 'observe',
  describe: 'Write what the world holds now to a snapshot file',
  builder: (y) =>
    y.options(topologyOption).option('output', {
      alias: 'o',
      type: 'string',
      describe: 'The snapshot file (default: stdout)',
      requiresArg: true,
    }),
  async handler({ topology, output }) {
    const evidence = await observe(readTopology(topology).topology);
    writeResult(printSnapshot(evidence, new Date().toISOString()), output);
    const whole = Object.values(evidence.sources).every((e) => e.status === 'ok' || e.status === 'absent');
    process.exitCode = whole ? EXIT.clean : EXIT.unknown;
  },
};
