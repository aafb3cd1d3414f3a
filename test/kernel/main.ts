import { parseArgs } from 'node:util';
import { canUseNamespaces } from '../support/namespace.ts';
import { compareSeed, FLOWS_OF_A_LAB } from './differential/compare.ts';
import { DifferentialLab } from './differential/lab.ts';

/** More disagreements than this are counted and not printed. */
const MAX_PRINTED = 5;

/**
 * `npm run -s test:kernel -- --rulesets N --packets M --seed S`: random rulesets in the real kernel, random packets, and
 * for each packet the kernel's verdict and deciding rule beside the evaluator's. Every disagreement is printed with the
 * seed that brings it back (`--rulesets 1 --seed SEED`).
 */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rulesets: { type: 'string', default: '20' },
      packets: { type: 'string', default: '200' },
      seed: { type: 'string', default: '1' },
    },
  });
  const [rulesets, packets, first] = [values.rulesets, values.packets, values.seed].map(Number);
  if (rulesets === undefined || packets === undefined || first === undefined || !(rulesets > 0) || !(packets > 0)) {
    throw new Error('--rulesets, --packets and --seed are numbers');
  }
  if (!canUseNamespaces()) throw new Error('this needs root, nft and network namespaces');
  let lab = new DifferentialLab();
  const rulesetsOfALab = Math.max(1, Math.floor(FLOWS_OF_A_LAB / packets));
  let [exact, ambiguous, unknown, failed] = [0, 0, 0, 0];
  const perHook = new Map<string, number>();
  try {
    for (let seed = first; seed < first + rulesets; seed++) {
      if (seed > first && (seed - first) % rulesetsOfALab === 0) {
        await lab.close();
        lab = new DifferentialLab();
      }
      const comparison = await compareSeed(lab, seed, packets);
      exact += comparison.exact;
      ambiguous += comparison.ambiguous;
      unknown += comparison.unknown;
      perHook.set(comparison.hook, (perHook.get(comparison.hook) ?? 0) + 1);
      for (const d of comparison.disagreements) {
        if (failed++ >= MAX_PRINTED) continue;
        const { ruleset, ...rest } = d;
        process.stdout.write(`disagreement ${JSON.stringify(rest)}\n${ruleset}\n`);
      }
    }
  } finally {
    await lab.close();
  }
  const hooks = [...perHook].map(([hook, n]) => `${hook} ${n}`).join(', ');
  process.stdout.write(
    `${rulesets} rulesets (${hooks}), ${rulesets * packets} packets: ${exact} with the kernel's verdict`,
  );
  process.stdout.write(` and rule, ${ambiguous} with its verdict and several possible rules, ${unknown} unknown,`);
  process.stdout.write(` ${failed} otherwise\n`);
  process.stdout.write(`${exact + ambiguous + unknown} passed, ${failed} failed\n`);
  if (failed > 0) process.exitCode = 1;
}

await main();
