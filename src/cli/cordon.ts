import yargs, { type CommandModule } from 'yargs';
import { CordonError } from '../source/error.ts';
import { explainFailure } from './fail.ts';

/**
 * The commands, each loaded only when it is named (or when help or completion needs them all): a check in a loop should
 * not pay for the demo.
 */
const COMMANDS: Readonly<Record<string, () => Promise<CommandModule<object, never>>>> = {
  compile: async () => (await import('./commands/compile.ts')).compileCommand as never,
  prove: async () => (await import('./commands/prove.ts')).proveCommand as never,
  check: async () => (await import('./commands/check.ts')).checkCommand as never,
  diff: async () => (await import('./commands/diff.ts')).diffCommand as never,
  observe: async () => (await import('./commands/observe.ts')).observeCommand as never,
  reconcile: async () => (await import('./commands/reconcile.ts')).reconcileCommand as never,
  openclaw: async () => (await import('./commands/openclaw.ts')).openclawCommand as never,
  emulator: async () => (await import('./commands/emulator.ts')).emulatorCommand as never,
  doctor: async () => (await import('./commands/doctor.ts')).doctorCommand as never,
  host: async () => (await import('./commands/host.ts')).hostCommand as never,
  schema: async () => (await import('./commands/schema.ts')).schemaCommand as never,
  policy: async () => (await import('./commands/policy.ts')).policyCommand as never,
  demo: async () => (await import('./commands/demo.ts')).demoCommand as never,
  lab: async () => (await import('./commands/lab.ts')).labCommand as never,
};

/** Runs one command line; sets `process.exitCode` and never throws. */
export async function runCordon(argv: readonly string[]): Promise<void> {
  try {
    await (await parserFor(argv)).parseAsync();
  } catch (error) {
    process.exitCode = explainFailure(error);
  }
}

async function parserFor(argv: readonly string[]) {
  const named = COMMANDS[argv[0] ?? ''];
  const modules = await Promise.all((named === undefined ? Object.values(COMMANDS) : [named]).map((load) => load()));
  const parser = yargs([...argv])
    .scriptName('cordon')
    // Messages in one language, whatever the machine's is: ours are not translated either.
    .locale('en')
    .parserConfiguration({ 'duplicate-arguments-array': true })
    .check(checkOptions)
    .usage('$0 COMMAND\n\nDeclare, provision, prove and watch the isolation of a model backend.')
    .demandCommand(1, 'Name a command.')
    .strict()
    .recommendCommands()
    .completion('completion', 'Print a completion script for the shell')
    .epilogue(
      'Exit codes: 0 nothing wrong, 2 drift or violation, 3 something is unknown, 1 no answer (usage, invalid input).',
    )
    .wrap(Math.min(110, process.stdout.columns ?? 110))
    .fail((message, error) => {
      // What yargs throws itself is a mistake of the user's like what it only reports.
      if (error !== undefined && error !== null && error.name !== 'YError') throw error;
      throw usageError(message, argv[0] ?? '', named !== undefined);
    });
  return modules.reduce((y, module) => y.command(module), parser);
}

/** @param first the first word of the command line; a command if `isCommand` */
function usageError(message: string, first: string, isCommand: boolean): CordonError {
  const line = message.replace(/\s*\n\s*/g, ' ').trim();
  const isUnknown = !isCommand && first !== '' && !first.startsWith('-');
  const suggestion = /^Did you mean (.*)\?$/.exec(line)?.[1];
  const words = isUnknown ? `there is no command ${first}${suggestion ? `, did you mean ${suggestion}?` : ''}` : line;
  return misuse(words, isCommand ? `cordon ${first} --help` : 'cordon --help');
}

function misuse(message: string, help = 'cordon --help'): CordonError {
  return new CordonError('usage', message, { hint: `\`${help}\` lists commands and options` });
}

/** What the parser lets pass: an option given twice would silently lose one value, an empty one names nothing. */
function checkOptions(args: Readonly<Record<string, unknown>>): true {
  for (const [name, value] of Object.entries(args)) {
    if (name === '_' || name === '--') continue;
    if (Array.isArray(value)) throw misuse(`--${name} is given more than once`);
    if (value === '') throw misuse(`${name} is empty`);
    if (typeof value === 'number' && Number.isNaN(value)) throw misuse(`--${name} is not a number`);
  }
  return true;
}

/**
 * For the process as a whole, once. A reader that has seen enough (`| head`) is no failure. A result that cannot be
 * written is one: without this, Node would end with a stack instead of a line.
 */
export function watchStreams(): void {
  process.stderr.on('error', () => undefined);
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') return;
    const failure = new CordonError(
      'output-unwritable',
      `the result cannot be written: ${error.code ?? error.message}`,
    );
    process.exitCode = explainFailure(failure);
  });
}
