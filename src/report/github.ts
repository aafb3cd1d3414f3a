import type { Report } from '../proof/report.ts';
import { findingsOf } from './findings.ts';

/**
 * Workflow commands that GitHub Actions turns into annotations: `::error file=…,line=…::…` on stdout
 * (docs.github.com: "Workflow commands for GitHub Actions"; escaping as actions/toolkit packages/core/src/command.ts
 * escapeData and escapeProperty).
 * @param options.file the file that a finding without a place of its own is shown at
 */
export function githubReport(
  report: Report,
  { file, isFile }: { readonly file: string; readonly isFile: (name: string) => boolean },
): string {
  return findingsOf(report, isFile)
    .map(({ level, title, details, places, rule }) => {
      const [place = { file, line: 1, column: 1 }] = places;
      const properties = Object.entries({
        file: place.file.replace(/^\.\//, ''),
        line: `${place.line}`,
        col: `${place.column}`,
        title: rule,
      }).map(([name, value]) => `${name}=${property(value)}`);
      return `::${level === 'note' ? 'notice' : level} ${properties.join(',')}::${data([title, ...details].join('\n'))}\n`;
    })
    .join('');
}

function data(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
