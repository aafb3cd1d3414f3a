import type { Evidence } from '../../src/state/evidence.ts';
import { exampleWorld, plainWorld, rulesOf, type World, withRules } from './evidence.ts';

export const homelab = exampleWorld('homelab');
export const netns = exampleWorld('netns-cell');
export const node = exampleWorld('tailnet-node');
export const plain = plainWorld();

/** One edit of a host's ruleset. */
export interface Edit {
  readonly name: string;
  readonly world: World;
  readonly host: string;
  readonly from: string | RegExp;
  readonly to: string;
}

/** The ruleset of a host, as declared. */
export function rules(world: World, host: string): string {
  return rulesOf(world.evidence, host);
}

/** Evidence after an edit. */
export function edit({ world, host, from, to }: Edit): Evidence {
  return withRules(world.evidence, host, from, to);
}

const INPUT = /chain input \{\n\t\ttype filter hook input priority 300; policy drop;\n/;
const OUTPUT = /chain output \{\n\t\ttype filter hook output priority 300; policy drop;\n/;
const EGRESS = /chain egress \{\n(?=\t\toifname)/;

/** A rule in front of all others of the input hook. */
export function inInput(world: World, host: string, rule: string) {
  return first(INPUT, world, host, rule);
}

/** A rule in front of all others of the output hook, though not of the second gate. */
export function inOutput(world: World, host: string, rule: string) {
  return first(OUTPUT, world, host, rule);
}

/** A rule in the chain that both gates jump to. */
export function inEgress(world: World, host: string, rule: string) {
  return first(EGRESS, world, host, rule);
}

function first(chain: RegExp, world: World, host: string, rule: string): Pick<Edit, 'from' | 'to'> {
  return { from: chain, to: `${chain.exec(rules(world, host))?.[0] ?? ''}\t\t${rule}\n` };
}
