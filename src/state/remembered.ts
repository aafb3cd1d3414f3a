/** Texts are kept up to this many characters in all; a ruleset has some ten thousand. */
const CHARACTERS = 32_000_000;

/**
 * A reader of texts that remembers what it read: the same text of the same source gives the same object, so that whatever
 * is worked out from it can be found again by it. The oldest readings go when the texts together are too long.
 * @param read a pure function of source name and text
 */
export function remembered<T>(read: (source: string, text: string) => T): (source: string, text: string) => T {
  const readings = new Map<string, T>();
  let characters = 0;
  return (source, text) => {
    const key = `${source}\n${text}`;
    const known = readings.get(key);
    if (known !== undefined) return known;
    const fresh = read(source, text);
    readings.set(key, fresh);
    characters += key.length;
    for (const oldest of readings.keys()) {
      if (characters <= CHARACTERS || oldest === key) break;
      readings.delete(oldest);
      characters -= oldest.length;
    }
    return fresh;
  };
}
