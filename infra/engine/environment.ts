import { mkdir } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { nodeExecutable } from './node-runtime.ts';

/**
 * Environment in which the engine asks nobody but the backend and the API that it is told to talk to: no update check, no
 * acquisition of plugins, no registry, no plugins that happen to be on the PATH. Pulumi takes the boolean ones for true
 * only as `1` or `true` (pulumi sdk/go/common/util/env).
 *
 * Every run starts four processes of Node, so what they compile is kept beside `home` (nodejs.org: module compile cache).
 */
export function closedEnvironment(home: string): Record<string, string> {
  return {
    PULUMI_HOME: home,
    PULUMI_SKIP_UPDATE_CHECK: 'true',
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: 'true',
    PULUMI_IGNORE_AMBIENT_PLUGINS: 'true',
    PULUMI_DISABLE_REGISTRY_RESOLVE: 'true',
    PULUMI_SUPPRESS_NEO_LINK: 'true',
    NO_COLOR: '1',
    NODE_COMPILE_CACHE: join(dirname(home), 'compiled'),
  };
}

/** PATH with our Node and the given folder first: a real language host starts whatever `node` it finds there. */
export function enginePath(environment: NodeJS.ProcessEnv, bin: string): string {
  return [dirname(nodeExecutable()), bin, environment['PATH'] ?? ''].join(delimiter);
}

/**
 * Environment for a backend that is a folder on this machine, which is made if it is not there.
 * @param passphraseFile file with the passphrase that encrypts the stack's secrets; a passphrase is never an argument
 */
export async function fileBackend(folder: string, passphraseFile: string): Promise<Record<string, string>> {
  await mkdir(folder, { recursive: true });
  return { PULUMI_BACKEND_URL: `file://${folder}`, PULUMI_CONFIG_PASSPHRASE_FILE: passphraseFile };
}
