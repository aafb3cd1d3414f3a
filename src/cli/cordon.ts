import yargs, { type CommandModule } from 'yargs';
import { EXIT } from './exit-code.ts';
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
  emulator: async () => (await import('./commands/emulator.ts')).emulatorCommand as never,
  doctor: async () => (await import('./commands/doctor.ts')).doctorCommand as never,
  schema: async () => (await import('./commands/schema.ts')).schemaCommand as never,
  demo: async () => (await import('./commands/demo.ts')).demoCommand as never,
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
      if (error !== undefined && error !== null) throw error;
      process.stderr.write(`cordon: ${message}\nhint: \`cordon --help\` lists commands and options\n`);
      process.exit(EXIT.noAnswer);
    });
  return modules.reduce((y, module) => y.command(module), parser);
}
