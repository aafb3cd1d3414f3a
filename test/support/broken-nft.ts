import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/**
 * Runs a module's text as a child process in a network and mount namespace of its own, in which `nft` is a shell script
 * that calls the real one as `$NFT`, so that what an unhappy nft does can be shown with `local` access. `broken` is the
 * script's body; `$TARGET` is true in the child's own namespace and false in the empty ones made for normalising.
 * @returns what the module wrote to stdout, as JSON
 */
export async function withBrokenNft(broken: string, moduleText: string): Promise<unknown> {
  const directory = mkdtempSync(join(tmpdir(), 'cordon-nft-'));
  chmodSync(directory, 0o755); // the module may become another user
  try {
    const fake = join(directory, 'nft');
    const real = join(directory, 'real-nft');
    writeFileSync(real, '', { mode: 0o755 });
    writeFileSync(
      fake,
      `#!/bin/sh
NFT=${real}
if [ "$(readlink /proc/self/ns/net)" = "$(cat ${directory}/target)" ]; then TARGET=true; else TARGET=false; fi
${broken}
exec $NFT "$@"
`,
      { mode: 0o755 },
    );
    const script = `
      readlink /proc/self/ns/net > ${directory}/target
      nft=$(command -v nft)
      mount --bind "$nft" ${real} && mount --bind ${fake} "$nft" && exec "$@"`;
    const argv = ['-nm', 'sh', '-c', script, 'sh', process.execPath, '--input-type=module', '-e', moduleText];
    const { stdout } = await promisify(execFile)('unshare', argv);
    return JSON.parse(stdout);
  } finally {
    rmSync(directory, { recursive: true });
  }
}
