import type { ProviderDefinition } from './provider.ts';
import { startProvider } from './serve.ts';

/** Time that running calls get to finish or undo their work once the process is told to end. */
const GRACE_MS = 4_000;

/** How often a plugin looks whether its engine still lives. */
const PARENT_CHECK_MS = 1_000;

/**
 * Main of a plugin executable. The engine starts `pulumi-resource-NAME [flags] ENGINE_ADDRESS`, reads the port from the
 * first line of stdout, and hides everything printed later (pulumi sdk/go/common/resource/plugin/plugin.go: newPlugin).
 * With `-version` it prints the version and ends.
 * @param argv arguments after the script
 */
export async function runPluginProcess(definition: ProviderDefinition, argv: readonly string[]): Promise<void> {
  if (argv.includes('-version') || argv.includes('--version')) {
    process.stdout.write(`${definition.version}\n`);
    return;
  }
  const parent = process.ppid;
  const address = argv.at(-1);
  const provider = await startProvider(definition, address?.startsWith('-') ? undefined : address);
  process.stdout.write(`${provider.port}\n`);
  const stop = () => {
    void provider.finish(GRACE_MS).then(() => process.exit(0));
  };
  // The engine ends plugins with SIGINT to their process group, when it needs nothing of them any more or after a
  // second Ctrl-C, and kills them five seconds later (sdk/go/common/resource/plugin/plugin.go: ExecPlugin).
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  stopWithout(parent, stop);
}

/** A plugin whose engine was killed is handed to another parent; without this it would stay for ever. */
function stopWithout(parent: number, stop: () => void): void {
  const timer = setInterval(() => {
    if (process.ppid !== parent) stop();
  }, PARENT_CHECK_MS);
  timer.unref();
}
