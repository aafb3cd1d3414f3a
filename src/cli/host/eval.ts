import type { CommandModule } from 'yargs';
import { CordonError } from '../../source/error.ts';
import { readText } from '../topology-file.ts';

interface Arguments {
  ruleset: string;
  packets: string;
}

/** `cordon host eval`: what a listed ruleset does with packets, one line of JSON for each. */
export const evalCommand: CommandModule<object, Arguments> = {
  command: 'eval',
  describe: 'Ask a listed ruleset what it does with each packet of a file',
  builder: (y) =>
    y
      .option('ruleset', { type: 'string', demandOption: true, describe: '`nft -j list ruleset`', requiresArg: true })
      .option('packets', {
        type: 'string',
        demandOption: true,
        describe: 'One packet a line, JSON',
        requiresArg: true,
      }),
  handler({ ruleset, packets }) {
    readText(ruleset);
    readText(packets);
    throw new CordonError('ruleset-unreadable', `${ruleset}: no ruleset in this format can be read`);
  },
};
