import type { Ruleset } from '../nftables/ruleset.ts';
import type { Device } from '../tailnet/device.ts';
import type { Policy } from '../tailnet/policy/policy.ts';
import type { Known } from './known.ts';

/** What a piece of evidence means: the one value that claims, comparisons and explanations are functions of. */
export interface State {
  readonly tailnet: TailnetState;
  /** Every host that some source speaks of. */
  readonly hosts: ReadonlyMap<string, HostState>;
}

export interface TailnetState {
  readonly policy: Known<PolicyState>;
  readonly devices: Known<readonly Device[]>;
  /** Tailnet settings as the API names them; a setting that is null or absent is not known, never false. */
  readonly settings: Known<Readonly<Record<string, unknown>>>;
}

export interface PolicyState {
  readonly text: string;
  /** Lower-case hex SHA-256 of the canonical text. */
  readonly etag: string;
  readonly policy: Policy;
}

export interface HostState {
  readonly name: string;
  /** The host's rulesets, all tables, as `nft -s list ruleset` printed them. */
  readonly ruleset: Known<RulesetState>;
}

export interface RulesetState {
  readonly text: string;
  readonly ruleset: Ruleset;
}
