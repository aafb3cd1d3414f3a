import type { PathState } from '../host/files.ts';
import type { Iptables } from '../host/iptables.ts';
import type { Link } from '../host/links.ts';
import type { Listeners } from '../host/listeners.ts';
import type { Process } from '../host/processes.ts';
import type { Routing } from '../host/routes.ts';
import type { DaemonPrefs, Netmap, OfDaemon } from '../host/tailscaled.ts';
import type { Units } from '../host/units.ts';
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
  /** The rules of legacy iptables, which the listing of `nft` lacks, and the xtables arguments that it cannot print. */
  readonly iptables: Known<Iptables>;
  readonly listeners: Known<Listeners>;
  readonly links: Known<readonly Link[]>;
  readonly routing: Known<Routing>;
  /** The tailnet daemon in the host's network namespace, if one runs there. */
  readonly daemon: {
    readonly prefs: Known<OfDaemon<DaemonPrefs>>;
    readonly serve: Known<OfDaemon<Readonly<Record<string, unknown>>>>;
    readonly netmap: Known<OfDaemon<Netmap>>;
  };
  /** Units, drop-ins and files of cordon; the declared side says which there should be. */
  readonly units: Known<Units>;
  /** Owner and mode of the paths that decide who may use what, by path. */
  readonly files: Known<ReadonlyMap<string, PathState>>;
  readonly processes: Known<readonly Process[]>;
}

export interface RulesetState {
  readonly text: string;
  readonly ruleset: Ruleset;
}
