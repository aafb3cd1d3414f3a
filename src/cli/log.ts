import { type Logger, pino } from 'pino';
import pretty from 'pino-pretty';

/**
 * The logger of every command: to stderr, synchronous, so that nothing is lost when the process ends. Lines of JSON in
 * CI and in pipes, readable lines on a terminal.
 */
export function makeLogger(env: NodeJS.ProcessEnv, terminal: boolean): Logger {
  const level = env['CORDON_LOG_LEVEL'] ?? 'info';
  if (!terminal) return pino({ level, base: null }, pino.destination({ dest: 2, sync: true }));
  const colorize = env['NO_COLOR'] === undefined || env['NO_COLOR'] === '';
  return pino(
    { level, base: null },
    pretty({ destination: 2, sync: true, colorize, ignore: 'time,module', messageFormat: '{msg}' }),
  );
}
