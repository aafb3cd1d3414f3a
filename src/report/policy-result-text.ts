import { createColors } from 'picocolors';
import { AddressSet } from '../net/address-set.ts';
import { formatPrefix } from '../net/prefix.ts';
import { protocolName } from '../proof/claims/packet-words.ts';
import { formatSpan } from '../source/diagnostic.ts';
import type { Span } from '../source/span.ts';
import type { FilterRule } from '../tailnet/compile/filter-rules.ts';
import type { DeviceGroup, DeviceResult, PolicyResult } from '../tailnet/compile-policy.ts';
import type { Device } from '../tailnet/device.ts';
import { ALL_PORTS, DEFAULT_PROTOCOLS } from '../tailnet/policy/ports.ts';
import type { SshRule } from '../tailnet/ssh/rules.ts';
import { AddressWords } from './address-words.ts';
import { cutList } from './cut-list.ts';

type Colors = ReturnType<typeof createColors>;

/** `cordon policy compile` for people: one device, or all of them by groups. */
export function compileText(
  file: string,
  result: PolicyResult,
  shown: { readonly device: DeviceResult } | { readonly groups: readonly DeviceGroup[] },
  options: { readonly color: boolean },
): string {
  const c = createColors(options.color);
  const words = new AddressWords(result.devices);
  const lines: string[] = [];
  if ('device' in shown) {
    lines.push(c.bold(shown.device.device.name), ...deviceLines(c, result, words, shown.device));
  } else {
    const { groups } = shown;
    const devices = groups.reduce((sum, g) => sum + g.members.length, 0);
    lines.push(`${file}: ${count(devices, 'device')} in ${count(groups.length, 'group')} that no rule tells apart`);
    for (const { members, first } of groups) {
      lines.push(
        '',
        `${c.bold(cutList(members.map((d) => d.name)))}${members.length > 1 ? ` (${members.length})` : ''}`,
      );
      lines.push(...deviceLines(c, result, words, first));
    }
  }
  for (const kind of ['unmodelled', 'assumed'] as const) {
    const of = result.unmodelled.filter((u) => u.kind === kind);
    if (of.length === 0) continue;
    lines.push('', kind === 'assumed' ? 'Assumed: an upper bound, from documentation' : c.yellow('Not modelled'));
    for (const u of of) lines.push(`  ${u.span === undefined ? file : formatSpan(u.span)}: ${u.what}`);
  }
  return `${lines.join('\n')}\n`;
}

function deviceLines(c: Colors, result: PolicyResult, words: AddressWords, of: DeviceResult): string[] {
  const nameOf = (id: string) => result.device(id)?.device.name ?? id;
  return [
    ...of.rules.flatMap((rule) => ruleLines(c, words, of.device, rule)),
    ...of.capabilities.map(
      (r) => `  ${c.dim('capability')} ${r.name} for ${words.of(r.src, of.device)}${doubt(r.exact)}${at(c, r.span)}`,
    ),
    ...of.ssh.map((rule) => sshLine(c, words, of.device, rule)),
    `  ${c.dim('peers')}      ${of.peers.length === 0 ? 'none' : cutList(of.peers.map(nameOf))}`,
    ...of.routes.map((r) => {
      const maybe = r.maybe.length === 0 ? '' : `; perhaps ${cutList(r.maybe.map(formatPrefix))}`;
      return `  ${c.dim('route')}      ${cutList(r.prefixes.map(formatPrefix)) || 'none for certain'} by ${nameOf(r.peer)}${maybe}`;
    }),
  ];
}

/** `accept  tcp 443 from 100.64.0.3 to itself  grants[0] at policy.hujson:3:5`. */
function ruleLines(c: Colors, words: AddressWords, device: Device, rule: FilterRule): string[] {
  const byPorts = Map.groupBy(rule.dst, (t) => t.ports.toString());
  return [...byPorts].map(([ports, targets]) => {
    const to = targets.reduce((sum, t) => sum.union(t.addresses), AddressSet.empty);
    const what = protocolWords(rule.protocols, targets[0]?.ports.equals(ALL_PORTS) ?? false, ports);
    const via = rule.via ? ', by via' : '';
    const name = rule.section === 'default' ? 'no rule section' : `${rule.section}[${rule.index}]`;
    return `  ${c.green('accept')}     ${what} from ${words.of(rule.src, device)} to ${words.of(to, device)}${via}${doubt(rule.exact)}  ${c.dim(name)}${at(c, rule.span)}`;
  });
}

function protocolWords(protocols: readonly number[], everyPort: boolean, ports: string): string {
  const isDefault =
    protocols.length === DEFAULT_PROTOCOLS.length && DEFAULT_PROTOCOLS.every((p) => protocols.includes(p));
  const names = isDefault
    ? 'any'
    : protocols.length > DEFAULT_PROTOCOLS.length
      ? 'every protocol'
      : protocols.map(protocolName).join(',');
  return everyPort ? names : `${names} ${ports}`;
}

function sshLine(c: Colors, words: AddressWords, device: Device, rule: SshRule): string {
  const users = [...rule.users]
    .filter(([, local]) => local !== '')
    .map(([asked]) => (asked === '*' ? 'any but root' : asked));
  const who = `from ${words.of(rule.from, device)} as ${users.length === 0 ? 'nobody' : users.join(', ')}`;
  return `  ${c.dim('ssh')}        ${rule.action} ${who}${doubt(rule.exact)}  ${c.dim(`ssh[${rule.index}]`)}${at(c, rule.span)}`;
}

function doubt(exact: boolean): string {
  return exact ? '' : ', at most';
}

function at(c: Colors, span: Span | undefined): string {
  return span === undefined ? '' : c.dim(` at ${formatSpan(span)}`);
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`;
}
