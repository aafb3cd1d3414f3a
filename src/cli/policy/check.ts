import type { CommandModule } from 'yargs';
import { checkJson } from '../../report/policy-json.ts';
import { checkText } from '../../report/policy-text.ts';
import { judgePolicy } from '../../tailnet/policy/judge.ts';
import { EXIT } from '../exit-code.ts';
import { writeResult } from '../output.ts';
import { readText } from '../topology-file.ts';
import { type PolicyOutputArguments, policyFile, type TailnetArguments, wantsColor, wantsJson } from './options.ts';
import { readTailnet } from './tailnet-files.ts';

interface Arguments extends PolicyOutputArguments, TailnetArguments {
  file: string;
}

/** `cordon policy check FILE`: would the API take this policy? Exit 0 yes, 2 no, 3 not known, 1 no file. */
export const policyCheckCommand: CommandModule<object, Arguments> = {
  command: 'check <file>',
  describe: 'Say whether the API would take a policy, with the place of everything that is wrong',
  builder: (y) => policyFile(y) as never,
  handler(args) {
    const facts = readTailnet(args);
    const judged = judgePolicy(args.file, readText(args.file), facts);
    const text = wantsJson(args)
      ? checkJson(args.file, judged)
      : checkText(args.file, judged, { color: wantsColor(args) });
    writeResult(text, args.output);
    process.exitCode = { holds: EXIT.clean, violated: EXIT.found, unknown: EXIT.unknown }[judged.state];
  },
};
