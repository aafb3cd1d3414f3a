/** A place in a text that a person wrote: what a diagnostic points at and what blame names. */
export interface Span {
  /** File name as the user gave it, or the name of the evidence source (`tailnet/policy`). */
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  /** 1-based, in UTF-16 code units. */
  readonly column: number;
  /** 0-based offset of the first code unit. */
  readonly offset: number;
  /** Length in UTF-16 code units; 0 marks a point. */
  readonly length: number;
}

/** Maps offsets of one text to lines and columns; built once for each text. */
export interface LineMap {
  /** The span of `length` code units from the 0-based `offset`. */
  span(offset: number, length: number): Span;
}

/**
 * Indexes the line starts of `text` (LF, CR LF and lone CR end a line).
 * @param file name that goes into every span
 */
export function lineMap(file: string, text: string): LineMap {
  const starts = [0];
  for (let i = 0; i < text.length; i++) {
    const ch = text[i];
    if (ch === '\n' || (ch === '\r' && text[i + 1] !== '\n')) starts.push(i + 1);
  }
  return {
    span(offset, length) {
      let low = 0;
      let high = starts.length - 1;
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if ((starts[middle] ?? 0) <= offset) low = middle;
        else high = middle - 1;
      }
      return { file, line: low + 1, column: offset - (starts[low] ?? 0) + 1, offset, length };
    },
  };
}
