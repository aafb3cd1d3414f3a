/**
 * What has to be installed on one host so that its firewall is in force from boot on and its model runs confined: names
 * and texts, everything already decided.
 */
export interface UnitPlan {
  readonly host: string;
  readonly firewall: {
    /** For `nft -f`: replaces our tables, touches no other. */
    readonly text: string;
    /** The same without what needs the daemon's control group; undefined where nothing needs it. */
    readonly withoutSlice: string | undefined;
  };
  /** The slice by which the firewall knows tailscaled; undefined where none runs. It outlives the daemon's restarts. */
  readonly slice: string | undefined;
  /** The host is a network namespace on another host's machine. */
  readonly cell: CellPlan | undefined;
  /** The service that runs the model; undefined on all other hosts. */
  readonly model: ModelUnitPlan | undefined;
}

/** A namespace with one veth pair. */
export interface CellPlan {
  /** Name under /run/netns. */
  readonly namespace: string;
  readonly inner: CellEnd;
  /** The end that stays in the machine's own namespace. */
  readonly outer: CellEnd;
}

export interface CellEnd {
  readonly link: string;
  /** `192.168.255.2/30`. */
  readonly addresses: readonly string[];
}

/** How the model's service is confined. */
export interface ModelUnitPlan {
  /** `ollama.service`. */
  readonly unit: string;
  readonly user: string;
  /** The one folder that it may write to. */
  readonly stateDirectory: string;
  /** Device nodes that it may use, such as those of a GPU; none by default. */
  readonly devices: readonly string[];
  /** Value of OLLAMA_HOST; undefined where the host answers no flow. */
  readonly listen: string | undefined;
  /** Addresses and prefixes that its packets may come from and go to. */
  readonly peers: readonly string[];
}

/** A file to install. */
export interface UnitFile {
  readonly path: string;
  readonly text: string;
  readonly mode: 0o644 | 0o755;
}
