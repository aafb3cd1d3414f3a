import { realpathSync } from 'node:fs';
import { startLab } from '../../src/lab/lab.ts';
import { homelab } from './topology.ts';

/**
 * A process that holds a lab, for tests that end it: `node LAB_PROCESS RUN RUNDIR SEARCHPATH`. It prints one line of JSON
 * once the lab is up and a model server answers, and then stays.
 */
export const LAB_PROCESS = import.meta.filename;

async function main(): Promise<void> {
  const [run = '', runDirectory = '', searchPath = ''] = process.argv.slice(2);
  const lab = await startLab(homelab(run), { prefix: run, runDirectory });
  const server = await lab.serveModel('ollama-1', { searchPath });
  process.stdout.write(`${JSON.stringify({ kind: server.kind })}\n`);
  setInterval(() => {}, 60_000);
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === LAB_PROCESS) await main();
