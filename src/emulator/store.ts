import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { CordonError } from '../source/error.ts';
import type { AuditEvent, Author } from './audit.ts';
import { withAudit } from './audit.ts';
import type { EmulatorState } from './state.ts';
import { emulatorState } from './state.ts';

/** The outcome of one change: the new state, what the audit log says about it, and what the caller wants to know. */
interface Change<R> {
  readonly state: EmulatorState;
  readonly audit: readonly AuditEvent[];
  readonly result: R;
}

/** Holds the current state; every change is one step, so two requests never see or write half of each other's. */
export interface Store {
  readonly state: EmulatorState;
  /**
   * Computes a change from the current state, writes it to the file if there is one, and only then makes it current: a
   * change that was answered survives a kill, and one that could not be written did not happen.
   * @throws whatever `change` throws, with nothing changed
   */
  apply<R>(author: Author, change: (state: EmulatorState) => Change<R>): R;
}

/** Writes `text` so that a reader, or a restart after a kill, finds the old or the new content and nothing between. */
function writeDurably(file: string, text: string): void {
  const temporary = `${file}.new`;
  const fd = openSync(temporary, 'w', 0o600);
  try {
    writeFileSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(temporary, file);
  const directory = openSync(dirname(file), 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

function readState(file: string, tailnetId: string): EmulatorState {
  let raw: unknown;
  try {
    raw = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new CordonError('emulator-state-unreadable', `cannot read the emulator state ${file}`, {
      cause,
      hint: 'Remove the file to start with an empty tailnet.',
    });
  }
  const parsed = emulatorState.safeParse(raw);
  if (!parsed.success) {
    throw new CordonError('emulator-state-invalid', `${file} is not a state file of the tailnet emulator`, {
      cause: parsed.error,
      hint: 'Remove the file to start with an empty tailnet, or name another one.',
    });
  }
  if (parsed.data.tailnetId !== tailnetId) {
    throw new CordonError(
      'emulator-state-other-tailnet',
      `${file} belongs to tailnet ${parsed.data.tailnetId}, not to ${tailnetId}`,
    );
  }
  return parsed.data;
}

/**
 * Opens the state: the file's content if it exists, `initial()` otherwise.
 * @param file where to keep it; `undefined` = in memory only
 * @throws CordonError `emulator-state-…` when the file cannot be used
 */
export function openStore(
  file: string | undefined,
  tailnetId: string,
  initial: () => EmulatorState,
  now: () => Date,
): Store {
  let current = file !== undefined && existsSync(file) ? readState(file, tailnetId) : initial();
  if (file !== undefined) {
    try {
      writeDurably(file, `${JSON.stringify(current)}\n`);
    } catch (cause) {
      throw new CordonError('emulator-state-unwritable', `cannot write the emulator state ${file}`, { cause });
    }
  }
  return {
    get state() {
      return current;
    },
    apply(author, change) {
      const { state, audit, result } = change(current);
      const next = withAudit(state, audit, author, now());
      if (file !== undefined) writeDurably(file, `${JSON.stringify(next)}\n`);
      current = next;
      return result;
    },
  };
}
