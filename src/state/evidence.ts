/**
 * Evidence: the texts that decide isolation, as the world holds them or as `compile` writes them (shared shape, one
 * interpreter). Keys are source names: `tailnet/policy`, `tailnet/settings`, `tailnet/devices`, `tailnet/keys`,
 * `tailnet/users`, `tailnet/dns`, `tailnet/services`, `host/NAME/nft.txt`, `host/NAME/nft.json`, … (docs/snapshot.md).
 */
export interface Evidence {
  readonly sources: Readonly<Record<string, SourceEntry>>;
}

/** How a source answered. Everything but `ok` makes unknown what the source would have decided. */
export type SourceStatus = 'ok' | 'denied' | 'failed' | 'late' | 'partial' | 'absent';

/** One answer of one source. */
export interface SourceEntry {
  readonly status: SourceStatus;
  /** When it was asked, RFC 3339; absent on the declared side, which has no clock. */
  readonly at?: string;
  /** The source's own shape (API JSON, listing text); only with `ok` and `partial`. */
  readonly body?: unknown;
  /** Why it is not `ok`, in the operator's words. */
  readonly why?: string;
}

/** Evidence with the moment it was taken, as written to a file. */
export interface Snapshot extends Evidence {
  readonly schemaVersion: 1;
  readonly takenAt: string;
}
