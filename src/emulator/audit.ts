import type { AuditEntry, EmulatorState } from './state.ts';

/** Who caused a change, in the words of the configuration audit log. */
export interface Author {
  readonly origin: 'ADMIN_CONSOLE' | 'CONFIG_API' | 'NODE' | 'CONTROL';
  readonly actor: {
    readonly id: string;
    readonly type: string;
    readonly loginName?: string;
    readonly displayName?: string;
  };
}

/** What was changed. `property` is empty when the object itself came or went. */
export interface AuditEvent {
  readonly action: string;
  readonly target: { readonly id: string; readonly type: string; readonly name?: string; readonly property?: string };
  readonly old?: unknown;
  readonly new?: unknown;
}

/** The log keeps this many entries, the newest ones: it carries whole policies and is written with every change. */
const KEPT_ENTRIES = 1000;

/** `state` with one log entry for each event, all in one event group. */
export function withAudit(
  state: EmulatorState,
  events: readonly AuditEvent[],
  author: Author,
  now: Date,
): EmulatorState {
  if (events.length === 0) return state;
  const eventGroupID = state.nextId.toString(16).padStart(32, '0');
  const entries: AuditEntry[] = events.map((e) => ({
    eventTime: now.toISOString(),
    type: 'CONFIG',
    deferredAt: '0001-01-01T00:00:00Z',
    eventGroupID,
    origin: author.origin,
    actor: { ...author.actor },
    target: { ...e.target },
    action: e.action,
    ...(e.old === undefined ? {} : { old: e.old }),
    ...(e.new === undefined ? {} : { new: e.new }),
  }));
  return { ...state, nextId: state.nextId + 1, log: [...state.log, ...entries].slice(-KEPT_ENTRIES) };
}
