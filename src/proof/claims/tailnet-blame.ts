import { AddressSet } from '../../net/address-set.ts';
import { PacketSet } from '../../net/packet-set.ts';
import type { Span } from '../../source/span.ts';
import type { Missing } from '../../state/known.ts';
import type { FilterRule } from '../../tailnet/compile/filter-rules.ts';
import type { Role } from '../../topology/model.ts';
import type { Blame } from '../claim.ts';
import type { ProofContext } from '../context.ts';
import { originOf } from '../origin.ts';
import { receiverAddresses, senderAddresses } from '../relations/identities.ts';
import type { TailnetReach } from '../relations/tailnet.ts';

/** The policy line, with its text; or the missing keys. */
export function blameOf(context: ProofContext, rule: Pick<FilterRule, 'span' | 'section' | 'index'>): Blame {
  const { span, section, index } = rule;
  if (span === undefined) {
    return { source: 'tailnet/policy', rule: 'neither `acls` nor `grants`: everything is allowed' };
  }
  const blame = policyBlame(context, span, `${section}[${index}]`);
  const { text } = blame;
  const origin =
    text === undefined || section === 'default' ? undefined : originOf(context.topology, { section, index }, text);
  return origin === undefined ? blame : { ...blame, origin };
}

/** An entry of the policy in force, with its text. */
export function policyBlame(context: ProofContext, span: Span, rule: string): Blame {
  const { policy } = context.state.tailnet;
  const place = { source: 'tailnet/policy', line: span.line, column: span.column, rule };
  if (!policy.known) return place;
  return { ...place, text: policy.value.text.slice(span.offset, span.offset + span.length) };
}

/** Why an excess is not sure: the rule's meaning is only bounded from above. */
export function boundedMissing({ source, line, column }: Blame): Missing {
  const place = line === undefined ? source : `${source}:${line}:${column ?? 1}`;
  return { source: place, why: 'how far this rule reaches is only known from above' };
}

interface Explained {
  readonly rule: FilterRule;
  readonly role: Role;
  readonly claim: 'ingress' | 'egress';
  readonly packets: PacketSet;
}

/** Catalogue ids that explain an excess, from the rule that admits it. */
export function causesOf(
  context: ProofContext,
  reach: TailnetReach,
  { rule, role, claim, packets }: Explained,
): string[] {
  if (rule.section === 'default') return ['TS-ACL-01'];
  if (packets.subtract(strangerPackets(context, reach)).isEmpty()) return ['TS-DEV-02'];
  const ids: string[] = [];
  if (claim === 'egress' && role.kind === 'model') ids.push('TS-ACL-03');
  else if (onlyMorePorts(context, reach, packets)) ids.push('TS-ACL-05');
  else ids.push('TS-ACL-02');
  if (onlyRouted(reach, packets)) ids.push('TS-ACL-08');
  if (onlyFuture(reach, packets)) ids.push('TS-ACL-26');
  const { policy } = context.state.tailnet;
  const sections = policy.known ? policy.value.policy.sections : undefined;
  if (sections?.acls === 'present' && sections.grants === 'present') ids.push('TS-ACL-04');
  return ids;
}

/** Everything from or to a device that holds a protected tag without being declared. */
function strangerPackets(context: ProofContext, reach: TailnetReach): PacketSet {
  const tags = new Set([...context.topology.roles.values()].map((r) => r.tag));
  const strangers = reach.universe.devices.filter(
    (d) => !reach.universe.future.has(d.id) && !context.isDeclared(d) && d.tags.some((t) => tags.has(t)),
  );
  const addresses = AddressSet.ofAddresses(...strangers.flatMap((d) => d.addresses));
  return PacketSet.ofAddresses('src', addresses).union(PacketSet.ofAddresses('dst', addresses));
}

/** The sources may reach the role, but not on these ports. */
function onlyMorePorts(context: ProofContext, reach: TailnetReach, packets: PacketSet): boolean {
  const pairs = context.paths
    .filter((p) => p.kind !== 'link')
    .map((p) =>
      PacketSet.ofAddresses('src', senderAddresses(context, reach, p)).intersect(
        PacketSet.ofAddresses('dst', receiverAddresses(context, reach, p)),
      ),
    );
  return packets.isSubsetOf(PacketSet.unionAll(pairs));
}

/** The packets go to no device itself, only through one. */
function onlyRouted({ universe }: TailnetReach, packets: PacketSet): boolean {
  return !packets.overlaps(PacketSet.ofAddresses('dst', universe.addresses));
}

/** Nobody of those who may send them exists yet. */
function onlyFuture({ universe }: TailnetReach, packets: PacketSet): boolean {
  return !packets.overlaps(PacketSet.ofAddresses('src', universe.presentAddresses));
}
