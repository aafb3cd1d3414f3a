import { credentials, Metadata } from '@grpc/grpc-js';
import { engineMessages, engineService } from './proto.ts';

/** Severities of the engine's log; `debug` is shown only with verbose logging. */
export type LogSeverity = 'debug' | 'info' | 'warning' | 'error';

/** One line for the engine's display. */
export interface LogEntry {
  readonly severity: LogSeverity;
  readonly message: string;
  /** Resource the line belongs to; without it the line is shown for the whole stack. */
  readonly urn?: string;
  /** Shown while the resource is worked on, not kept in the summary. */
  readonly ephemeral?: boolean;
}

/** Where a plugin's messages go: stdout and stderr of a plugin are hidden by the engine. */
export interface EngineLog {
  /** Never throws and never rejects: a lost message must not fail the work it reports. */
  log(entry: LogEntry): Promise<void>;
  close(): void;
}

/** Longest time a log call may hold up the work it reports. */
const LOG_TIMEOUT_MS = 5_000;

/**
 * Log client of the engine at `address` (`127.0.0.1:PORT`, as the plugin gets it), or one that drops everything when
 * the plugin runs without an engine, as in tests.
 */
export function connectEngineLog(address: string | undefined): EngineLog {
  if (address === undefined || address === '') return { log: async () => {}, close: () => {} };
  const client = new engineService.EngineClient(address, credentials.createInsecure());
  return {
    log(entry) {
      const request = new engineMessages.LogRequest();
      request.setSeverity(severityOf(entry.severity));
      request.setMessage(entry.message);
      request.setUrn(entry.urn ?? '');
      request.setEphemeral(entry.ephemeral ?? false);
      return new Promise((resolve) => {
        client.log(request, new Metadata(), { deadline: Date.now() + LOG_TIMEOUT_MS }, () => resolve());
      });
    },
    close: () => client.close(),
  };
}

function severityOf(severity: LogSeverity): 0 | 1 | 2 | 3 {
  const { LogSeverity: S } = engineMessages;
  return { debug: S.DEBUG, info: S.INFO, warning: S.WARNING, error: S.ERROR }[severity];
}
