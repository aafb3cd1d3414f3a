import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareListings } from '../../src/nftables/equal.ts';
import { evaluateHook } from '../../src/nftables/evaluate.ts';
import { ownTables } from '../../src/nftables/own-tables.ts';
import { printLoadable, printRuleset } from '../../src/nftables/print.ts';
import { renderHost } from '../../src/nftables/render/host.ts';
import { arbKnownMatch, arbRuleset } from '../nftables/arbitraries.ts';
import { PLANS } from '../nftables/plans.ts';
import { goodValue, parsed } from '../nftables/values.ts';
import { canUseNamespaces } from '../support/namespace.ts';
import { requireOrSkip } from '../support/require.ts';

const WHY = 'needs root, nft and network namespaces';
const isAble = canUseNamespaces();

/** The daemon's rule names a cgroup by path, which must exist. One of the test's own, not to meet anybody else's. */
const SLICE = `cordon-test-${process.pid}.slice`;
const WITH_SLICE = `
mount -t cgroup2 none /sys/fs/cgroup || exit 9
mkdir /sys/fs/cgroup/${SLICE} && trap 'rmdir /sys/fs/cgroup/${SLICE}' EXIT
`;

/** Runs a shell script in a network and mount namespace of its own, in a folder with these files. @returns the outputs */
function inNamespace(script: string, files: Readonly<Record<string, string>>, outputs: readonly string[]): string[] {
  const directory = mkdtempSync(join(tmpdir(), 'cordon-kernel-'));
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
    execFileSync('unshare', ['-nm', 'sh', '-c', script], { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] });
    return outputs.map((name) => readFileSync(join(directory, name), 'utf8'));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

describe.each(Object.entries(PLANS))('%s', (_name, plan) => {
  test('is listed by the kernel as it was printed, also when loaded over itself', () => {
    requireOrSkip(isAble, WHY);
    const ruleset = renderHost(plan);
    const own = (text: string) => text.replaceAll('"cordon.slice"', `"${SLICE}"`);
    const script = `${WITH_SLICE}
      nft -f load && nft -s list ruleset > once && nft -f load && nft -s list ruleset > twice && nft -a list ruleset > full`;
    const files = { load: own(printLoadable(ruleset)) };
    const [once = '', twice = '', full = ''] = inNamespace(script, files, ['once', 'twice', 'full']);
    expect(once).toBe(own(printRuleset(ruleset)));
    expect(twice).toBe(once);
    // With handles and counter values it is still the same, for the exact comparison.
    expect(full).not.toBe(once);
    expect(goodValue(compareListings({ file: 'a', text: once }, { file: 'b', text: full }))).toEqual([]);
  });
});

describe('on a loaded ruleset', () => {
  const declared = printRuleset(renderHost(PLANS['model-segment'] as never));
  const changes: Readonly<Record<string, string>> = {
    'an added element': `nft add element inet cordon neighbour_links '{ "eth9" }'`,
    'an appended rule': 'nft add rule inet cordon ingress accept',
    'an inserted rule': 'nft insert rule inet cordon input tcp dport 22 accept',
    'a changed policy': `nft chain inet cordon output '{ policy accept; }'`,
    'a table put to sleep': `nft add table inet cordon '{ flags dormant; }'`,
    'an added chain': 'nft add chain inet cordon extra',
    'an added base chain': `nft add chain inet cordon extra '{ type filter hook prerouting priority -300; }'`,
    'a flushed chain': 'nft flush chain inet cordon egress',
    'a flushed table': 'nft flush table inet cordon',
    'a deleted table': 'nft delete table netdev cordon',
    'a flushed set': 'nft flush set inet cordon neighbour_links',
    'an added set': `nft add set inet cordon extra '{ type ipv4_addr; }'`,
  };
  test.each(Object.entries(changes))('the exact comparison notices %s', (_what, command) => {
    requireOrSkip(isAble, WHY);
    const [found = ''] = inNamespace(`nft -f load && ${command} && nft -s list ruleset > found`, { load: declared }, [
      'found',
    ]);
    expect(
      goodValue(compareListings({ file: 'a', text: declared }, { file: 'b', text: found })).length,
    ).toBeGreaterThan(0);
  });

  test('it ignores traffic and other tables', () => {
    requireOrSkip(isAble, WHY);
    const other =
      'table ip nat {\n\tchain out {\n\t\ttype nat hook postrouting priority 100; policy accept;\n\t\tmasquerade\n\t}\n}\n';
    const script = `nft -f other && nft -f load && ip link set lo up && (echo x > /dev/udp/127.0.0.1/9; true) 2>/dev/null; nft list ruleset > found`;
    const [found = ''] = inNamespace(`exec bash -c '${script}'`, { load: declared, other }, ['found']);
    expect(found).toContain('table ip nat');
    expect(goodValue(ownTables('b', found))).toContain('counter in_denied {\n\t\tpackets');
    expect(goodValue(compareListings({ file: 'a', text: declared }, { file: 'b', text: found }))).toEqual([]);
  });
});

test('whatever the kernel lists of a ruleset means the same as what was printed', () => {
  requireOrSkip(isAble, WHY);
  const rulesets = fc.sample(arbRuleset('input', arbKnownMatch), { numRuns: 150, seed: 7 });
  const files = Object.fromEntries(rulesets.map((r, i) => [`load${i}`, printRuleset(r)]));
  // Random rules also ask one packet for the fields of two protocols; nft refuses those.
  const script = `
    ip link add eth0 type veth peer name eth1; ip link add tailscale0 type veth peer name other
    for i in $(seq 0 ${rulesets.length - 1}); do
      nft flush ruleset
      if nft -f load$i 2>/dev/null; then nft -s list ruleset > found$i; else : > found$i; fi
    done`;
  const found = inNamespace(
    script,
    files,
    rulesets.map((_, i) => `found${i}`),
  );
  let compared = 0;
  for (const [i, ruleset] of rulesets.entries()) {
    const listed = found[i] ?? '';
    if (listed === '') continue;
    compared++;
    const [a, b] = [evaluateHook(ruleset, 'input'), evaluateHook(parsed(listed), 'input')];
    const texts = `${files[`load${i}`]}\n--- listed as\n${listed}`;
    expect([a.may === b.may, a.must === b.must, b.unknowns.length], texts).toEqual([true, true, 0]);
  }
  expect(compared).toBeGreaterThan(40);
});
