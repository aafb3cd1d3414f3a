import { evaluatePacket, type PacketVerdict } from '../../../src/nftables/concrete/hook.ts';
import { readLinks } from '../../../src/nftables/concrete/links.ts';
import { readPacket } from '../../../src/nftables/concrete/packet.ts';
import { parseJsonRuleset } from '../../../src/nftables/json/document.ts';
import { restoreFromText } from '../../../src/nftables/json/restore.ts';
import { parseRuleset } from '../../../src/nftables/parse.ts';
import type { Hook, Ruleset } from '../../../src/nftables/ruleset.ts';
import { type DifferentialLab, FIRST_LENGTH } from './lab.ts';
import { randomPacket, type TestPacket, type Way } from './packets.ts';
import { Random } from './random.ts';
import { randomRuleset } from './rules.ts';
import type { Observed } from './trace.ts';

/** A packet with which the evaluator and the kernel did not do the same. */
export interface Disagreement {
  readonly seed: number;
  readonly ruleset: string;
  readonly packet: Readonly<Record<string, unknown>>;
  readonly said: PacketVerdict;
  readonly observed: Observed | undefined;
}

/** How one ruleset went. */
export interface Comparison {
  readonly hook: Hook;
  /** Packets of which verdict and deciding rule are the kernel's. */
  readonly exact: number;
  /** Packets with the kernel's verdict, where the evaluator names another of the rules that can have decided. */
  readonly ambiguous: number;
  /** Packets of which the evaluator said that it cannot tell. */
  readonly unknown: number;
  readonly disagreements: readonly Disagreement[];
}

const HOOKS: readonly Hook[] = ['prerouting', 'input', 'forward', 'output', 'postrouting', 'ingress', 'egress'];

const WAYS: Readonly<Record<Hook, readonly Way[]>> = {
  prerouting: ['in', 'through', 'back'],
  input: ['in'],
  forward: ['through', 'back'],
  output: ['out'],
  postrouting: ['out', 'through', 'back'],
  ingress: ['in', 'back'],
  egress: ['out', 'through'],
};

/** Flows that are unlike each other (see `randomPacket`): a lab remembers the connections of earlier rulesets. */
export const FLOWS_OF_A_LAB = 40_000;

/** Packets of a batch; each has its own length. */
const BATCH = 200;

/**
 * One random ruleset at one random hook, and random packets through it. The seed decides everything.
 * @throws when a batch is not traced to its end
 */
export async function compareSeed(lab: DifferentialLab, seed: number, count: number): Promise<Comparison> {
  const random = new Random(seed);
  const hook = random.pick(HOOKS);
  const packets: TestPacket[] = [];
  for (let i = 0; i < count; i++) {
    packets.push(randomPacket(random, WAYS[hook], seed * count + i, FIRST_LENGTH + (i % BATCH)));
  }
  lab.clear();
  await lab.open(packets);
  const text = loadSome(lab, random, hook);
  const ruleset = readBack(lab);
  const links = readLinks(lab.links());
  const disagreements: Disagreement[] = [];
  let exact = 0;
  let ambiguous = 0;
  let unknown = 0;
  for (let from = 0; from < packets.length; from += BATCH) {
    const batch = packets.slice(from, from + BATCH);
    const observed = await lab.observe(batch, (length) => end(hook, length));
    for (const [i, packet] of batch.entries()) {
      const fields = { hook, ...interfaces(hook, packet.way), ...packet.fields };
      const read = readPacket(fields);
      if (!('packet' in read)) throw new Error(`${JSON.stringify(fields)}: ${read.problems.join(', ')}`);
      const said = evaluatePacket(ruleset, read.packet, links);
      const seen = observed.get(FIRST_LENGTH + i);
      if (said.verdict === 'unknown') unknown++;
      else if (isSame(said, seen)) exact++;
      else if (isAmbiguous(said, seen)) ambiguous++;
      else disagreements.push({ seed, ruleset: text, packet: fields, said, observed: seen });
    }
  }
  lab.clear();
  return { hook, exact, ambiguous, unknown, disagreements };
}

/** nft refuses rules that contradict themselves (`tcp … icmp …`): the lines it names are left out. */
function loadSome(lab: DifferentialLab, random: Random, hook: Hook): string {
  let lines = randomRuleset(random, hook).split('\n');
  for (let tries = 0; tries < 20; tries++) {
    try {
      lab.load(lines.join('\n'));
      return lines.join('\n');
    } catch (error) {
      const refused = [...String(error).matchAll(/^\/dev\/stdin:(\d+):/gm)].map(([, line]) => Number(line) - 1);
      if (refused.length === 0) throw error;
      lines = lines.filter((line, i) => !refused.includes(i) || !/^\t\t(?!type)/.test(line));
    }
  }
  throw new Error(`nft refuses this ruleset:\n${lines.join('\n')}`);
}

function readBack(lab: DifferentialLab): Ruleset {
  const { json, text } = lab.list();
  const a = parseJsonRuleset('json', json);
  const b = parseRuleset('text', text);
  if (!a.ok || !b.ok) throw new Error(JSON.stringify([a, b].flatMap((r) => (r.ok ? [] : r.diagnostics))));
  const both = restoreFromText('text', a.value, b.value);
  if (!both.ok) throw new Error(JSON.stringify(both.diagnostics));
  return both.value;
}

/** A packet that ends a batch: the helpers' trace reports it even where no rule of the comparison sees it. */
function end(hook: Hook, length: number): TestPacket {
  return randomPacket(new Random(1), WAYS[hook].slice(0, 1), 1, length);
}

function interfaces(hook: Hook, way: Way): Readonly<Record<string, string>> {
  const from = way === 'out' ? {} : { iif: way === 'back' ? 't1' : 't0' };
  const to = way === 'in' ? {} : { oif: way === 'through' ? 't1' : 't0' };
  if (hook === 'ingress' || hook === 'prerouting' || hook === 'input') return from;
  return hook === 'egress' || hook === 'output' ? to : { ...from, ...to };
}

function isSame(said: PacketVerdict, seen: Observed | undefined): boolean {
  // No chain was asked: there is none, or only NAT chains, which are for first packets.
  if (seen === undefined) return said.verdict === 'accept' && said.handle === null;
  const rule = said.table === seen.table && said.chain === seen.chain && said.handle === seen.handle;
  return rule && said.verdict === seen.verdict;
}

/** Said to be dropped, or accepted, in one of several places. */
function isAmbiguous(said: PacketVerdict, seen: Observed | undefined): boolean {
  return said.why?.startsWith('or ') === true && said.verdict === seen?.verdict;
}
