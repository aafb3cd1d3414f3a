import { describe, expect, it } from 'vitest';
import { testFolder } from './folder.ts';
import { cordonHere } from './here.ts';
import { cordon } from './program.ts';

const folder = testFolder();
const TAILNET = ['devices', 'dns', 'keys', 'policy', 'services', 'settings', 'users'].map((s) => `tailnet/${s}`);

/** The example with namespaces that no machine has. */
function nowhere(): void {
  folder.write('cordon.yaml', folder.topology.replaceAll('name: cordon-', 'name: cordon-nowhere-'));
}

describe('cordon observe where nothing can be seen', () => {
  it('still writes a snapshot, ends with 3 and says on stderr what did not answer and why', async () => {
    nowhere();
    const { code, stdout, stderr } = await cordon(['observe', '-o', 'seen.json'], { cwd: folder.path });
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
    const snapshot = JSON.parse(folder.read('seen.json'));
    const sources = Object.keys(snapshot.sources);
    expect(sources).toEqual(expect.arrayContaining([...TAILNET, 'host/gw-1/nft.txt', 'host/ollama-1/nft.txt']));
    const said = stderr.trimEnd().split('\n');
    expect(said.map((line) => /^not observed: (\S+): /.exec(line)?.[1]).sort()).toEqual(sources.toSorted());
    expect(stderr).toContain('not observed: tailnet/policy: absent: no credential for the Tailscale API');
    expect(stderr).toMatch(
      /not observed: host\/gw-1\/nft\.txt: failed: there is no network namespace cordon-nowhere-gw-1/,
    );
  });

  it('is told by check too, with one look or from the snapshot', async () => {
    nowhere();
    const look = await cordonHere(['check'], { cwd: folder.path });
    await cordonHere(['observe', '-o', 'seen.json'], { cwd: folder.path });
    const read = await cordonHere(['check', '--snapshot', 'seen.json'], { cwd: folder.path });
    expect(look.code).toBe(3);
    expect(read).toEqual({ ...look, stderr: '' });
  });

  it('is nothing that reconcile would act on', async () => {
    nowhere();
    const { code } = await cordonHere(['reconcile', '--stage', 'enforce'], { cwd: folder.path });
    expect(code).toBe(3);
  });
});
