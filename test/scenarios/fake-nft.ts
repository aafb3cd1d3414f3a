import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * What goes before a program's command line so that it, and all it starts, meets another `nft` than the machine's: a mount
 * namespace of its own in which a shell script lies over the real one.
 * @param body the script; `$NFT` is the real program, `$HERE` true in the network namespace `namespace`; what it does not
 * end is handed on
 */
export function withFakeNft(directory: string, namespace: string, body: string): readonly string[] {
  const fake = join(directory, 'fake-nft');
  const real = join(directory, 'real-nft');
  writeFileSync(real, '', { mode: 0o755 });
  const script = `#!/bin/sh
NFT=${real}
if [ "$(stat -Lc %i /proc/self/ns/net)" = "$(stat -Lc %i /run/netns/${namespace})" ]; then HERE=true; else HERE=false; fi
${body}
exec $NFT "$@"
`;
  writeFileSync(fake, script, { mode: 0o755 });
  const mount = `nft=$(command -v nft) && mount --bind "$nft" ${real} && mount --bind ${fake} "$nft" && exec "$@"`;
  return ['unshare', '-m', 'sh', '-c', mount, 'sh'];
}
