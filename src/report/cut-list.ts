/** How many names or addresses of a list are shown before it is cut. */
const SHOWN = 4;

/** `a, b, c, d and 3 more`. */
export function cutList(names: readonly string[]): string {
  const more = names.length - SHOWN;
  return `${names.slice(0, SHOWN).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
