import type { CommandModule } from 'yargs';
import { CordonError, InputError } from '../../source/error.ts';
import { formatHujson } from '../../tailnet/hujson/format.ts';
import { parseHujson } from '../../tailnet/hujson/parse.ts';
import { policyEtag } from '../../tailnet/policy/etag.ts';
import { EXIT } from '../exit-code.ts';
import { writeResult } from '../output.ts';
import { readText } from '../topology-file.ts';

interface Arguments {
  file: string;
  write: boolean;
  check: boolean;
  etag: boolean;
}

/**
 * `cordon policy fmt FILE`: the canonical form, as the control plane stores it, or the ETag that follows from it. With
 * `--check`, exit 2 says that the file has another form.
 */
export const policyFmtCommand: CommandModule<object, Arguments> = {
  command: 'fmt <file>',
  describe: 'Print a policy in canonical form, write it back (--write), or compare only (--check)',
  builder: (y) =>
    y
      .positional('file', { type: 'string', demandOption: true, describe: 'A tailnet policy (HuJSON)' })
      .option('write', { type: 'boolean', default: false, describe: 'Write the canonical form into the file' })
      .option('check', { type: 'boolean', default: false, describe: 'Only say whether the file has another form' })
      .option('etag', {
        type: 'boolean',
        default: false,
        describe: "Print the policy's ETag instead of its text",
      }) as never,
  handler({ file, write, check, etag }) {
    if (write && check) {
      throw new CordonError('usage', '--write and --check exclude each other', { hint: 'give one of them' });
    }
    const before = readText(file);
    const text = canonical(file, before);
    const isOther = text !== before;
    if (write && isOther) writeResult(text, file);
    if (etag) writeResult(`${policyEtag(text)}\n`, undefined);
    else if (!write && !check) writeResult(text, undefined);
    else if (isOther) writeResult(`${file}${write ? '' : ' is not in canonical form'}\n`, undefined);
    process.exitCode = check && isOther ? EXIT.found : EXIT.clean;
  },
};

/** @throws InputError for a text that does not parse: it has no canonical form */
function canonical(file: string, text: string): string {
  const parsed = parseHujson(file, text);
  if (!parsed.ok && parsed.diagnostics.some((d) => d.code === 'hujson-syntax'))
    throw new InputError(parsed.diagnostics);
  return formatHujson(text);
}
