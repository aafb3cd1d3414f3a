import { formatAddress } from '../net/address.ts';
import type { AddressSet } from '../net/address-set.ts';
import { formatPrefix } from '../net/prefix.ts';
import type { CapabilityRule } from '../tailnet/compile/capability-rules.ts';
import type { FilterRule } from '../tailnet/compile/filter-rules.ts';
import type { DeviceGroup, DeviceResult, PolicyResult } from '../tailnet/compile-policy.ts';
import type { Device } from '../tailnet/device.ts';
import type { SshRule } from '../tailnet/ssh/rules.ts';
import { placeJson, policyEnvelope, unmodelledJson } from './policy-json.ts';

/** `cordon policy compile`: one device, or all of them by groups. */
export function compileJson(
  file: string,
  result: PolicyResult,
  shown: { readonly device: DeviceResult } | { readonly groups: readonly DeviceGroup[] },
): string {
  return policyEnvelope({
    file,
    ...('device' in shown
      ? { device: deviceJson(shown.device) }
      : {
          groups: shown.groups.map((g) => ({
            count: g.members.length,
            members: g.members.map((d) => ({ id: d.id, name: d.name })),
            first: deviceJson(g.first),
          })),
        }),
    unmodelled: result.unmodelled.map(unmodelledJson),
  });
}

function deviceJson(result: DeviceResult) {
  const { device, rules, capabilities, ssh, attributes, addresses, peers, routes } = result;
  return {
    ...identityJson(device),
    addresses: addresses.map(formatAddress),
    rules: rules.map(ruleJson),
    capabilities: capabilities.map(capabilityJson),
    ssh: ssh.map(sshJson),
    attributes: attributes.map(({ name, exact, span }) => ({ name, exact, ...placeJson(span) })),
    peers,
    routes: routes.map((r) => ({
      peer: r.peer,
      prefixes: r.prefixes.map(formatPrefix),
      maybe: r.maybe.map(formatPrefix),
    })),
  };
}

function identityJson({ id, name, user, tags }: Device) {
  return { id, name, ...(user === undefined ? { tags } : { user }) };
}

/** Addresses, ranges and prefixes, or `*`. */
function listOf(set: AddressSet): string[] {
  return set.isEmpty() ? [] : set.format().split(',');
}

function ruleJson(rule: FilterRule) {
  const { section, index, src, dst, protocols, via, exact, span } = rule;
  return {
    rule: section === 'default' ? section : `${section}[${index}]`,
    src: listOf(src),
    dst: dst.map((t) => ({ addresses: listOf(t.addresses), ports: t.ports.toString() })),
    protocols,
    via,
    exact,
    ...placeJson(span),
  };
}

function capabilityJson({ name, values, src, dst, index, exact, span }: CapabilityRule) {
  return { rule: `grants[${index}]`, name, values, src: listOf(src), dst: listOf(dst), exact, ...placeJson(span) };
}

function sshJson({ action, from, users, acceptEnv, checkPeriod, index, exact, span }: SshRule) {
  return {
    rule: `ssh[${index}]`,
    action,
    src: listOf(from),
    users: Object.fromEntries(users),
    acceptEnv,
    ...(checkPeriod === undefined ? {} : { checkPeriod }),
    exact,
    ...placeJson(span),
  };
}
