import type { CommandModule } from 'yargs';
import { formatAddress } from '../../net/address.ts';
import { compileJson } from '../../report/policy-result-json.ts';
import { compileText } from '../../report/policy-result-text.ts';
import { formatDiagnostic } from '../../source/diagnostic.ts';
import { CordonError, InputError } from '../../source/error.ts';
import { compilePolicy } from '../../tailnet/compile-policy.ts';
import type { Device } from '../../tailnet/device.ts';
import { sampleDevices } from '../../tailnet/lint/sample-devices.ts';
import { parsePolicy } from '../../tailnet/policy/parse.ts';
import { EXIT } from '../exit-code.ts';
import { writeResult } from '../output.ts';
import { readText } from '../topology-file.ts';
import { type PolicyOutputArguments, policyFile, type TailnetArguments, wantsColor, wantsJson } from './options.ts';
import { readTailnet } from './tailnet-files.ts';

interface Arguments extends PolicyOutputArguments, TailnetArguments {
  file: string;
  device: string | undefined;
}

/** `cordon policy compile FILE`: what every device gets. Exit 3 where something in force is not modelled. */
export const policyCompileCommand: CommandModule<object, Arguments> = {
  command: 'compile <file>',
  describe: 'Show what devices get from a policy: packet rules, capabilities, SSH rules, peers, routes',
  builder: (y) =>
    policyFile(y).option('device', {
      type: 'string',
      describe: 'Only this device: id, name or address',
      requiresArg: true,
    }) as never,
  handler(args) {
    const { file } = args;
    const text = readText(file);
    const facts = readTailnet(args) ?? imaginedTailnet(file, text);
    const compiled = compilePolicy(
      { file, text },
      facts.devices,
      facts.users.length === 0 ? {} : { users: facts.users },
    );
    if (!compiled.ok) throw new InputError(compiled.diagnostics);
    for (const w of compiled.warnings) process.stderr.write(`${formatDiagnostic(w)}\n`);
    const result = compiled.value;
    const wanted = args.device === undefined ? undefined : result.device(findDevice(facts.devices, args.device).id);
    const shown = wanted === undefined ? { groups: result.groups() } : { device: wanted };
    const out = wantsJson(args)
      ? compileJson(file, result, shown)
      : compileText(file, result, shown, { color: wantsColor(args) });
    writeResult(out, args.output);
    process.exitCode = result.unmodelled.some((u) => u.kind === 'unmodelled') ? EXIT.unknown : EXIT.clean;
  },
};

/** Without a device list: one device of every kind that the policy tells apart. */
function imaginedTailnet(file: string, text: string) {
  const parsed = parsePolicy(file, text);
  if (!parsed.ok) throw new InputError(parsed.diagnostics);
  process.stderr.write('no --devices: shown for one device of each tag and user that the policy names\n');
  return { devices: sampleDevices(parsed.value), users: [] };
}

/** @throws CordonError `no-such-device` for none or several */
function findDevice(devices: readonly Device[], wanted: string): Device {
  const found = devices.filter(
    (d) =>
      [d.id, d.legacyId, d.name, d.hostname].includes(wanted) || d.addresses.some((a) => formatAddress(a) === wanted),
  );
  const [first, second] = found;
  if (first !== undefined && second === undefined) return first;
  const why = first === undefined ? 'no device' : `${found.length} devices (${found.map((d) => d.id).join(', ')})`;
  throw new CordonError('no-such-device', `${why} of the list: ${wanted}`, { hint: 'give the id of one device' });
}
