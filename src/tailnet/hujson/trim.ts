/**
 * Trims trailing white space as Go's `bytes.TrimRightFunc(unicode.IsSpace)` does: unlike `trimEnd` it takes U+0085 and
 * leaves U+FEFF.
 */
export function trimEndGo(text: string): string {
  return text.replace(/[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+$/, '');
}
