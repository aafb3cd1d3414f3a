import type { Prefix } from '../../net/prefix.ts';
import type { Span } from '../../source/span.ts';
import type { NodeAttrEntry } from './parse-node-attrs.ts';
import type { SshEntry, SshTest } from './parse-ssh.ts';
import type { IpSpec } from './ports.ts';
import type { Selector } from './selector.ts';

/** A string of the policy with its place. */
export interface LocatedText {
  readonly text: string;
  readonly span: Span;
}

/** A name that stands for devices or addresses, as used at one place. */
export interface SelectorRef extends LocatedText {
  readonly selector: Selector;
}

/** What a construct that we do not interpret could change. */
export type Aspect = 'packets' | 'peers' | 'ssh' | 'attributes' | 'ownership' | 'underlay' | 'tests';

/**
 * Something in force whose meaning no capture of the control plane shows. Nothing it could touch may be called proven
 * without saying so.
 */
export interface Unmodelled {
  /**
   * `assumed`: the compiled answers bound it from above, by what Tailscale's documentation says of it. `unmodelled`:
   * nothing is known that would bound it, or what it changes is not computed.
   */
  readonly kind: 'assumed' | 'unmodelled';
  /** Undefined for what no file says, such as a device that another tailnet shares. */
  readonly span: Span | undefined;
  /** What it is and what it could touch, in the operator's words. */
  readonly what: string;
  readonly touches: readonly Aspect[];
}

/** A tailnet policy, every entry with its place. */
export interface Policy {
  readonly file: string;
  /** Entries of `acls`, then of `grants`. */
  readonly rules: readonly PolicyRule[];
  /** How each rule section stands in the file: `null` counts as absent, and without both keys everything is allowed. */
  readonly sections: Readonly<Record<'acls' | 'grants', SectionPresence>>;
  readonly groups: ReadonlyMap<string, NamedList>;
  readonly hosts: ReadonlyMap<string, HostAlias>;
  /** By name, `ipset:` included. */
  readonly ipsets: ReadonlyMap<string, IpSetDefinition>;
  /** Named posture conditions by name, `posture:` included; what they ask of a device is not interpreted. */
  readonly postures: ReadonlyMap<string, NamedList>;
  readonly tagOwners: ReadonlyMap<string, NamedList>;
  readonly autoApprovers: AutoApprovers;
  readonly tests: readonly PolicyTest[];
  readonly ssh: readonly SshEntry[];
  readonly sshTests: readonly SshTest[];
  readonly nodeAttrs: readonly NodeAttrEntry[];
  /** Where `randomizeClientPort` is switched on: the attribute of that name for everybody. */
  readonly randomizeClientPort: Span | undefined;
  /** Posture names that rules without a posture of their own require: their sources are a subset of `src`. */
  readonly defaultPosture: readonly LocatedText[];
  readonly unmodelled: readonly Unmodelled[];
}

export type SectionPresence = 'absent' | 'empty' | 'present';

/** An entry of `acls` or `grants`, lowered to one shape. */
export interface PolicyRule {
  readonly section: 'acls' | 'grants';
  /** Position in its section, from 0. */
  readonly index: number;
  readonly span: Span;
  /** `acls` only. */
  readonly action: LocatedText | undefined;
  readonly src: readonly SelectorRef[];
  readonly dst: readonly Target[];
  /** Whether packets are granted at all: always in `acls`, in `grants` only with a non-empty `ip`. */
  readonly hasIp: boolean;
  /** Application capabilities of a grant. */
  readonly app: readonly AppCapability[];
  readonly via: readonly SelectorRef[];
  /** Posture conditions: the sources that meet them are a subset of `src`. */
  readonly posture: readonly LocatedText[];
  /** Keys that we do not know: the rule may mean anything. */
  readonly unknownKeys: readonly LocatedText[];
  /** Values that do not parse, with the API's words. */
  readonly faults: readonly LocatedText[];
}

export interface Target extends SelectorRef {
  /** Empty for a grant without `ip`. Everything, where the ports do not parse (then the rule has a fault). */
  readonly ip: readonly IpSpec[];
}

export interface AppCapability {
  readonly name: string;
  readonly span: Span;
  /** JSON value, as a rule a list; its content is opaque. */
  readonly values: unknown;
}

/** `group:x` with its members, or `tag:x` with its owners. */
export interface NamedList {
  readonly name: string;
  readonly span: Span;
  readonly items: readonly LocatedText[];
}

export interface HostAlias {
  readonly name: string;
  readonly span: Span;
  readonly value: LocatedText;
  /** Undefined when the value is no address and no prefix. */
  readonly prefix: Prefix | undefined;
}

/** `ipset:x`: addresses put together by operations, in their order (Tailscale documentation, "IP sets"). */
export interface IpSetDefinition {
  readonly name: string;
  readonly span: Span;
  readonly operations: readonly IpSetOperation[];
  /** Operations that are not understood: the set may be anything. */
  readonly faults: readonly LocatedText[];
}

export interface IpSetOperation {
  readonly action: 'add' | 'remove';
  /** An address, a prefix, a host, `autogroup:internet` or another IP set. */
  readonly target: SelectorRef;
}

export interface AutoApprovers {
  readonly routes: readonly (NamedList & { readonly prefix: Prefix | undefined })[];
  readonly exitNode: readonly LocatedText[];
}

/** An entry of `tests`, as written: what is wrong with it is decided when it is run. */
export interface PolicyTest {
  readonly span: Span;
  readonly src: LocatedText | undefined;
  readonly proto: LocatedText | undefined;
  readonly accept: readonly LocatedText[];
  readonly deny: readonly LocatedText[];
  /** Keys that change the meaning in a way that is not modelled (`srcPostureAttrs`, unknown ones). */
  readonly unknownKeys: readonly LocatedText[];
}
