import type { Diagnostic } from './diagnostic.ts';
import { formatDiagnostic } from './diagnostic.ts';

/**
 * Base of every error that cordon throws on purpose: broken I/O at the edges, or input that a command cannot go on with.
 * `code` is stable and is what callers branch on; the message is for people.
 */
export class CordonError extends Error {
  readonly code: string;
  readonly hint: string | undefined;

  constructor(code: string, message: string, options: { cause?: unknown; hint?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'CordonError';
    this.code = code;
    this.hint = options.hint;
  }
}

/** Bad input, all of it at once. */
export class InputError extends CordonError {
  readonly diagnostics: readonly Diagnostic[];

  constructor(diagnostics: readonly Diagnostic[]) {
    super('invalid-input', diagnostics.map(formatDiagnostic).join('\n'));
    this.name = 'InputError';
    this.diagnostics = diagnostics;
  }
}
