import type { CommandModule } from 'yargs';
import { applyCommand } from '../host/apply.ts';
import { evalCommand } from '../host/eval.ts';
import { renderCommand } from '../host/render.ts';
import { sudoersCommand } from '../host/sudoers.ts';

/** What `cordon host` can do, one module each. */
const SUBCOMMANDS: readonly CommandModule<object, never>[] = [
  renderCommand as never,
  applyCommand as never,
  evalCommand as never,
  sudoersCommand as never,
];

/** `cordon host …`: one host's firewall. */
export const hostCommand: CommandModule<object, object> = {
  command: 'host',
  describe: "One host's firewall: render it, put it in place, ask a ruleset what it does with packets",
  builder: (y) => SUBCOMMANDS.reduce((sub, module) => sub.command(module), y).demandCommand(1, 'Name what to do.'),
  // Never reached: the parser demands one of the commands above.
  handler: () => undefined,
};
