import { formatSpan } from '../../source/diagnostic.ts';
import { type Missing, missingOf } from '../../state/known.ts';
import type { Aspect } from '../../tailnet/policy/policy.ts';
import type { Host } from '../../topology/model.ts';
import type { Blame, Claim } from '../claim.ts';
import { type ProofContext, unlisted } from '../context.ts';
import { namesTailnetAddresses } from '../relations/literals.ts';
import { attributeExcess } from './attribute-excess.ts';
import { capabilityExcess } from './capability-excess.ts';
import type { Excess } from './excess.ts';
import { hostExcess } from './host-excess.ts';
import { uniqueMissing, unmodelledMissing } from './missing.ts';
import { routeExcess } from './route-excess.ts';
import { sshExcess } from './ssh-excess.ts';
import { tailnetExcess } from './tailnet-excess.ts';

/**
 * `ingress` and `egress` of every host: at each layer by itself, nothing gets in or out but the declared flows.
 * Violated by what surely passes; unknown where something could pass, or a layer could not be read.
 */
export function isolationClaims(context: ProofContext): readonly Claim[] {
  const all = [
    ...tailnetExcess(context),
    ...capabilityExcess(context),
    ...routeExcess(context),
    ...sshExcess(context),
    ...attributeExcess(context),
    ...hostExcess(context),
  ];
  return [...context.topology.hosts.values()].flatMap((host) =>
    (['ingress', 'egress'] as const).map((claim) =>
      toClaim(
        context,
        host,
        claim,
        all.filter((e) => e.host === host && e.claim === claim),
      ),
    ),
  );
}

function toClaim(context: ProofContext, host: Host, claim: 'ingress' | 'egress', found: readonly Excess[]): Claim {
  const sure = found.filter((e) => e.sure);
  const missing = uniqueMissing([...found.flatMap((e) => e.missing), ...tailnetMissing(context, host)]);
  const witness = sure.find((e) => e.witness !== undefined)?.witness;
  if (sure.length === 0) {
    const state = found.length > 0 || missing.length > 0 ? 'unknown' : 'holds';
    return { claim, subject: host.name, state, causes: [], blame: [], missing: whyUnknown(found, missing) };
  }
  return {
    claim,
    subject: host.name,
    state: 'violated',
    causes: causesOf(context, sure),
    ...(witness === undefined ? {} : { witness }),
    blame: distinctBlame(sure),
    missing,
  };
}

/** Never unknown without a reason: something could pass, and nothing says what keeps that from being decided. */
function whyUnknown(found: readonly Excess[], missing: readonly Missing[]): readonly Missing[] {
  if (missing.length > 0) return missing;
  return found.flatMap((e) => e.blame).map((b) => ({ source: b.source, why: 'what passes here cannot be decided' }));
}

function causesOf(context: ProofContext, found: readonly Excess[]): string[] {
  const ids = new Set(found.flatMap((e) => e.causes));
  // "Nobody yet" is the story only where somebody who exists is not.
  if (found.some((e) => e.witness !== undefined && !e.causes.includes('TS-ACL-26'))) ids.delete('TS-ACL-26');
  if (isEdited(context) && found.some((e) => e.blame.some((b) => b.source === 'tailnet/policy'))) ids.add('IAC-03');
  return [...ids];
}

/** The live policy is not the declared one: somebody changed it past the topology. */
function isEdited({ state, declared }: ProofContext): boolean {
  const live = state.tailnet.policy;
  const wanted = declared?.tailnet.policy;
  return wanted?.known === true && live.known && wanted.value.etag !== live.value.etag;
}

/**
 * What a construct that is not modelled could open to a host on the tailnet; packets could also reach any other. Whom an
 * attribute that nobody knows is given to is known, so it is an excess of those hosts.
 */
const ON_THE_TAILNET: readonly Aspect[] = ['packets', 'peers', 'ssh'];
const ANYWHERE: readonly Aspect[] = ['packets', 'peers'];

/**
 * What keeps the tailnet's part from being known. A host off the tailnet is no exception: a router may lead to it. A rule
 * that is bounded from above is not among this: where the bound reaches a host, it is an excess that is not sure.
 */
function tailnetMissing(context: ProofContext, host: Host): readonly Missing[] {
  const { policy } = context.state.tailnet;
  if (!context.tailnet.known || !policy.known) return missingOf(context.tailnet);
  const touching = host.device === undefined ? ANYWHERE : ON_THE_TAILNET;
  const unmodelled = policy.value.policy.unmodelled.filter(
    (u) => u.kind === 'unmodelled' && u.touches.some((t) => touching.includes(t)),
  );
  return [
    ...unlisted(context, host),
    ...strangeDevices(context),
    ...unpinnedMissing(context, host),
    ...unmodelled.map(unmodelledMissing),
  ];
}

/**
 * A stranger without an address in the list could be behind any address that a rule admits; of a device that another
 * tailnet shares it is not known who uses it.
 */
function strangeDevices(context: ProofContext): readonly Missing[] {
  if (!context.tailnet.known) return [];
  const { devices, unpinned } = context.tailnet.value.universe;
  return devices.flatMap((d) => {
    const is = (what: string) => [{ source: 'tailnet/devices', why: `device ${d.id} (${d.name}) is ${what}` }];
    if (d.isExternal) return is('shared in from another tailnet');
    return unpinned.has(d.id) && !context.isDeclared(d) ? is('listed without addresses') : [];
  });
}

/** The device's addresses are not in the list, and a rule names addresses: it may be the one that is meant. */
function unpinnedMissing(context: ProofContext, host: Host): readonly Missing[] {
  const { policy } = context.state.tailnet;
  if (!context.tailnet.known || !policy.known || host.device === undefined) return [];
  if (!context.tailnet.value.universe.unpinned.has(host.device)) return [];
  if (host.tailnetAddresses.length > 0) {
    return [{ source: 'tailnet/devices', why: `device ${host.device} of ${host.name} is listed without addresses` }];
  }
  return policy.value.policy.rules
    .filter((rule) => namesTailnetAddresses(policy.value.policy, rule))
    .map((rule) => ({
      source: formatSpan(rule.span),
      why: `this rule names tailnet addresses, and ${host.name} has none in the device list: it may be meant`,
    }));
}

function distinctBlame(found: readonly Excess[]): Blame[] {
  const blame = found.flatMap((e) => e.blame);
  return [...new Map(blame.map((b) => [JSON.stringify(b), b])).values()];
}
