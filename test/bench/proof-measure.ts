import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compare } from '../../src/proof/changes/compare.ts';
import { verdictOf } from '../../src/proof/claim.ts';
import { proveState } from '../../src/proof/prove.ts';
import { interpret } from '../../src/state/interpret.ts';
import { compileTopology } from '../../src/topology/compile.ts';
import { loadTopology } from '../../src/topology/load.ts';

/** One measurement, as it is printed; times in milliseconds. */
export interface MeasuredProof {
  readonly nodes: number;
  readonly rules: number;
  readonly hosts: number;
  /** Rulesets that differ from each other. */
  readonly distinct: number;
  readonly verdict: string;
  /** From the topology's text to what it declares. */
  readonly compileMs: number;
  /** From the observed texts to what they mean. */
  readonly interpretMs: number;
  /** From that to every claim. */
  readonly proveMs: number;
  /** And to what differs from the declaration. */
  readonly compareMs: number;
  /** Interpreting and proving: what `cordon prove` of a snapshot does. */
  readonly totalMs: number;
  /** The most memory that the process ever had resident. */
  readonly peakMb: number;
}

const [folder = '', today = ''] = process.argv.slice(2);
const read = (name: string) => readFileSync(join(folder, name), 'utf8');

const marks = [performance.now()];
const mark = () => marks.push(performance.now());
const loaded = loadTopology(join(folder, 'cordon.yaml'), read('cordon.yaml'), (path) => readFileSync(path, 'utf8'));
if (!loaded.ok) throw new Error(loaded.diagnostics.map((d) => d.message).join('\n'));
const compiled = compileTopology(loaded.value);
if (!compiled.ok) throw new Error(compiled.diagnostics.map((d) => d.message).join('\n'));
mark();
// The live side has texts of its own: nothing that was worked out for the declared ones may be found again.
const sources = { ...compiled.value.sources };
const rulesets = new Set<unknown>();
for (const [name, entry] of Object.entries(sources)) {
  if (!name.endsWith('/nft.txt')) continue;
  rulesets.add(entry.body);
  sources[name] = { ...entry, body: `${String(entry.body)}\n` };
}
const devices = JSON.parse(read('devices.json')) as unknown;
const observed = { sources: { ...sources, 'tailnet/devices': { status: 'ok' as const, body: devices } } };
mark();
const state = interpret(observed);
mark();
const claims = proveState(loaded.value, observed, state, { today });
mark();
const declared = interpret(compiled.value);
compare(loaded.value, { state: declared, file: 'declared' }, { state, file: 'live' });
mark();

const [start = 0, ready = 0, texts = 0, meant = 0, proved = 0, end = 0] = marks;
const { policy, devices: list } = state.tailnet;
const measured: MeasuredProof = {
  nodes: list.known ? list.value.length : 0,
  rules: policy.known ? policy.value.policy.rules.length : 0,
  hosts: state.hosts.size,
  distinct: rulesets.size,
  verdict: verdictOf(claims),
  compileMs: ready - start,
  interpretMs: meant - texts,
  proveMs: proved - meant,
  compareMs: end - proved,
  totalMs: Math.round(proved - texts),
  peakMb: Math.round(process.resourceUsage().maxRSS / 1024),
};
process.stdout.write(`${JSON.stringify(measured)}\n`);
if (measured.verdict !== 'holds') {
  const wrong = claims.filter((c) => c.state !== 'holds').slice(0, 3);
  process.stderr.write(`${JSON.stringify(wrong)}\n`);
}
