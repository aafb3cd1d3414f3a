import { CT, type Packet } from '../../net/packet.ts';
import type { PacketSet } from '../../net/packet-set.ts';
import { type Decider, decidingRule } from '../../nftables/decide.ts';
import { compareListings } from '../../nftables/equal.ts';
import { chainsAt } from '../../nftables/evaluate.ts';
import { isOwnTable, type Ruleset } from '../../nftables/ruleset.ts';
import type { Host } from '../../topology/model.ts';
import type { Blame } from '../claim.ts';
import type { ProofContext } from '../context.ts';
import { rawLink, TAILNET, TAILNET_INTERFACE } from '../intent.ts';
import { HOOKS, hookOptions, type Passage } from '../relations/host.ts';

/** The evidence that a host's ruleset is read from. */
export function rulesetSource(host: Host): string {
  return `host/${host.name}/nft.txt`;
}

/** The rule or policy that accepts, and the declared one that would not have. */
export function blameOf(context: ProofContext, host: Host, which: Passage, packet: Packet): Blame[] {
  const source = rulesetSource(host);
  const options = hookOptions(which, rawLink(context.topology, host));
  const live = context.state.hosts.get(host.name)?.ruleset;
  if (live === undefined || !live.known) return [{ source }];
  const blame = HOOKS[which].slice(0, 1).map((hook): Blame => {
    const { by } = decidingRule(live.value.ruleset, hook, packet, options);
    return { source, ...deciderWords(by, live.value.ruleset) };
  });
  const wanted = context.declared?.hosts.get(host.name)?.ruleset;
  if (wanted?.known && context.declared !== context.state) {
    for (const hook of HOOKS[which]) {
      const { verdict, by } = decidingRule(wanted.value.ruleset, hook, packet, options);
      if (verdict !== 'drop') continue;
      blame.push({ source: `declared ${source}`, ...deciderWords(by, wanted.value.ruleset) });
      break;
    }
  }
  return blame;
}

/** The place and the text of what decided. */
function deciderWords(by: Decider, ruleset: Ruleset): Omit<Blame, 'source'> {
  switch (by.kind) {
    case 'rule':
      return { ...lineOf(by.span), rule: `${by.table} ${by.chain}`, text: by.text };
    case 'policy':
      return { ...lineOf(by.span), rule: `${by.table} ${by.chain}`, text: `policy ${by.policy}` };
    case 'no-chain':
      return {
        rule: ruleset.tables.some(isOwnTable)
          ? `no chain of ours hooks ${by.hook}`
          : `table inet cordon is absent, nothing filters ${by.hook}`,
      };
  }
}

function lineOf(span: { line: number; column: number } | undefined): { line?: number; column?: number } {
  return span === undefined ? {} : { line: span.line, column: span.column };
}

/** Catalogue ids that explain a packet that passes. */
export function causesOf(context: ProofContext, host: Host, which: Passage, packet: Packet, part: PacketSet): string[] {
  const live = context.state.hosts.get(host.name)?.ruleset;
  if (live === undefined || !live.known) return [];
  const { ruleset } = live.value;
  const ids: string[] = [];
  if (!ruleset.tables.some((t) => isOwnTable(t) && t.family === 'inet')) ids.push('HOST-12', 'HOST-13');
  else if (isChanged(context, host) || isUnhooked(ruleset, which)) ids.push('HOST-13');
  if (!part.values('family').contains(4n)) ids.push('HOST-06');
  return [...ids, causeOf(context, host, which, packet)];
}

function causeOf(context: ProofContext, host: Host, which: Passage, packet: Packet): string {
  if (which === 'raw') return 'HOST-09';
  if (which === 'local') return 'HOST-30';
  if (packet.ct !== CT.originalNew && packet.ct !== CT.untracked) return 'HOST-08';
  if (which === 'forward') return 'HOST-05';
  if (which === 'out') {
    return packet.sport !== undefined && isServicePort(context, host, packet.sport) ? 'HOST-07' : 'HOST-22';
  }
  return TAILNET.contains(packet.dst) && packet.iif !== TAILNET_INTERFACE ? 'HOST-01' : 'HOST-02';
}

/** Our table is there, and no chain of it hangs in the packet's way: cut out, or put to sleep. */
function isUnhooked(ruleset: Ruleset, which: Passage): boolean {
  return which !== 'raw' && HOOKS[which].every((hook) => chainsAt(ruleset, hook).length === 0);
}

/** Our tables are not the declared ones: a waiver for what is declared does not cover what they let through. */
function isChanged({ state, declared }: ProofContext, host: Host): boolean {
  const live = state.hosts.get(host.name)?.ruleset;
  const wanted = declared?.hosts.get(host.name)?.ruleset;
  if (declared === state || live?.known !== true || wanted?.known !== true) return false;
  const file = rulesetSource(host);
  const compared = compareListings({ file, text: wanted.value.text }, { file, text: live.value.text });
  return !compared.ok || compared.value.length > 0;
}

function isServicePort(context: ProofContext, host: Host, port: number): boolean {
  const includes = (r: { first: number; last: number }) => port >= r.first && port <= r.last;
  return [...context.topology.services.values()].some(
    (s) => s.on === host.role && (s.tcp.some(includes) || s.udp.some(includes)),
  );
}
