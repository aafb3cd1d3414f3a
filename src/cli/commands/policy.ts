import type { CommandModule } from 'yargs';
import { policyCheckCommand } from '../policy/check.ts';
import { policyCompileCommand } from '../policy/compile.ts';
import { policyFmtCommand } from '../policy/fmt.ts';
import { policyLintCommand } from '../policy/lint.ts';
import { policyPacketCommand } from '../policy/packet.ts';

/** What `cordon policy` can do, one module each. */
const SUBCOMMANDS: readonly CommandModule<object, never>[] = [
  policyCheckCommand as never,
  policyFmtCommand as never,
  policyLintCommand as never,
  policyCompileCommand as never,
  policyPacketCommand as never,
];

/** `cordon policy …`: a tailnet policy by itself, without a topology and without the network. */
export const policyCommand: CommandModule<object, object> = {
  command: 'policy',
  describe: 'A tailnet policy by itself: check, fmt, lint, compile, packet',
  builder: (y) => SUBCOMMANDS.reduce((sub, module) => sub.command(module), y).demandCommand(1, 'Name what to do.'),
  // Never reached: the parser demands one of the commands above.
  handler: () => undefined,
};
