/**
 * What the lab tells its agents over Node's IPC channel. Every command has a `seq`, unique for its agent, that the answer
 * repeats. (Answers are in a file of their own, since agents need not load what reads them.)
 */
export type Command = ListenCommand | ProbeCommand | ReleaseCommand | SpawnCommand;

/** Answer TCP on an address: as the stand-in for a model server, or with one line of text. */
export interface ListenCommand {
  readonly kind: 'listen';
  readonly seq: number;
  readonly serves: 'stand-in' | 'line';
  /** The host's name, for its answers. */
  readonly name: string;
  readonly address: string;
  readonly port: number;
}

/** Open one TCP connection, and if `http` is there, make one request over it. It stays open until it is released. */
export interface ProbeCommand {
  readonly kind: 'probe';
  readonly seq: number;
  readonly id: string;
  /** Text form; with `%interface` for link-local addresses. */
  readonly address: string;
  readonly port: number;
  /** Source port: the receiver's kernel is asked for it. */
  readonly localPort: number;
  readonly timeoutMs: number;
  readonly http?: HttpRequest;
}

/** Close a probe's connection. Has no answer. */
export interface ReleaseCommand {
  readonly kind: 'release';
  /** `seq` of the probe. */
  readonly seq: number;
}

/** Run a program beside the agent, in its namespace; it ends with the agent. */
export interface SpawnCommand {
  readonly kind: 'spawn';
  readonly seq: number;
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment. */
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
  /** File for both of its output streams. */
  readonly log: string;
}

export interface HttpRequest {
  /** Default GET. */
  readonly method?: string;
  /** Default `/`. */
  readonly path?: string;
  /** Sent as JSON. */
  readonly body?: string;
}

/** Name of the header, and word of the line, that carries a probe's id. */
export const PROBE_HEADER = 'x-cordon-probe';
