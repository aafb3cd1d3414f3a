import { trimEndGo } from './trim.ts';

/** Whether white space or comments contain a line feed. */
export function hasNewline(extra: string | undefined): boolean {
  return extra?.includes('\n') ?? false;
}

/** How the white space and comments at one place are laid out; everything is off by default. */
export interface ExtraOptions {
  readonly ensureLeadingNewline?: boolean;
  readonly ensureTrailingNewline?: boolean;
  readonly removeLeadingEmptyLines?: boolean;
  readonly removeTrailingEmptyLines?: boolean;
  /** The last line belongs to a closing bracket: one level less. */
  readonly unindentLastLine?: boolean;
  readonly appendSpaceIfEmpty?: boolean;
}

/**
 * Canonical form of white space and comments (tailscale/hujson format.go:Extra.format): LF line ends, at most one blank
 * line, comments indented by `depth` tabs.
 */
export function formatExtra(extra: string, depth: number, options: ExtraOptions): string {
  let rest = extra.replaceAll('\r\n', '\n').replaceAll('\n\r', '\n').replaceAll('\r', ' ');
  let out = options.ensureLeadingNewline && !rest.includes('\n') ? '\n' : '';
  while (rest !== '') {
    const white = /^[ \t\r\n]+/.exec(rest)?.[0] ?? '';
    if (white !== '') {
      out += '\n'.repeat(Math.min(2, white.split('\n').length - 1));
      rest = rest.slice(white.length);
      continue;
    }
    const length = commentLength(rest);
    const comment = rest.slice(0, length);
    rest = rest.slice(length);
    out += out.endsWith('\n') ? '\t'.repeat(depth) : ' ';
    out += comment.startsWith('//') || !comment.includes('\n') ? trimEndGo(comment) : blockComment(comment, depth);
  }
  return finish(out, depth, options);
}

/** Length of the comment at the start; the line feed behind a line comment stays outside. */
function commentLength(text: string): number {
  const end = text.startsWith('//') ? text.indexOf('\n', 2) : text.indexOf('*/', 2) + 2;
  return end < 2 ? text.length : end;
}

function finish(text: string, depth: number, options: ExtraOptions): string {
  let out = text;
  if (options.ensureTrailingNewline && !out.endsWith('\n')) out += '\n';
  if (options.removeLeadingEmptyLines) out = out.replace(/^\n+(?=\n)/, '');
  if (options.removeTrailingEmptyLines) out = out.replace(/\n+$/, '\n');
  if (out.endsWith('\n')) return out + '\t'.repeat(options.unindentLastLine ? depth - 1 : depth);
  if (out !== '') return `${out} `;
  return options.appendSpaceIfEmpty ? ' ' : '';
}

/** Re-indents a block comment of several lines by the white space that its lines share. */
function blockComment(comment: string, depth: number): string {
  const [head = '', ...lines] = comment.split('\n').map(trimEndGo);
  const hasEmptyLine = head === '' || lines.includes('');
  let shared = lines.find((line) => line !== '') ?? '';
  for (const [i, line] of lines.entries()) {
    if (line === '') continue;
    // A closing `*/` on a line of its own takes over the indentation instead of deciding it.
    if (/^[ \t\r\n]*\*\/$/.test(line)) {
      lines[i] = `${leadingWhite(shared)}*/`;
      break;
    }
    let same = 0;
    while (same < line.length && same < shared.length && line[same] === shared[same]) same++;
    if (same < line.length) shared = shared.slice(0, same);
  }
  const indent = leadingWhite(shared).length;
  const starred = !hasEmptyLine && shared[indent] === '*';
  const body = lines.map((line) =>
    line === '' ? '' : `${'\t'.repeat(depth)}${starred ? ' ' : ''}${line.slice(indent)}`,
  );
  return [head, ...body].join('\n').replace(/\n+$/, '');
}

function leadingWhite(text: string): string {
  return /^[ \t\r\n]*/.exec(text)?.[0] ?? '';
}
