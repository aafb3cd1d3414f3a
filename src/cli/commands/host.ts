import type { CommandModule } from 'yargs';
import { evalCommand } from '../host/eval.ts';

/** What `cordon host` can do, one module each. */
const SUBCOMMANDS: readonly CommandModule<object, never>[] = [evalCommand as never];

/** `cordon host …`: one host's firewall. */
export const hostCommand: CommandModule<object, object> = {
  command: 'host',
  describe: "One host's firewall: ask a ruleset what it does with packets",
  builder: (y) => SUBCOMMANDS.reduce((sub, module) => sub.command(module), y).demandCommand(1, 'Name what to do.'),
  // Never reached: the parser demands one of the commands above.
  handler: () => undefined,
};
