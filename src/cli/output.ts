import { existsSync, writeFileSync } from 'node:fs';
import { VERSION } from '../../infra/plugin/package.ts';
import type { Report } from '../proof/report.ts';
import { drawnFlows } from '../report/declared-flows.ts';
import { jsonReport } from '../report/json.ts';
import type { DrawnFlow } from '../report/mermaid.ts';
import { textReport } from '../report/text.ts';
import { CordonError } from '../source/error.ts';
import type { Topology } from '../topology/model.ts';
import { fileProblem } from './topology-file.ts';

/** Output formats of reports. */
export const FORMATS = ['text', 'json', 'sarif', 'junit', 'github', 'markdown'] as const;

export type Format = (typeof FORMATS)[number];

/** How a command's result is written. */
export interface OutputOptions {
  readonly format: Format;
  /** File instead of stdout. */
  readonly output: string | undefined;
  readonly verbose: boolean;
}

/** What a report is about, for the formats that place findings in files or draw who may reach whom. */
export interface ReportContext {
  /** The file that a finding without a place of its own is shown at. */
  readonly file: string;
  readonly flows: readonly DrawnFlow[];
}

/** Reports about a topology. */
export function contextOf(topology: Topology): ReportContext {
  return { file: topology.file, flows: drawnFlows(topology) };
}

/** Prints a report in the wanted format. */
export async function writeReport(report: Report, options: OutputOptions, context: ReportContext): Promise<void> {
  writeResult(await formatReport(report, options, context), options.output);
}

/** Formats that few runs ask for are loaded when they are. */
async function formatReport(report: Report, options: OutputOptions, { file, flows }: ReportContext): Promise<string> {
  const { format, output, verbose } = options;
  switch (format) {
    case 'json':
      return jsonReport(report);
    case 'text':
      return textReport(report, { color: output === undefined && useColor(process.stdout, process.env), verbose });
    case 'sarif': {
      const { sarifReport } = await import('../report/sarif.ts');
      return sarifReport(report, { version: VERSION, file, isFile: existsSync });
    }
    case 'junit':
      return (await import('../report/junit.ts')).junitReport(report);
    case 'github':
      return (await import('../report/github.ts')).githubReport(report, { file, isFile: existsSync });
    case 'markdown':
      return (await import('../report/markdown.ts')).markdownReport(report, { flows });
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
