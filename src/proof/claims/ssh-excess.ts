import { AddressSet } from '../../net/address-set.ts';
import { IntervalSet } from '../../net/interval-set.ts';
import { CT, PROTO } from '../../net/packet.ts';
import { PacketSet } from '../../net/packet-set.ts';
import type { Missing } from '../../state/known.ts';
import type { Device } from '../../tailnet/device.ts';
import { localUser } from '../../tailnet/ssh/logins.ts';
import type { SshRule } from '../../tailnet/ssh/rules.ts';
import type { ProofContext } from '../context.ts';
import { operatorAddresses } from '../relations/identities.ts';
import type { TailnetReach } from '../relations/tailnet.ts';
import type { Excess } from './excess.ts';
import { witnessPacket } from './packet-words.ts';
import { type Parties, type Protected, partiesOf, targetsAt } from './parties.ts';
import { boundedMissing, policyBlame } from './tailnet-blame.ts';

/**
 * Rules of Tailscale SSH that reach a protected host, or that the model may use. A login also needs the packet filter,
 * but each section has to hold by itself: a session is a shell and a tunnel, whoever opens port 22 tomorrow.
 *
 * On hosts other than the model, operators may log in under names that are written out and not root, after a check.
 */
export function sshExcess(context: ProofContext): readonly Excess[] {
  if (!context.tailnet.known) return [];
  const reach = context.tailnet.value;
  const parties = partiesOf(context, reach);
  const operators = operatorAddresses(context, reach);
  return reach.universe.devices.flatMap((device) =>
    reach.compiled
      .sshOn(device.id)
      .flatMap((rule) => [
        ...intoHosts(context, reach, { parties, operators }, device, rule),
        ...fromModels(context, reach, parties, device, rule),
      ]),
  );
}

interface Whom {
  readonly parties: Parties;
  readonly operators: AddressSet;
}

function intoHosts(
  context: ProofContext,
  reach: TailnetReach,
  { parties, operators }: Whom,
  device: Device,
  rule: SshRule,
): Excess[] {
  const own = AddressSet.ofAddresses(...device.addresses);
  return parties.protected.flatMap((p) => {
    if (!targetsAt(context, device, p).overlaps(own)) return [];
    const from = rule.from.subtract(own);
    if (from.isEmpty()) return [];
    if (p.role.kind === 'model')
      return [excess(context, reach, { p, claim: 'ingress', id: 'TS-ACL-15', from, to: own, rule })];
    const strangers = from.subtract(operators);
    if (strangers.isEmpty() && isCareful(rule)) return [];
    const whom = strangers.isEmpty() ? from : strangers;
    const missing = strangers.isEmpty() || !isCareful(rule) ? [] : unresolvedOperators(context);
    return [excess(context, reach, { p, claim: 'ingress', id: 'TS-ACL-27', from: whom, to: own, rule, missing })];
  });
}

/** Asked again, and for a name that is written out and is not root's. */
function isCareful(rule: SshRule): boolean {
  return rule.action === 'check' && !rule.users.has('*') && localUser(rule.users, 'root') === undefined;
}

/** Who is in a group that no file lists cannot be told: those whom the rule lets in may all be operators. */
function unresolvedOperators({ operators }: ProofContext): Missing[] {
  return operators.unresolved.map((name) => ({ source: 'topology', why: `who is in ${name} is in no file` }));
}

function fromModels(
  context: ProofContext,
  reach: TailnetReach,
  parties: Parties,
  device: Device,
  rule: SshRule,
): Excess[] {
  const own = AddressSet.ofAddresses(...device.addresses);
  return parties.protected.flatMap((p) => {
    const from = rule.from.intersect(p.addresses).subtract(own);
    if (p.role.kind !== 'model' || from.isEmpty()) return [];
    return [excess(context, reach, { p, claim: 'egress', id: 'TS-ACL-15', from, to: own, rule })];
  });
}

interface Found {
  readonly p: Protected;
  readonly claim: 'ingress' | 'egress';
  readonly id: string;
  readonly from: AddressSet;
  readonly to: AddressSet;
  readonly rule: SshRule;
  readonly missing?: readonly Missing[];
}

const SSH = PacketSet.box({
  proto: IntervalSet.point(BigInt(PROTO.tcp)),
  dport: IntervalSet.point(22n),
  ct: IntervalSet.point(BigInt(CT.originalNew)),
});

function excess(context: ProofContext, reach: TailnetReach, found: Found): Excess {
  const { p, claim, id, from, to, rule, missing = [] } = found;
  const packets = SSH.intersect(PacketSet.ofAddresses('src', from)).intersect(PacketSet.ofAddresses('dst', to));
  const blame = policyBlame(context, rule.span, `ssh[${rule.index}]`);
  const sure = rule.exact && missing.length === 0;
  const present = reach.universe.presentAddresses;
  const known = packets.intersect(PacketSet.ofAddresses('src', present));
  const packet = (known.isEmpty() ? packets : known).sample();
  const { whois } = reach.universe;
  return {
    host: p.host,
    claim,
    sure,
    packets,
    causes: [id],
    witness:
      packet === undefined
        ? undefined
        : {
            packet: witnessPacket(packet),
            from: whois(packet.src),
            to: `${whois(packet.dst)} as ${loginOf(rule)}`,
            layer: `Tailscale SSH (${rule.action})`,
          },
    blame: [blame],
    missing: [...(rule.exact ? [] : [boundedMissing(blame)]), ...missing],
  };
}

/** The name that lets most in: root, any, or the first that is written out. */
function loginOf({ users }: SshRule): string {
  if (localUser(users, 'root') !== undefined) return 'root';
  return users.has('*') ? 'any user' : ([...users].find(([, local]) => local !== '')?.[0] ?? 'nobody');
}
