import type { Address } from '../../net/address.ts';
import type { Span } from '../../source/span.ts';
import type { Resolver } from '../compile/resolver.ts';
import type { TailnetFacts } from '../compile.ts';
import { approvedRoutes, isExitRoute } from '../device.ts';
import type { LocatedText, Policy, SelectorRef } from '../policy/policy.ts';

/** A node capability that the control plane stamps on a device. Its value is null. */
export interface NodeAttribute {
  readonly name: string;
  /** Where the policy says it; undefined for what every device has. */
  readonly span: Span | undefined;
  /** False: which users the target means is not known; the device may have it. */
  readonly exact: boolean;
}

/** On every device, whatever the policy says (captures of the control plane). */
const DEFAULTS: readonly NodeAttribute[] = [
  'https://tailscale.com/cap/file-sharing',
  'https://tailscale.com/cap/ssh',
  'https://tailscale.com/cap/tailnet-lock',
  'probe-udp-lifetime',
  'ssh-behavior-v1',
  'ssh-env-vars',
  'store-appc-routes',
].map((name) => ({ name, span: undefined, exact: true }));

/** What comes along with an attribute (captures of the control plane). */
const COMPANIONS: Readonly<Record<string, string>> = {
  funnel: 'https://tailscale.com/cap/funnel-ports?ports=443,8443,10000',
};

interface Stamp {
  readonly names: readonly LocatedText[];
  readonly devices: ReadonlySet<number> | 'all';
  readonly exact: boolean;
}

/** The attributes and addresses that the devices of a tailnet get (captures of the control plane). */
export class NodeAttributes {
  readonly #facts: TailnetFacts;
  readonly #resolver: Resolver;
  readonly #stamps: readonly Stamp[];

  constructor(policy: Policy, facts: TailnetFacts, resolver: Resolver) {
    this.#facts = facts;
    this.#resolver = resolver;
    const everywhere = policy.randomizeClientPort;
    const global = everywhere === undefined ? [] : [{ text: 'randomize-client-port', span: everywhere }];
    this.#stamps = [
      { names: global, devices: 'all', exact: true },
      ...policy.nodeAttrs.flatMap(({ attr, target }) => target.map((ref) => this.#stamp(attr, ref))),
    ];
  }

  /** @param device position in the device list */
  on(device: number): NodeAttribute[] {
    const found = new Map(DEFAULTS.map((a) => [a.name, a]));
    const add = (attribute: NodeAttribute) => {
      if (attribute.exact || !found.has(attribute.name)) found.set(attribute.name, attribute);
    };
    for (const { names, devices, exact } of this.#stamps) {
      if (devices !== 'all' && !devices.has(device)) continue;
      for (const { text: name, span } of names) {
        add({ name, span, exact });
        const companion = Object.hasOwn(COMPANIONS, name) ? COMPANIONS[name] : undefined;
        if (companion !== undefined) add({ name: companion, span, exact });
      }
    }
    return [...found.values()];
  }

  /** Attributes of a device that its peers are told: that it is suggested as an exit node, once it is an approved one. */
  shownToPeers(device: number): NodeAttribute[] {
    const d = this.#resolver.devices[device];
    if (d === undefined || !approvedRoutes(d).some(isExitRoute)) return [];
    return this.on(device).filter((a) => a.name === 'suggest-exit-node');
  }

  /** The addresses that a device has and its peers know: with `disable-ipv4` only those of IPv6, though rules may name the others. */
  addresses(device: number): readonly Address[] {
    const all = this.#resolver.devices[device]?.addresses ?? [];
    const isOff = this.on(device).some((a) => a.name === 'disable-ipv4' && a.exact);
    return isOff ? all.filter((a) => a.family === 6) : all;
  }

  #stamp(names: readonly LocatedText[], target: SelectorRef): Stamp {
    if (target.selector.kind === 'any') return { names, devices: 'all', exact: true };
    if (target.selector.kind === 'role') return { names, ...this.#holders(target.selector.name) };
    const { devices, exact } = this.#resolver.resolve(target);
    return { names, devices: new Set(devices), exact };
  }

  /** Devices of the users with a role; the owner is also an administrator (captures: `is-admin` on his devices). */
  #holders(autogroup: string): { devices: ReadonlySet<number>; exact: boolean } {
    const role = autogroup.slice('autogroup:'.length);
    const roles = new Map(this.#facts.users.map((u) => [u.login.toLowerCase(), u.role]));
    const found = new Set<number>();
    let exact = true;
    for (const [i, { user, isExternal }] of this.#resolver.devices.entries()) {
      if (user === undefined || isExternal) continue;
      const has = roles.get(user.toLowerCase());
      if (has === undefined) exact = false;
      if (has === undefined || has === role || (has === 'owner' && role === 'admin')) found.add(i);
    }
    return { devices: found, exact };
  }
}
