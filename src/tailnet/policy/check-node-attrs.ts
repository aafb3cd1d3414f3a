import { containsPrefix, overlaps, type Prefix, parsePrefix, TAILNET_V4 } from '../../net/prefix.ts';
import { undeclared } from './check-ssh.ts';
import type { NodeAttrEntry } from './parse-node-attrs.ts';
import type { LocatedText, Policy, SelectorRef } from './policy.ts';

/** Addresses that Tailscale keeps for itself (tailscale/tailscale net/tsaddr: the service address and ChromeOSVMRange). */
const RESERVED: readonly Prefix[] = ['100.100.100.0/24', '100.115.92.0/23'].flatMap(
  (p) => parsePrefix(p)?.prefix ?? [],
);

/** Autogroups that mean no devices (reported: juanfont/headscale hscontrol/policy/v2/types.go). */
const NO_TARGETS = new Set(['self', 'internet', 'danger-all', 'shared']);

/**
 * What the API refuses in an entry of `nodeAttrs`. That a target must be an address or a name is captured, with the
 * words; which autogroups and address pools it refuses is reported.
 */
export function nodeAttrRefusals(policy: Policy, entry: NodeAttrEntry): LocatedText[] {
  return [
    ...entry.target.flatMap((target) => targetRefusals(policy, target)),
    ...entry.ipPool.flatMap((pool) => poolRefusals(pool)),
  ];
}

function targetRefusals(policy: Policy, target: SelectorRef): LocatedText[] {
  const s = target.selector;
  const quoted = JSON.stringify(target.text);
  if (s.kind === 'unknown' || (s.kind === 'host' && !policy.hosts.has(s.name))) {
    return [{ text: `${quoted}: invalid address`, span: target.span }];
  }
  if (NO_TARGETS.has(s.kind)) return [{ text: `${quoted} not valid as a target of nodeAttrs`, span: target.span }];
  return undeclared(policy, target, '');
}

function poolRefusals(pool: LocatedText): LocatedText[] {
  const prefix = parsePrefix(pool.text)?.prefix;
  const refuse = (why: string) => [{ text: `ipPool ${JSON.stringify(pool.text)}: ${why}`, span: pool.span }];
  if (prefix === undefined) return refuse('invalid address');
  if (!containsPrefix(TAILNET_V4, prefix)) return refuse('must lie within 100.64.0.0/10');
  return RESERVED.some((r) => overlaps(r, prefix)) ? refuse('overlaps a range that Tailscale reserves') : [];
}
