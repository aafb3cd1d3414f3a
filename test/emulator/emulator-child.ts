import { text } from 'node:stream/consumers';
import { startEmulator } from '../../src/emulator/emulator.ts';

/*
 * Runs an emulator in a process of its own, to be killed. Options come as JSON on standard input, because arguments are
 * visible to everybody; the address goes to standard output, one line for each answered request to standard error.
 */
const options = JSON.parse(await text(process.stdin)) as Parameters<typeof startEmulator>[0];
const emulator = await startEmulator({
  ...options,
  onAnswer: (request) => process.stderr.write(`${JSON.stringify(request)}\n`),
});
process.stdout.write(`${emulator.url}\n`);
