import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { execa } from 'execa';
import type { Measured } from './tailnet-measure.ts';
import { dense } from './tailnet-world.ts';

const NODES = [100, 1000, 10_000, 100_000];
const RULES = [1000, 3000];

/**
 * `bench tailnet [--policy FILE --devices FILE] [--json]`: how long a policy takes from its text to every device's packet
 * rules, by classes, and to who sees whom, and how much memory; each measurement in a process of its own. Without files,
 * on made-up tailnets from 100 to 100,000 devices. With `--json` the last line is one JSON object.
 */
export async function benchTailnet(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: { policy: { type: 'string' }, devices: { type: 'string' }, json: { type: 'boolean', default: false } },
  });
  const { policy, devices, json } = values;
  if ((policy === undefined) !== (devices === undefined))
    throw new Error('give both --policy and --devices, or neither');
  if (policy !== undefined && devices !== undefined) {
    const measured = await measure(policy, devices);
    process.stdout.write(`${table([measured])}\n`);
    if (json) process.stdout.write(`${JSON.stringify(summary(measured))}\n`);
    return;
  }
  const all = await measureAll();
  process.stdout.write(`${table(all)}\n`);
  if (json) process.stdout.write(`${JSON.stringify({ runs: all.map(summary) })}\n`);
}

async function measureAll(): Promise<Measured[]> {
  const folder = mkdtempSync(join(tmpdir(), 'cordon-bench-'));
  const [policy, devices] = [join(folder, 'policy.hujson'), join(folder, 'devices.json')];
  const out: Measured[] = [];
  try {
    for (const rules of RULES) {
      for (const nodes of NODES) {
        const world = dense(nodes, rules);
        writeFileSync(policy, world.policy);
        writeFileSync(devices, world.devices);
        out.push(await measure(policy, devices));
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  return out;
}

async function measure(policy: string, devices: string): Promise<Measured> {
  const script = fileURLToPath(new URL('./tailnet-measure.ts', import.meta.url));
  const { stdout, stderr, exitCode } = await execa(process.execPath, [script, policy, devices], { reject: false });
  if (exitCode !== 0) {
    const reason = stderr.split('\n').find((line) => /^\w*Error: /.test(line));
    throw new Error(`the measurement failed: ${reason ?? stderr.trim()}`);
  }
  return JSON.parse(stdout) as Measured;
}

function summary({ nodes, rules, totalMs, peakMb, peerPairs }: Measured) {
  return { nodes, rules, totalMs, peakMb, peerPairs };
}

/** Growth: how many times the processor time of the line above, where that has as many rules and fewer devices. */
function table(all: readonly Measured[]): string {
  const out = new Table({
    head: [
      'devices',
      'rules',
      'classes',
      'read',
      'resolve',
      'rules by class',
      'peers',
      'total ms',
      'cpu ms',
      'growth of cpu',
      'MB',
      'peer pairs',
    ],
    colAligns: Array.from({ length: 12 }, () => 'right' as const),
    style: { head: [], border: [] },
  });
  for (const [i, m] of all.entries()) {
    const above = all[i - 1];
    const isNext = above !== undefined && above.rules === m.rules && above.nodes < m.nodes;
    const growth = isNext ? `x${(m.cpuMs / above.cpuMs).toFixed(1)} for x${m.nodes / above.nodes}` : '';
    const { readMs, resolveMs, classesMs, peersMs } = m;
    const phases = [readMs, resolveMs, classesMs, peersMs, m.totalMs, m.cpuMs].map((ms) => ms.toFixed(0));
    out.push([m.nodes, m.rules, m.classes, ...phases, growth, m.peakMb.toFixed(0), m.peerPairs]);
  }
  return out.toString();
}
