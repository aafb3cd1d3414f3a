import { ADDRESS_BITS } from '../../net/address.ts';
import { AddressSet } from '../../net/address-set.ts';
import { formatPrefix, type Prefix } from '../../net/prefix.ts';
import type { Span } from '../../source/span.ts';
import { addressSetOf } from '../compile/address-list.ts';
import { Resolver } from '../compile/resolver.ts';
import { approvedRoutes, type Device, isExitRoute } from '../device.ts';
import type { Policy } from '../policy/policy.ts';
import { isIdentity } from '../policy/selector.ts';
import { INTERNET, TAILNET } from '../ranges.ts';
import { finding, type LintFinding } from './finding.ts';
import { type Reference, references } from './references.ts';

/** What the policy names and the tailnet does not have. */
export function holderFindings(policy: Policy, devices: readonly Device[]): LintFinding[] {
  const uses = references(policy);
  return [...nobody(policy, uses, devices), ...addresses(policy, uses, devices)];
}

/** Each name once, where it is used first. */
function nobody(policy: Policy, uses: readonly Reference[], devices: readonly Device[]): LintFinding[] {
  const resolver = new Resolver(policy, devices);
  // A tag that owns tags and a user who does need no device of their own.
  const inForce = uses.filter(
    ({ where, ref }) => isIdentity(ref.selector) && !/^(tagOwners|tests|sshTests)/.test(where),
  );
  const byName = Map.groupBy(inForce, ({ ref }) => ref.text.trim());
  return [...byName].flatMap(([name, [first, ...more]]) => {
    if (first === undefined || first.ref.selector.kind === 'role') return [];
    if (resolver.resolve(first.ref).devices.length > 0 || isEmptyGroup(policy, first)) return [];
    const others = more.length === 0 ? '' : ` (and ${more.length} more place${more.length === 1 ? '' : 's'})`;
    return [
      finding(
        'nobody-holds',
        first.ref.span,
        `${first.where}${others}: no device is meant by ${JSON.stringify(name)}`,
        'remove it, or see why nobody has it: whoever gets it later gets what it is granted',
        more.map((m) => ({ span: m.ref.span, message: `used in ${m.where} as well` })),
      ),
    ];
  });
}

function isEmptyGroup(policy: Policy, { ref: { selector: s } }: Reference): boolean {
  return s.kind === 'group' && policy.groups.get(s.name)?.items.length === 0;
}

interface Named {
  /** `the host "nas"` or the literal. */
  readonly what: string;
  readonly prefix: Prefix;
  readonly span: Span;
  /** Where it is used as a destination. */
  readonly isDestination: boolean;
}

function addresses(policy: Policy, uses: readonly Reference[], devices: readonly Device[]): LintFinding[] {
  const held = addressSetOf(devices.flatMap((d) => d.addresses));
  const routes = AddressSet.ofPrefixes(...devices.flatMap((d) => approvedRoutes(d).filter((r) => !isExitRoute(r))));
  const hasExit = devices.some((d) => approvedRoutes(d).some(isExitRoute));
  return [...(hasExit ? [] : exitless(uses)), ...unheld(policy, uses, { held, routes, hasExit })];
}

/** The internet, for which no exit node is approved. */
function exitless(uses: readonly Reference[]): LintFinding[] {
  return uses.filter(isInternet).map(({ where, ref }) => {
    const message = `${where} is the internet, and no exit node is approved`;
    return finding('unrouted-address', ref.span, message, 'approve an exit node, or remove the destination');
  });
}

function isInternet({ where, ref }: Reference): boolean {
  return isRuleDestination(where) && ref.selector.kind === 'internet';
}

function isRuleDestination(where: string): boolean {
  return /^(acls|grants).*dst$/.test(where);
}

/** What the tailnet has. */
interface Reachable {
  readonly held: AddressSet;
  readonly routes: AddressSet;
  readonly hasExit: boolean;
}

function unheld(policy: Policy, uses: readonly Reference[], { held, routes, hasExit }: Reachable): LintFinding[] {
  return namedAddresses(policy, uses).flatMap(({ what, prefix, span, isDestination }) => {
    const set = AddressSet.ofPrefixes(prefix);
    if (set.isSubsetOf(TAILNET) && !set.overlaps(routes)) {
      if (set.overlaps(held)) return [];
      const message = `${what} is ${written(prefix)}, which no device has`;
      return [finding('stale-address', span, message, 'remove it: whoever gets the address gets what it is granted')];
    }
    if (!isDestination || set.overlaps(routes) || set.overlaps(TAILNET) || (hasExit && set.overlaps(INTERNET)))
      return [];
    const message = `${what} is ${written(prefix)}, and no approved route leads there`;
    return [finding('unrouted-address', span, message, 'approve the route, or remove the destination')];
  });
}

/** Hosts that are used, where they are defined, and literals where they are used. */
function namedAddresses(policy: Policy, uses: readonly Reference[]): Named[] {
  const isDestination = ({ where }: Reference) => isRuleDestination(where);
  const hosts = [...policy.hosts.values()].flatMap((host): Named[] => {
    const of = uses.filter(({ ref: { selector: s } }) => s.kind === 'host' && s.name === host.name);
    if (host.prefix === undefined || of.length === 0) return [];
    const what = `the host ${JSON.stringify(host.name)}`;
    return [{ what, prefix: host.prefix, span: host.span, isDestination: of.some(isDestination) }];
  });
  const literals = uses.flatMap((use): Named[] => {
    const s = use.ref.selector;
    if (s.kind !== 'prefix' || s.prefix.length === 0 || /^(tests|sshTests)/.test(use.where)) return [];
    return [{ what: use.where, prefix: s.prefix, span: use.ref.span, isDestination: isDestination(use) }];
  });
  return [...hosts, ...literals];
}

/** An address, or a prefix where it is more than one. */
function written(prefix: Prefix): string {
  return prefix.length === ADDRESS_BITS[prefix.family]
    ? formatPrefix(prefix).replace(/\/.*/, '')
    : formatPrefix(prefix);
}
