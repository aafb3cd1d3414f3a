import { parseJsonRuleset } from '../../src/nftables/json/document.ts';
import { restoreFromText } from '../../src/nftables/json/restore.ts';
import type { Ruleset } from '../../src/nftables/ruleset.ts';
import { fixture } from './golden.ts';
import { goodValue, parsed } from './values.ts';

/** The captured rulesets that there are as JSON and as text. */
export const CAPTURES: readonly string[] = [
  'docker',
  'firewalld',
  'ufw',
  'tailscale-nft',
  'tailscale-iptables-nft',
  'edge-cases',
];

/** A captured ruleset, read from its JSON. */
export function fromJson(name: string): Ruleset {
  return goodValue(parseJsonRuleset(`${name}.json`, fixture(`${name}.json`)));
}

/** The same with what its text has besides. */
export function fromBoth(name: string): Ruleset {
  return goodValue(restoreFromText(`${name}.txt`, fromJson(name), parsed(fixture(`${name}.txt`))));
}
