import type { Change, Summary } from '../proof/changes/change.ts';
import type { ChangeGroup } from './change-groups.ts';
import { endpoint, packetRanges } from './packet-words.ts';

/** What a comparison comes to, in one line. */
export const SUMMARY_WORDS: Readonly<Record<Summary, string>> = {
  none: 'the same bytes',
  cosmetic: 'other text, the same meaning',
  narrowing: 'narrower: somebody lost reach or rights, nobody gained any',
  widening: 'wider: somebody gained reach or rights',
  mixed: 'wider and narrower at once',
  unknown: 'cannot be told: something could not be interpreted',
};

/** A group of changes in the operator's words; every output format that is read by people uses these. */
export interface ChangeWords {
  /** `tag:executor (exec-1) -> tag:orchestrator (orch-1)`. */
  readonly who: string;
  /** `tcp all ports; udp all ports; icmp (12 pairs), tailnet policy`. */
  readonly what: string;
  /** `100.64.0.30:40000 -> 100.64.0.20:22 tcp`; undefined for what is no packet. */
  readonly witness: string | undefined;
  /** One line for each place. */
  readonly blame: readonly string[];
}

/** How many names of a list are shown before it is cut. */
const SHOWN = 4;

/** @returns the words of one group */
export function describeGroup(group: ChangeGroup): ChangeWords {
  const { example } = group;
  const w = example.witness;
  const pairs = group.pairs > 1 ? ` (${group.pairs} pairs)` : '';
  const layer = example.layer === 'tailnet' ? 'tailnet policy' : `firewall of ${example.layer.slice('host/'.length)}`;
  return {
    who: `${list(group.sources)} -> ${list(group.targets)}`,
    what: `${subject(example)}${pairs}, ${layer}${limits(example)}`,
    witness: w.proto === 'none' ? undefined : `${endpoint(w.src, w.sport)} -> ${endpoint(w.dst, w.dport)} ${w.proto}`,
    blame: example.blame.map((b) => {
      const side = b.side === 'a' ? 'before' : 'now';
      return `${side} ${b.file}:${b.line}:${b.column}${b.text === undefined ? '' : `  ${b.text.replace(/\s+/g, ' ')}`}`;
    }),
  };
}

/** What it is that somebody gains or loses. */
function subject(change: Change): string {
  switch (change.relation) {
    case 'capability':
      return `capability ${change.capability ?? ''}`;
    case 'becomes':
      return 'can make themselves that';
    case 'knows':
      return 'sees it in its network map';
    case 'ssh':
      return change.login ?? 'SSH';
    case 'reach':
    case 'residue':
      return packetRanges(change.packets);
  }
}

function limits(change: Change): string {
  if (change.gate !== undefined) return `, at ${change.gate} alone: the other hook of the way still decides`;
  return change.relation === 'residue' ? ', without opening a flow' : '';
}

const ANYBODY = 'anybody on ';

/** Names that begin alike are said once: `anybody on eth0, tailscale0`. */
function list(names: readonly string[]): string {
  const shown = names.slice(0, SHOWN);
  const isAnybody = names.length > 1 && names.every((n) => n.startsWith(ANYBODY));
  const text = isAnybody ? `${ANYBODY}${shown.map((n) => n.slice(ANYBODY.length)).join(', ')}` : shown.join(', ');
  return names.length > SHOWN ? `${text} and ${names.length - SHOWN} more` : text;
}
