import { type Logger, pino } from 'pino';
import { CordonError } from '../source/error.ts';

const LEVELS: readonly string[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

/**
 * The logger of every command: to stderr, synchronous, so that nothing is lost when the process ends. Lines of JSON in
 * CI and in pipes, readable lines on a terminal.
 * @throws CordonError `usage` for a CORDON_LOG_LEVEL that there is not
 */
export async function makeLogger(module: string): Promise<Logger> {
  const { env, stderr } = process;
  const level = env['CORDON_LOG_LEVEL'] || 'info';
  if (!LEVELS.includes(level)) {
    throw new CordonError('usage', `CORDON_LOG_LEVEL is ${JSON.stringify(level)}`, { hint: LEVELS.join(', ') });
  }
  if (stderr.isTTY !== true) return pino({ level, base: { module } }, pino.destination({ dest: 2, sync: true }));
  const { default: pretty } = await import('pino-pretty');
  const colorize = env['NO_COLOR'] === undefined || env['NO_COLOR'] === '';
  return pino(
    { level, base: { module } },
    pretty({ destination: 2, sync: true, colorize, ignore: 'time,module', messageFormat: '{msg}' }),
  );
}
