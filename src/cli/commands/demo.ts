import type { CommandModule } from 'yargs';
import { useColor } from '../output.ts';

/** `cordon demo`: the main job from start to end on this machine. */
export const demoCommand: CommandModule = {
  command: 'demo',
  describe: 'Provision examples/homelab on this machine, break it twice, see both found and healed',
  async handler() {
    const [{ runDemo }, { narrator }] = await Promise.all([import('../demo/demo.ts'), import('../demo/narrator.ts')]);
    const terminal = process.stdout.isTTY === true && (process.env['CI'] ?? '') === '';
    process.exitCode = await runDemo(narrator(terminal, useColor(process.stdout, process.env)));
  },
};
