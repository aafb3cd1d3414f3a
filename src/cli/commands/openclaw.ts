import type { CommandModule } from 'yargs';
import { openclawCheckCommand } from '../openclaw/check.ts';

/** What `cordon openclaw` can do, one module each. */
const SUBCOMMANDS: readonly CommandModule<object, never>[] = [openclawCheckCommand as never];

/** `cordon openclaw …`: the agents' gateway. */
export const openclawCommand: CommandModule<object, object> = {
  command: 'openclaw',
  describe: "The agents' gateway: hold its configuration against the declared baseline",
  builder: (y) => SUBCOMMANDS.reduce((sub, module) => sub.command(module), y).demandCommand(1, 'Name what to do.'),
  // Never reached: the parser demands one of the commands above.
  handler: () => undefined,
};
