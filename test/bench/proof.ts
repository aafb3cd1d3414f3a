import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { execa } from 'execa';
import type { MeasuredProof } from './proof-measure.ts';
import { deployment } from './proof-world.ts';

/** Devices, rules and declared hosts of each measurement. */
const SIZES = [
  [100, 100, 10],
  [1000, 300, 100],
  [10_000, 1000, 1000],
  [100_000, 3000, 1000],
] as const;

/** Any day: nothing of what is measured has waivers. */
const TODAY = '2026-01-01';

/**
 * `bench proof [--json]`: how long it takes from observed texts to every claim, and to what differs from the declaration,
 * and how much memory; each measurement in a process of its own. With `--json` the last line is one JSON object.
 */
export async function benchProof(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: { json: { type: 'boolean', default: false } } });
  const all: MeasuredProof[] = [];
  for (const [nodes, rules, hosts] of SIZES) all.push(await measure(nodes, rules, hosts));
  process.stdout.write(`${table(all)}\n`);
  if (values.json) process.stdout.write(`${JSON.stringify({ runs: all })}\n`);
}

async function measure(nodes: number, rules: number, hosts: number): Promise<MeasuredProof> {
  const folder = mkdtempSync(join(tmpdir(), 'cordon-bench-'));
  try {
    const { topology, base, devices } = deployment(nodes, rules, hosts);
    writeFileSync(join(folder, 'cordon.yaml'), topology);
    writeFileSync(join(folder, 'base.hujson'), base);
    writeFileSync(join(folder, 'devices.json'), devices);
    const script = fileURLToPath(new URL('./proof-measure.ts', import.meta.url));
    const { stdout, stderr, exitCode } = await execa(process.execPath, [script, folder, TODAY], { reject: false });
    if (exitCode !== 0) throw new Error(`the measurement failed: ${stderr.trim()}`);
    return JSON.parse(stdout) as MeasuredProof;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Growth: how many times the total of the line above. */
function table(all: readonly MeasuredProof[]): string {
  const head = [
    'devices',
    'rules',
    'hosts',
    'distinct rulesets',
    'compile',
    'interpret',
    'prove',
    'compare',
    'total ms',
    'growth',
    'MB',
    'verdict',
  ];
  const out = new Table({
    head,
    colAligns: head.map(() => 'right' as const),
    style: { head: [], border: [] },
  });
  for (const [i, m] of all.entries()) {
    const above = all[i - 1];
    const growth =
      above === undefined
        ? ''
        : `x${(m.totalMs / above.totalMs).toFixed(1)} for x${(m.nodes / above.nodes).toFixed(0)}`;
    const phases = [m.compileMs, m.interpretMs, m.proveMs, m.compareMs, m.totalMs].map((ms) => ms.toFixed(0));
    out.push([m.nodes, m.rules, m.hosts, m.distinct, ...phases, growth, m.peakMb, m.verdict]);
  }
  return out.toString();
}
