import { startLanguageHost } from './language-host.ts';

/**
 * `pulumi-language-nodejs ENGINE_ADDRESS`: started by the engine, which reads the port from the first line of stdout. The
 * engine ends it with SIGINT to its process group, so that programs and policy packs it started get it too.
 */
async function main(): Promise<void> {
  const address = process.argv.at(-1);
  if (process.argv.length < 3 || address === undefined || address.startsWith('-')) {
    throw new Error('usage: pulumi-language-nodejs ENGINE_ADDRESS (started by pulumi, not by hand)');
  }
  const host = await startLanguageHost(address);
  process.stdout.write(`${host.port}\n`);
  const stop = () => {
    host.stop();
    process.exit(0);
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) stop();
  }, 1_000).unref();
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
