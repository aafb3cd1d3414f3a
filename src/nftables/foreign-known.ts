import { printRule } from './print-statement.ts';
import type { Chain, Rule, Ruleset, Table } from './ruleset.ts';

/** A foreign rule that rewrites packets or marks and still cannot open what our tables drop. */
export interface KnownForeign {
  /** Whose it is. */
  readonly owner: 'tailscaled';
  /** `ip nat`. */
  readonly table: string;
  readonly chain: string;
  /** As listed, without counters. */
  readonly text: string;
  /** Why it is no way round our rules. */
  readonly why: string;
}

/**
 * Takes out of a ruleset what tailscaled's own netfilter code adds beside ordinary filtering, word for word
 * (tailscale/tailscale v1.102.5 `util/linuxfw/nftables_runner.go`, listed by nft 1.0.6 on Linux 6.18):
 *
 * - `filter ts-forward`: forwarded packets from the tunnel get the mark 0x40000. No rule of ours looks at the mark of a
 *   forwarded packet.
 * - `nat ts-postrouting`: packets with that mark leave under the router's own address. Only a packet that our forward or
 *   output chain let through unchanged gets there, and our postrouting chain judges it once more behind the rewrite; a
 *   masquerade changes nothing about where a packet goes.
 * - `mangle PREROUTING`, `mangle OUTPUT`: keep the mark's byte 0xff0000 in the connection and bring it back. The only
 *   bit that our rules remember in a connection, 0x1000000, is outside of that byte, so it can be lost but not set. Marks
 *   of incoming packets are no condition of any rule of ours; marks of outgoing ones are left as the socket set them.
 *
 * Whatever differs by a word, or shares a NAT or mangle chain with these rules, stays in the ruleset.
 * @returns the ruleset without them, for evaluating and for looking for ways round our tables
 */
export function withoutKnownForeign(ruleset: Ruleset): {
  readonly ruleset: Ruleset;
  readonly known: readonly KnownForeign[];
} {
  const known: KnownForeign[] = [];
  const tables = ruleset.tables.map((table) => withoutKnown(table, known));
  return { ruleset: { tables }, known };
}

/** What an expected chain holds; rules as nft lists them, without counters. */
interface ExpectedChain {
  readonly base: NonNullable<Chain['base']> | undefined;
  /** The chain may hold these rules and no others. Undefined: the others are judged by themselves. */
  readonly only: readonly string[] | undefined;
  /** The rules that are taken out. */
  readonly rules: readonly string[];
  readonly why: string;
}

/** nft 1.0.6 lists the name of tailscaled's interface with an asterisk, because the daemon compares it without its end. */
const MARK_FORWARDED = [
  'iifname "tailscale0*" meta mark set meta mark & 0xff04ffff | 0x00040000',
  'iifname "tailscale0" meta mark set meta mark & 0xff04ffff | 0x00040000',
  // The same as the iptables command prints it (iptables-nft).
  'iifname "tailscale0" meta mark set mark and 0xff00ffff xor 0x40000',
];
const MASQUERADE = 'meta mark & 0x00ff0000 == 0x00040000 masquerade';
const RESTORE = 'ct state established,related ct mark & 0x00ff0000 != 0x00000000 meta mark set ct mark & 0x00ff0000';
const SAVE = 'ct state new meta mark & 0x00ff0000 != 0x00000000 ct mark set meta mark & 0x00ff0000';

/** Priorities by name (nft(8)): mangle -150, srcnat 100. */
const EXPECTED: Readonly<Record<string, ExpectedChain>> = {
  'filter ts-forward': {
    base: undefined,
    only: undefined,
    rules: MARK_FORWARDED,
    why: 'it marks forwarded packets, and no rule of ours looks at the mark of a forwarded packet',
  },
  'nat ts-postrouting': {
    base: undefined,
    only: [MASQUERADE],
    rules: [MASQUERADE],
    why: 'it changes the source of packets that our chains have let through, and our postrouting chain judges them again',
  },
  'nat POSTROUTING': {
    base: { type: 'nat', hook: 'postrouting', priority: 100, policy: 'accept', devices: [] },
    only: ['jump ts-postrouting'],
    rules: [],
    why: 'it only leads to ts-postrouting',
  },
  'mangle PREROUTING': {
    base: { type: 'filter', hook: 'prerouting', priority: -150, policy: 'accept', devices: [] },
    only: [RESTORE],
    rules: [RESTORE],
    why: "it restores the daemon's mark on incoming packets, which no rule of ours looks at",
  },
  'mangle OUTPUT': {
    base: { type: 'filter', hook: 'output', priority: -150, policy: 'accept', devices: [] },
    only: [SAVE],
    rules: [SAVE],
    why: "it saves the daemon's mark in the connection, outside of the bit that our rules remember",
  },
};

function withoutKnown(table: Table, known: KnownForeign[]): Table {
  if (table.family !== 'ip' && table.family !== 'ip6') return table;
  const name = `${table.family} ${table.name}`;
  const chains = table.chains.flatMap((chain): Chain[] => {
    const key = `${table.name} ${chain.name}`;
    const expected = Object.hasOwn(EXPECTED, key) ? EXPECTED[key] : undefined;
    if (expected === undefined || !isAs(expected, table, chain)) return [chain];
    const taken = chain.rules.filter((rule) => expected.rules.includes(bare(rule)));
    for (const rule of taken) {
      known.push({ owner: 'tailscaled', table: name, chain: chain.name, text: bare(rule), why: expected.why });
    }
    // A NAT chain that holds nothing else is no chain any more: what hooks it is what makes it a finding.
    if (chain.base?.type === 'nat') return [];
    return [{ ...chain, rules: chain.rules.filter((rule) => !taken.includes(rule)) }];
  });
  return { ...table, chains };
}

/** The chain hangs where tailscaled hangs it, and holds nothing that tailscaled does not put there. */
function isAs(expected: ExpectedChain, table: Table, chain: Chain): boolean {
  if (JSON.stringify(baseKey(chain.base)) !== JSON.stringify(baseKey(expected.base))) return false;
  const { only } = expected;
  if (only !== undefined && !chain.rules.every((rule) => only.includes(bare(rule)))) return false;
  // What the jump leads to has to be tailscaled's as well.
  const target = chain.base?.type === 'nat' ? table.chains.find((c) => c.name === 'ts-postrouting') : undefined;
  const inner = EXPECTED['nat ts-postrouting'];
  return chain.base?.type !== 'nat' || target === undefined || (inner !== undefined && isAs(inner, table, target));
}

function baseKey(base: Chain['base']): unknown {
  return base === undefined ? null : [base.type, base.hook, base.priority, base.policy, base.devices];
}

function bare(rule: Rule): string {
  return printRule({
    statements: rule.statements.filter((s) => s.kind !== 'counter' || s.name !== undefined),
    comment: undefined,
  });
}
