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
import { AddressWords, shortName } from './address-words.ts';
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
    lines.push(`${file}: ${c.bold(shown.device.device.name)}`, ...deviceLines(c, words, shown.device));
  } else {
    const { groups } = shown;
    const devices = groups.reduce((sum, g) => sum + g.members.length, 0);
    lines.push(`${file}: ${count(devices, 'device')} in ${count(groups.length, 'group')} that no rule tells apart`);
    for (const { members, first } of groups) {
      lines.push('', `${c.bold(cutList(members.map(shortName)))}${members.length > 1 ? ` (${members.length})` : ''}`);
      lines.push(...deviceLines(c, words, first));
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

function deviceLines(c: Colors, words: AddressWords, of: DeviceResult): string[] {
  const nameOf = (id: string) => words.nameOf(id);
  return [
    ...ruleLines(c, words, of.device, of.rules),
    ...of.capabilities.map(
      (r) =>
        `  ${c.dim('capability')} ${r.name} for ${words.of(r.src, of.device)}${doubt(r.exact)}  ${place(c, `grants[${r.index}]`, r.span)}`,
    ),
    ...of.ssh.flatMap((rule) => sshLine(c, words, of.device, rule) ?? []),
    ...of.attributes.flatMap(({ name, exact, span }) =>
      span === undefined ? [] : `  ${c.dim('attribute')}  ${name}${doubt(exact)}  ${place(c, 'nodeAttrs', span)}`,
    ),
    `  ${c.dim('peers')}      ${of.peers.length === 0 ? 'none' : cutList(of.peers.map(nameOf))}`,
    ...of.routes.map((r) => {
      const maybe = r.maybe.length === 0 ? '' : `; perhaps ${cutList(r.maybe.map(formatPrefix))}`;
      return `  ${c.dim('route')}      ${cutList(r.prefixes.map(formatPrefix)) || 'none for certain'} by ${nameOf(r.peer)}${maybe}`;
    }),
  ];
}

/** `accept  tcp 443; udp 53 from web-1 to itself  grants[0] 3:5`: what one rule says of the same addresses in one line. */
function ruleLines(c: Colors, words: AddressWords, device: Device, rules: readonly FilterRule[]): string[] {
  const lines = new Map<string, { readonly what: string[]; readonly rest: string }>();
  for (const rule of rules) {
    for (const [ports, targets] of Map.groupBy(rule.dst, (t) => t.ports.toString())) {
      const to = targets.reduce((sum, t) => sum.union(t.addresses), AddressSet.empty);
      const via = rule.via ? ', by via' : '';
      const name = rule.section === 'default' ? 'no rule section' : `${rule.section}[${rule.index}]`;
      const rest = `from ${words.of(rule.src, device)} to ${words.of(to, device)}${via}${doubt(rule.exact)}  ${place(c, name, rule.span)}`;
      const line = lines.get(rest) ?? { what: [], rest };
      line.what.push(protocolWords(rule.protocols, targets[0]?.ports.equals(ALL_PORTS) ?? false, ports));
      lines.set(rest, line);
    }
  }
  return [...lines.values()].map(({ what, rest }) => `  ${c.green('accept')}     ${what.join('; ')} ${rest}`);
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

function sshLine(c: Colors, words: AddressWords, device: Device, rule: SshRule): string | undefined {
  const users = [...rule.users]
    .filter(([, local]) => local !== '')
    .map(([asked]) => (asked === '*' ? 'any but root' : asked));
  // Some rules only refuse root, which is what happens without them too.
  if (users.length === 0) return undefined;
  const who = `from ${words.of(rule.from, device)} as ${users.join(', ')}`;
  return `  ${c.dim('ssh')}        ${rule.action} ${who}${doubt(rule.exact)}  ${place(c, `ssh[${rule.index}]`, rule.span)}`;
}

function doubt(exact: boolean): string {
  return exact ? '' : ', at most';
}

/** `grants[3] 12:5`: the file is named once, at the top. */
function place(c: Colors, name: string, span: Span | undefined): string {
  return c.dim(span === undefined ? name : `${name} ${span.line}:${span.column}`);
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`;
}
