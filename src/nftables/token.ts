/** One token of a rule as nft prints it. */
export interface Token {
  /** `word`: a run without blanks, quotes, braces or commas; `string`: what stood between double quotes. */
  readonly kind: 'word' | 'string' | 'punctuation';
  readonly text: string;
  /** 0-based offsets into the text that was given; `end` is exclusive. */
  readonly start: number;
  readonly end: number;
  /** True when more than one blank stands before it: nft prints a statement that it cannot show as nothing. */
  readonly gap: boolean;
}

/**
 * Splits a rule, an element list or another logical line into tokens. nft knows no escapes inside quotes (libnftables
 * scanner.l `quotedstring`), so a string ends at the next quote.
 * @returns undefined when a quote is never closed
 */
export function tokenize(text: string): Token[] | undefined {
  const tokens: Token[] = [];
  for (let i = 0; i < text.length; ) {
    const before = i;
    while (/\s/.test(text.charAt(i))) i++;
    if (i >= text.length) break;
    const gap = tokens.length > 0 && i - before > 1 && !text.slice(before, i).includes('\n');
    const start = i;
    const ch = text.charAt(i);
    if (ch === '"') {
      const close = text.indexOf('"', i + 1);
      if (close < 0) return undefined;
      i = close + 1;
      tokens.push({ kind: 'string', text: text.slice(start + 1, close), start, end: i, gap });
    } else if (/[{},;]/.test(ch)) {
      i++;
      tokens.push({ kind: 'punctuation', text: ch, start, end: i, gap });
    } else {
      while (i < text.length && !/[\s{},;"]/.test(text.charAt(i))) i++;
      tokens.push({ kind: 'word', text: text.slice(start, i), start, end: i, gap });
    }
  }
  return tokens;
}

/** True when the token is this word or punctuation mark (never a quoted string). */
export function isToken(token: Token | undefined, text: string): boolean {
  return token !== undefined && token.kind !== 'string' && token.text === text;
}
