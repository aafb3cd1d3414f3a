/** Parts of an engine. */
export type EnginePiece = 'cli' | 'language-host' | 'tailscale-plugin';

/** What provisioning is doing, for people who wait for it. Nothing else is to be read from it. */
export interface EngineProgress {
  readonly piece: EnginePiece;
  /** `working` may take minutes and is repeated with other messages; the others come once. */
  readonly state: 'looking' | 'working' | 'ready';
  readonly message: string;
}

export type ReportProgress = (progress: EngineProgress) => void;
