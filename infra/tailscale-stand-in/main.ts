import { tailscalePluginVersion } from '../engine/versions.ts';
import { runPluginProcess } from '../grpc/plugin-process.ts';
import { tailscaleStandIn } from './stand-in.ts';

/** Executable of the stand-in: the engine starts it as `pulumi-resource-tailscale ENGINE_ADDRESS`. */
runPluginProcess(
  tailscaleStandIn({
    version: tailscalePluginVersion(),
    environment: process.env,
    exit: (code) => process.exit(code),
  }),
  process.argv.slice(2),
).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
