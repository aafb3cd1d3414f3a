import { hasNewline } from './format-extra.ts';
import { type HuComposite, type HuNode, type HuValue, lastValue } from './syntax.ts';

/** Longest line, in bytes and without indentation, that stays inline (format.go:punchCardWidth). */
const LINE_WIDTH = 80;

/** Lengths in bytes of UTF-8 of the first and last line of something; the same line unless `multiline`. */
interface LineStats {
  readonly first: number;
  readonly last: number;
  readonly multiline: boolean;
}

/**
 * Decides which objects and arrays print one member per line (format.go:expandComposites): those with a newline after
 * an opening bracket or comma or before the closing bracket, and those with an inline line longer than 80 bytes. An
 * expanded child contributes only its brackets to its parent's line.
 * @param expanded receives the nodes
 */
export function findExpanded(value: HuValue, expanded: Set<HuNode>): LineStats {
  const node = value.node;
  if (node.kind === 'literal') return flat(Buffer.byteLength(node.text, 'utf8'));
  const lines = new Lines();
  let expand = false;
  lines.add(flat(1));
  if (node.kind === 'object') {
    for (const member of node.members) {
      expand ||= hasNewline(member.name.before);
      lines.add(extraStats(member.name.before));
      lines.add(findExpanded(member.name, expanded));
      lines.add(extraStats(member.name.after));
      lines.add(flat(': '.length));
      lines.add(extraStats(member.value.before));
      lines.add(findExpanded(member.value, expanded));
      lines.add(extraStats(member.value.after));
      lines.add(flat(', '.length));
    }
  } else {
    for (const element of node.elements) {
      expand ||= hasNewline(element.before);
      lines.add(extraStats(element.before));
      lines.add(findExpanded(element, expanded));
      lines.add(extraStats(element.after));
      lines.add(flat(', '.length));
    }
  }
  lines.add(flat(1));
  expand ||= hasNewline(lastValue(node)?.after) || hasNewline(node.closing);
  const lengths = lines.all();
  if (!expand && lengths.every((n) => n <= LINE_WIDTH)) {
    return { first: lengths[0] ?? 0, last: lengths.at(-1) ?? 0, multiline: lengths.length > 1 };
  }
  expanded.add(node);
  return { first: 1 + extraStats(firstExtra(node)).first, last: 1, multiline: true };
}

function flat(length: number): LineStats {
  return { first: length, last: length, multiline: false };
}

function firstExtra(node: HuComposite): string {
  return (node.kind === 'object' ? node.members[0]?.name.before : node.elements[0]?.before) ?? node.closing;
}

/** Lengths of the lines of a sequence of pieces. */
class Lines {
  private readonly finished: number[] = [];
  private current = 0;

  add(stats: LineStats): void {
    this.current += stats.first;
    if (!stats.multiline) return;
    this.finished.push(this.current);
    this.current = stats.last;
  }

  all(): number[] {
    return [...this.finished, this.current];
  }
}

function extraStats(extra: string | undefined): LineStats {
  if (extra === undefined) return flat(0);
  if (!extra.includes('\n')) return flat(commentWidth(extra));
  const first = commentWidth(extra.slice(0, extra.indexOf('\n')));
  return { first, last: commentWidth(extra.slice(extra.lastIndexOf('\n') + 1)), multiline: true };
}

/** Width of the comments of one line, with the spaces that will surround them. */
function commentWidth(line: string): number {
  let width = 0;
  let rest = line;
  for (;;) {
    rest = rest.replace(/^[ \t\r\n]+/, '');
    const end = rest.startsWith('/*') ? rest.indexOf('*/', 2) : -1;
    // A line comment, or a block comment that goes on in the next line, takes the rest of the line.
    if (rest.startsWith('//') || (rest.startsWith('/*') && end < 0)) return width + 1 + Buffer.byteLength(rest, 'utf8');
    if (end < 0) return width > 0 ? width + 1 : 0;
    width += 1 + Buffer.byteLength(rest.slice(0, end + 2), 'utf8');
    rest = rest.slice(end + 2);
  }
}
