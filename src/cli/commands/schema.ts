import type { CommandModule } from 'yargs';
import { snapshotJsonSchema } from '../../state/snapshot.ts';
import { topologyJsonSchema } from '../../topology/schema.ts';
import { writeResult } from '../output.ts';

interface Arguments {
  name: 'topology' | 'snapshot';
}

/** `cordon schema NAME`: the JSON Schema of one of our files. */
export const schemaCommand: CommandModule<object, Arguments> = {
  command: 'schema <name>',
  describe: 'Print the JSON Schema of a file that cordon reads',
  builder: (y) =>
    y.positional('name', { choices: ['topology', 'snapshot'] as const, demandOption: true, describe: 'Which file' }),
  handler({ name }) {
    const schema = name === 'topology' ? topologyJsonSchema() : snapshotJsonSchema();
    writeResult(`${JSON.stringify(schema, null, 2)}\n`, undefined);
  },
};
