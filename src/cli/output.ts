import { writeFileSync } from 'node:fs';
import type { Report } from '../proof/report.ts';
import { jsonReport } from '../report/json.ts';
import { textReport } from '../report/text.ts';
import { CordonError } from '../source/error.ts';
import { fileProblem } from './topology-file.ts';

/** Output formats of reports. */
export const FORMATS = ['text', 'json'] as const;

export type Format = (typeof FORMATS)[number];

/** How a command's result is written. */
export interface OutputOptions {
  readonly format: Format;
  /** File instead of stdout. */
  readonly output: string | undefined;
  readonly verbose: boolean;
}

/** Prints a report in the wanted format. */
export function writeReport(report: Report, options: OutputOptions): void {
  writeResult(formatReport(report, options), options.output);
}

function formatReport(report: Report, { format, output, verbose }: OutputOptions): string {
  switch (format) {
    case 'json':
      return jsonReport(report);
    case 'text':
      return textReport(report, { color: output === undefined && useColor(process.stdout, process.env), verbose });
  }
}

/**
 * Writes a command's result: stdout carries it and nothing else.
 * @throws CordonError `output-unwritable`
 */
export function writeResult(text: string, output: string | undefined): void {
  if (output === undefined) {
    process.stdout.write(text);
    return;
  }
  try {
    writeFileSync(output, text);
  } catch (cause) {
    throw new CordonError('output-unwritable', `${output} cannot be written: ${fileProblem(cause)}`, {
      cause,
      hint: 'give another file to -o',
    });
  }
}

/** Colour on a terminal only, and never against the user's wish (no-color.org). */
export function useColor(stream: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv): boolean {
  return stream.isTTY === true && (env['NO_COLOR'] === undefined || env['NO_COLOR'] === '');
}
