import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';
import type { Diagnostic } from '../source/diagnostic.ts';
import { CordonError, InputError } from '../source/error.ts';
import type { Span } from '../source/span.ts';
import { EXIT, type ExitCode, exitCodeOfDiff, type FailOn } from './exit-code.ts';
import { readJson } from './json-file.ts';
import { writeResult } from './output.ts';
import { compareSides, readSide } from './side.ts';
import { readText } from './topology-file.ts';

/** One line of the input: paths of two policy files, and of a device list where there is one. */
const pairSchema = z.strictObject({ id: z.string(), a: z.string(), b: z.string(), devices: z.string().optional() });

type Pair = z.infer<typeof pairSchema>;

export interface PairOptions {
  readonly output: string | undefined;
  readonly failOn: FailOn;
}

/**
 * Compares many pairs of policies in one process: `{"id", "summary", "changes", "missing"}`, a line for each, in their
 * order. A pair that cannot be read has `{"id", "error"}` and costs no other its answer; the exit code is then 1.
 * @throws InputError naming every line that is no pair, before anything is compared
 */
export async function comparePairs(file: string, { output, failOn }: PairOptions): Promise<void> {
  const lines: string[] = [];
  let worst: ExitCode = EXIT.clean;
  for (const pair of readPairs(file)) {
    try {
      const [a, b] = await sidesOf(pair);
      const comparison = compareSides(a, b, undefined);
      const { summary, changes, missing } = comparison;
      lines.push(JSON.stringify({ id: pair.id, summary, changes, missing }));
      worst = worse(worst, exitCodeOfDiff(comparison, failOn));
    } catch (error) {
      if (!(error instanceof CordonError)) throw error;
      lines.push(JSON.stringify({ id: pair.id, error: error.message }));
      worst = EXIT.noAnswer;
    }
    // Lets the engine give back what this pair needed (packet sets are held weakly, until the end of a turn).
    await setImmediate();
  }
  writeResult(lines.map((line) => `${line}\n`).join(''), output);
  process.exitCode = worst;
}

async function sidesOf({ a, b, devices }: Pair) {
  const list = devices === undefined ? undefined : readJson(devices, 'give the body of GET /devices?fields=all');
  const context = { devices: list, topology: undefined, timeout: undefined };
  return [await readSide(a, context), await readSide(b, context)] as const;
}

/** No answer at all outranks a change, and that something unknown. */
const ORDER: readonly ExitCode[] = [EXIT.clean, EXIT.unknown, EXIT.found, EXIT.noAnswer];

function worse(a: ExitCode, b: ExitCode): ExitCode {
  return ORDER.indexOf(a) >= ORDER.indexOf(b) ? a : b;
}

function readPairs(file: string): readonly Pair[] {
  const pairs: Pair[] = [];
  const diagnostics: Diagnostic[] = [];
  let offset = 0;
  for (const [i, line] of readText(file).split('\n').entries()) {
    const span = { file, line: i + 1, column: 1, offset, length: line.length };
    offset += line.length + 1;
    if (line.trim() === '') continue;
    const parsed = pairSchema.safeParse(jsonOf(line));
    if (parsed.success) pairs.push(parsed.data);
    else diagnostics.push(notAPair(span));
  }
  if (diagnostics.length > 0) throw new InputError(diagnostics);
  return pairs;
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function notAPair(span: Span): Diagnostic {
  return {
    code: 'pairs-not-a-pair',
    severity: 'error',
    span,
    message: 'this is no pair of policy files',
    hint: 'each line is {"id": "…", "a": "PATH", "b": "PATH", "devices": "PATH"}, of which devices may be left out',
  };
}
