#!/usr/bin/env node
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { checkCommand } from './commands/check.ts';
import { compileCommand } from './commands/compile.ts';
import { demoCommand } from './commands/demo.ts';
import { diffCommand } from './commands/diff.ts';
import { doctorCommand } from './commands/doctor.ts';
import { emulatorCommand } from './commands/emulator.ts';
import { observeCommand } from './commands/observe.ts';
import { proveCommand } from './commands/prove.ts';
import { reconcileCommand } from './commands/reconcile.ts';
import { schemaCommand } from './commands/schema.ts';
import { EXIT } from './exit-code.ts';
import { explainFailure } from './fail.ts';

const parser = yargs(hideBin(process.argv))
  .scriptName('cordon')
  .usage('$0 COMMAND\n\nDeclare, provision, prove and watch the isolation of a model backend.')
  .command(compileCommand)
  .command(proveCommand)
  .command(checkCommand)
  .command(diffCommand)
  .command(observeCommand)
  .command(reconcileCommand)
  .command(emulatorCommand)
  .command(doctorCommand)
  .command(schemaCommand)
  .command(demoCommand)
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

try {
  await parser.parseAsync();
} catch (error) {
  process.exitCode = explainFailure(error);
}
