import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { type CaptureCase, readCases } from './case.ts';
import { type Answer, answerOf, differences } from './run.ts';

const USAGE = 'usage: conformance --cases DIR [--emit OUT]\n';

/**
 * Runs every capture of `DIR/<category>/*.json` and prints one line for each that fails; the last line is
 * `N passed, N failed`. With `--emit`, what the compiler answers goes to `OUT/<category>/<id>.json`, in the words of the
 * captures. Captures that are marked as not to be trusted are named on one line and count neither way, nor do those
 * without an answer to compare with.
 * @returns the exit code: 0 only when none failed and at least one ran, 2 for a wrong call
 */
function main(args: readonly string[]): number {
  const options = readOptions(args);
  if (options === undefined) return 2;
  if (!statSync(options.cases, { throwIfNoEntry: false })?.isDirectory()) {
    process.stderr.write(`${options.cases} is no folder\n`);
    return 2;
  }
  const { cases, problems } = readCases(pathToFileURL(resolve(options.cases) + sep));
  for (const { file, why } of problems) print(`${file}: ${why}`);
  const distrusted = cases.filter(isDistrusted);
  const refused = { all: 0, different: [] as string[] };
  let passed = 0;
  let failed = problems.length;
  let unanswered = 0;
  for (const capture of cases) {
    const { answer, odd } = judge(capture);
    if (options.emit !== undefined && answer !== undefined) emit(options.emit, capture, answer);
    if (capture.api === undefined) unanswered++;
    if (capture.api === undefined || isDistrusted(capture)) continue;
    if (odd.length === 0) passed++;
    else failed++;
    if (odd.length > 0) print(`${capture.category}/${capture.id}: ${odd.slice(0, 3).join('; ')}`);
    if (capture.api.message === undefined || answer?.api.code === 200) continue;
    refused.all++;
    if (answer?.api.message !== capture.api.message) refused.different.push(capture.id);
  }
  if (distrusted.length > 0) {
    print(`left out, marked as not to be trusted: ${distrusted.map((c) => c.id).join(', ')}`);
  }
  if (unanswered > 0) print(`without an answer to compare with: ${unanswered}`);
  const odd = refused.different.length === 0 ? '' : `; not of ${refused.different.join(', ')}`;
  print(`messages of refusals: ${refused.all - refused.different.length} of ${refused.all} word for word${odd}`);
  print(`${passed} passed, ${failed} failed`);
  return failed === 0 && passed > 0 ? 0 : 1;
}

function readOptions(args: readonly string[]): { cases: string; emit: string | undefined } | undefined {
  try {
    const { cases, emit } = parseArgs({
      args: [...args],
      options: { cases: { type: 'string' }, emit: { type: 'string' } },
    }).values;
    if (cases !== undefined) return { cases, emit };
    process.stderr.write(USAGE);
  } catch (e) {
    process.stderr.write(`${e instanceof Error ? e.message : e}\n${USAGE}`);
  }
  return undefined;
}

function judge(capture: CaptureCase): { answer: Answer | undefined; odd: string[] } {
  try {
    const answer = answerOf(capture);
    return { answer, odd: differences(capture, answer) };
  } catch (e) {
    return { answer: undefined, odd: [e instanceof Error ? `${e.name}: ${e.message}` : String(e)] };
  }
}

function isDistrusted(capture: CaptureCase): boolean {
  return capture.suspect !== undefined || capture.unstable !== undefined;
}

function emit(out: string, { category, id }: CaptureCase, answer: Answer): void {
  mkdirSync(join(out, category), { recursive: true });
  writeFileSync(join(out, category, `${id}.json`), `${JSON.stringify(answer, null, 1)}\n`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

process.exitCode = main(process.argv.slice(2));
