import { formatDiagnostic } from '../source/diagnostic.ts';
import { CordonError, InputError } from '../source/error.ts';
import { EXIT, type ExitCode } from './exit-code.ts';

/**
 * Says on stderr why there is no answer. A user's mistake never shows a stack; our own bug does, because that is what
 * a report of it needs.
 */
export function explainFailure(error: unknown): ExitCode {
  if (error instanceof InputError) {
    const errors = error.diagnostics.filter((d) => d.severity === 'error').length;
    const lines = error.diagnostics.map(formatDiagnostic);
    process.stderr.write(`${lines.join('\n')}\n${errors} error${errors === 1 ? '' : 's'}\n`);
  } else if (error instanceof CordonError) {
    process.stderr.write(`cordon: ${error.message}${systemCode(error)} [${error.code}]\n`);
    if (error.hint !== undefined) process.stderr.write(`hint: ${error.hint}\n`);
  } else {
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(`cordon: this is a bug in cordon, please report it\n${detail}\n`);
  }
  return EXIT.noAnswer;
}

/** `: EADDRINUSE`, where the operating system gave the reason and the message does not say it. */
function systemCode({ cause, message }: CordonError): string {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  return /^E[A-Z]{2,}$/.test(code) && / cannot /.test(message) && !/: /.test(message) ? `: ${code}` : '';
}
