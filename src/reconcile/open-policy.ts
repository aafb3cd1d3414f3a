import type { Policy } from '../tailnet/policy/policy.ts';
import { ALL_PORTS, DEFAULT_PROTOCOLS, type IpSpec } from '../tailnet/policy/ports.ts';

/**
 * Whether a policy surely lets every device reach every other on every port: no rule section at all, or one rule from
 * `*` to `*` without a condition.
 */
export function allowsEverything({ sections, rules }: Policy): boolean {
  if (sections.acls === 'absent' && sections.grants === 'absent') return true;
  return rules.some(
    (r) =>
      r.hasIp &&
      r.via.length + r.posture.length + r.unknownKeys.length + r.faults.length === 0 &&
      (r.section === 'grants' || r.action?.text === 'accept') &&
      r.src.some((s) => s.selector.kind === 'any') &&
      r.dst.some((d) => d.selector.kind === 'any' && d.ip.some(isEverything)),
  );
}

function isEverything({ protocols, ports }: IpSpec): boolean {
  return DEFAULT_PROTOCOLS.every((p) => protocols.includes(p)) && ports.equals(ALL_PORTS);
}
