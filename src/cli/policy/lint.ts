import type { CommandModule } from 'yargs';
import { lintJson } from '../../report/policy-json.ts';
import { lintText } from '../../report/policy-text.ts';
import { InputError } from '../../source/error.ts';
import { type LintResult, lintPolicy } from '../../tailnet/lint/lint.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { writeResult } from '../output.ts';
import { readText } from '../topology-file.ts';
import { type PolicyOutputArguments, policyFile, type TailnetArguments, wantsColor, wantsJson } from './options.ts';
import { readTailnet } from './tailnet-files.ts';

interface Arguments extends PolicyOutputArguments, TailnetArguments {
  file: string;
}

/** `cordon policy lint FILE`: what is probably not meant. Exit 2 for errors and warnings, 3 for what is not modelled. */
export const policyLintCommand: CommandModule<object, Arguments> = {
  command: 'lint <file>',
  describe: 'Find what a policy opens to everybody, says twice, or says about nobody',
  builder: (y) => policyFile(y) as never,
  handler(args) {
    const linted = lintPolicy(args.file, readText(args.file), readTailnet(args));
    if (!linted.ok) throw new InputError(linted.diagnostics);
    const text = wantsJson(args)
      ? lintJson(args.file, linted.value)
      : lintText(args.file, linted.value, { color: wantsColor(args) });
    writeResult(text, args.output);
    process.exitCode = exitCodeOfLint(linted.value);
  },
};

function exitCodeOfLint({ findings }: LintResult): ExitCode {
  if (findings.some((f) => f.severity !== 'note' && f.rule !== 'unmodelled')) return EXIT.found;
  return findings.some((f) => f.rule === 'unmodelled') ? EXIT.unknown : EXIT.clean;
}
