import { realpathSync } from 'node:fs';
import { answerListen } from './agent-listen.ts';
import { answerProbe, release } from './agent-probe.ts';
import { answerSpawn, endSpawned } from './agent-spawn.ts';
import type { Command } from './command.ts';
import type { Reply } from './reply.ts';

/**
 * The lab's process inside one namespace: `ip netns exec NAME node AGENT_FILE`, steered over the IPC channel. Node cannot
 * change its namespace, so there is one for each. It ends with the channel, however the lab's own process ended.
 */
export const AGENT_FILE = import.meta.filename;

function main(): void {
  const send = (reply: Reply) => {
    if (process.connected) process.send?.(reply);
  };
  process.on('message', (command: Command) => {
    switch (command.kind) {
      case 'listen':
        answerListen(command, send);
        break;
      case 'probe':
        answerProbe(command, send);
        break;
      case 'release':
        release(command.seq);
        break;
      case 'spawn':
        answerSpawn(command, send);
        break;
    }
  });
  process.on('disconnect', () => endSpawned().finally(() => process.exit(0)));
  send({ kind: 'ready' });
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === AGENT_FILE) main();
