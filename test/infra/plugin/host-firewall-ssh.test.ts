import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestSshd } from '../../access/sshd.ts';
import { canRunSshd, SSH_PORT, startSshd } from '../../access/sshd.ts';
import { requireOrSkip } from '../../support/require.ts';
import type { Driver } from './drive.ts';
import { drive, failureText } from './drive.ts';

const able = canRunSshd();
const needs = 'a real sshd in a network namespace needs root, iproute2, nftables and openssh-server';

/** Lets in ssh and one more port. */
const ruleset = (port: number, ssh = `tcp dport ${SSH_PORT} accept`) => `table inet cordon {
	chain input {
		type filter hook input priority 300; policy drop;
		${ssh}
		tcp dport ${port} accept
		drop
	}
}
`;

let driver: Driver;
let sshd: TestSshd | undefined;
beforeAll(async () => {
  driver = await drive('cordon:index:HostFirewall');
  if (able) sshd = await startSshd('plugin-ssh');
});
afterAll(() => {
  driver.stop();
  sshd?.stop();
});

describe('the life of a firewall on a host that is reached by ssh', () => {
  it('is created, read without drift, updated, imported, and closed on delete; no secret is kept', async () => {
    requireOrSkip(able && sshd !== undefined, needs);
    const { space, target } = sshd;
    const list = () => space.exec(['nft', '-s', 'list', 'ruleset']);
    const declared = async (text: string) =>
      (await driver.check({ host: 'm', access: { kind: 'ssh', target }, ruleset: text, confirmWithin: 20 })).inputs;
    process.env['CORDON_TEST_SECRET'] = 'planted-secret';
    const inputs = await declared(ruleset(1));
    const { id, properties } = await driver.create(inputs);
    expect(id).toBe(`ssh:${target}`);
    expect(properties).toEqual(inputs);
    expect(list()).toContain('tcp dport 1 accept');

    const read = await driver.read(id, properties);
    expect(read.properties).toEqual(properties);
    expect((await driver.diff(read.properties, inputs)).changed).toBe(false);

    const updated = await driver.update(id, properties, await declared(ruleset(2)));
    expect(list()).toContain('tcp dport 2 accept');
    const imported = await driver.read(id);
    expect(imported.properties).toMatchObject({ access: { kind: 'ssh', target }, ruleset: list() });
    delete process.env['CORDON_TEST_SECRET'];
    expect(JSON.stringify([properties, read, updated, imported])).not.toContain('planted-secret');

    await driver.remove(id, updated);
    expect(list()).not.toContain('accept');
    expect(list().match(/policy drop;/g)).toHaveLength(4);
    // From here on the host cannot be reached: that is an error, and never a host without a firewall.
    const [read2, updated2, removed2] = await Promise.all([
      failureText(driver.read(id, updated)),
      failureText(driver.update(id, updated, updated)),
      failureText(driver.remove(id, updated)),
    ]);
    expect(read2).toContain(`ssh ${target}`);
    expect(updated2).toContain('nothing was changed');
    expect(removed2).toContain('pulumi state delete');
  }, 120_000);
});
