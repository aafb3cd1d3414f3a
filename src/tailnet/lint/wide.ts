import { formatPrefix, type Prefix } from '../../net/prefix.ts';
import { approvedRoutes, type Device, isExitRoute } from '../device.ts';
import type { Policy, PolicyRule, SelectorRef, Target } from '../policy/policy.ts';
import { ALL_PORTS, DEFAULT_PROTOCOLS } from '../policy/ports.ts';
import { finding, type LintFinding } from './finding.ts';

/**
 * Rules that admit more than their text shows.
 * @param devices undefined when they are not known
 */
export function wideFindings(policy: Policy, devices: readonly Device[] | undefined): LintFinding[] {
  const routes = (devices ?? []).flatMap((device) => approvedRoutes(device).map((route) => ({ device, route })));
  return [
    ...defaultFinding(policy),
    ...policy.rules.flatMap((rule) => [...openFindings(rule), ...routed(rule, routes)]),
  ];
}

function defaultFinding(policy: Policy): LintFinding[] {
  const { acls, grants } = policy.sections;
  if (acls !== 'absent' || grants !== 'absent') return [];
  const span = { file: policy.file, line: 1, column: 1, offset: 0, length: 0 };
  const message = 'neither acls nor grants is given, so everybody may reach everything on every port';
  return [finding('allow-all-default', span, message, 'add "grants": [] and the grants that are needed')];
}

function openFindings(rule: PolicyRule): LintFinding[] {
  const name = `${rule.section}[${rule.index}]`;
  const everybody = rule.src.find((s) => s.selector.kind === 'any' || s.selector.kind === 'danger-all');
  const everything = rule.dst.find((t) => t.selector.kind === 'any' && isEveryPort(t));
  const out: LintFinding[] = [];
  if (everybody !== undefined && everything !== undefined && rule.via.length === 0) {
    const message = `${name} lets everybody reach everything on every port`;
    out.push(finding('allow-all', everything.span, message, 'name who needs what, or remove the rule'));
  }
  for (const ref of rule.src.filter((s) => s.selector.kind === 'danger-all')) {
    const message = `${name}: autogroup:danger-all is any address at all, whoever has it`;
    out.push(finding('danger-all-source', ref.span, message, 'use * or autogroup:member'));
  }
  return out;
}

function isEveryPort(target: Target): boolean {
  return target.ip.some((ip) => ip.ports.equals(ALL_PORTS) && DEFAULT_PROTOCOLS.every((p) => ip.protocols.includes(p)));
}

/** A route in force. */
interface Approved {
  readonly device: Device;
  readonly route: Prefix;
}

function routed(rule: PolicyRule, routes: readonly Approved[]): LintFinding[] {
  const name = `${rule.section}[${rule.index}]`;
  const subnets = routes.filter(({ route }) => !isExitRoute(route));
  const any = (ref: SelectorRef) => ref.selector.kind === 'any';
  return [
    ...rule.src.filter(any).flatMap((ref) => {
      if (subnets.length === 0) return [];
      const message = `${name}: "*" in src also means whoever is behind the approved subnet routes ${list(subnets)}`;
      return [
        finding('wildcard-source-routes', ref.span, message, 'use autogroup:member and autogroup:tagged for devices'),
      ];
    }),
    ...rule.dst.filter(any).flatMap((ref) => {
      if (routes.length === 0 || rule.via.length > 0) return [];
      const message = `${name}: "*" in dst also opens what is behind approved routes: ${list(routes)}`;
      return [
        finding('wildcard-destination-routes', ref.span, message, 'name the tags and prefixes that are to be reached'),
      ];
    }),
  ];
}

const SHOWN = 4;

/** `10.0.0.0/8 (router), the internet (exit)`. */
function list(routes: readonly Approved[]): string {
  const byRoute = new Map<string, Set<string>>();
  for (const { device, route } of routes) {
    const key = isExitRoute(route) ? 'the internet' : formatPrefix(route);
    byRoute.set(key, (byRoute.get(key) ?? new Set()).add(device.name));
  }
  const texts = [...byRoute]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([r, by]) => `${r} (${[...by].sort().join(', ')})`);
  const more = texts.length - SHOWN;
  return `${texts.slice(0, SHOWN).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
