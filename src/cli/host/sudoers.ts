import type { CommandModule } from 'yargs';
import { sudoersLines } from '../../observe/sudoers.ts';
import { CordonError } from '../../source/error.ts';
import { writeResult } from '../output.ts';

/** `cordon host sudoers USER`: the lines with which a plain user may read a host. */
export const sudoersCommand: CommandModule<object, { user: string }> = {
  command: 'sudoers <user>',
  describe: 'Print the lines of /etc/sudoers.d/cordon with which a plain user can read a host completely',
  builder: (y) => y.positional('user', { type: 'string', demandOption: true, describe: 'Login on the host' }),
  handler({ user }) {
    if (!/^[a-z_][a-z0-9_-]{0,30}$/.test(user)) {
      throw new CordonError('usage', `${JSON.stringify(user)} is no login name`, {
        hint: 'lower-case letters, digits, dashes and underscores',
      });
    }
    writeResult(`${sudoersLines(user).join('\n')}\n`, undefined);
  },
};
