import { readFileSync } from 'node:fs';
import { compileTailnet } from '../../src/tailnet/compile.ts';
import { parseDevices } from '../../src/tailnet/device.ts';
import { parsePolicy } from '../../src/tailnet/policy/parse.ts';

/** One measurement, as it is printed; times in milliseconds. */
export interface Measured {
  readonly nodes: number;
  readonly rules: number;
  readonly classes: number;
  /** From the two texts to the policy and the devices. */
  readonly readMs: number;
  /** From these to rules whose selectors are resolved. */
  readonly resolveMs: number;
  /** To classes of devices, each with the rules that its devices receive. */
  readonly classesMs: number;
  /** To the whole of who sees whom. */
  readonly peersMs: number;
  readonly totalMs: number;
  /** Processor time of the same span, which a busy machine does not stretch. */
  readonly cpuMs: number;
  /** The most memory that the process ever had resident. */
  readonly peakMb: number;
  /** Ordered pairs of devices (a, b) where a sees b. */
  readonly peerPairs: number;
}

const [policyFile = '', devicesFile = ''] = process.argv.slice(2);
const policyText = readFileSync(policyFile, 'utf8');
const devicesText = readFileSync(devicesFile, 'utf8');
const before = process.cpuUsage();

const marks = [performance.now()];
const mark = () => marks.push(performance.now());
const parsed = parsePolicy(policyFile, policyText);
if (!parsed.ok) throw new Error(parsed.diagnostics.map((d) => d.message).join('\n'));
const { devices, problems } = parseDevices(JSON.parse(devicesText));
if (problems.length > 0) throw new Error(problems.join('\n'));
mark();
const users = [...new Set(devices.flatMap((d) => d.user ?? []))].map((login) => ({ login }));
const tailnet = compileTailnet(parsed.value, { devices, users });
mark();
const classes = tailnet.classes();
mark();
const peerPairs = tailnet.peerPairs();
mark();

const cpu = process.cpuUsage(before);
const [start = 0, read = 0, resolved = 0, classified = 0, end = 0] = marks;
const measured: Measured = {
  nodes: devices.length,
  rules: parsed.value.rules.length,
  classes: classes.length,
  readMs: read - start,
  resolveMs: resolved - read,
  classesMs: classified - resolved,
  peersMs: end - classified,
  totalMs: Math.round(end - start),
  cpuMs: Math.round((cpu.user + cpu.system) / 1000),
  peakMb: Math.round(process.resourceUsage().maxRSS / 1024),
  peerPairs,
};
process.stdout.write(`${JSON.stringify(measured)}\n`);
