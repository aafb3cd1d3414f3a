import type { Span } from '../../source/span.ts';

/** Steps from the root of the file: keys of maps and indexes of lists. */
export type Path = readonly (string | number)[];

/** Where an entry stands: its key (none for items of a list) and its value. */
export interface Place {
  readonly key: Span | undefined;
  readonly value: Span;
}

/** Where everything in a file stands, by path. */
export class Places {
  readonly #entries = new Map<string, Place>();
  readonly #start: Span;

  /** @param start the span that stands for the whole file */
  constructor(start: Span) {
    this.#start = start;
  }

  set(path: Path, place: Place): void {
    this.#entries.set(name(path), place);
  }

  /** The key of an entry, or the item itself in a list; what is missing is shown at the entry it is missing from. */
  key(path: Path): Span {
    const place = this.#nearest(path);
    return place?.key ?? place?.value ?? this.#start;
  }

  /** The value of an entry; what is missing is shown at the key of the entry it is missing from. */
  value(path: Path): Span {
    const place = this.#entries.get(name(path));
    return place === undefined ? this.key(path) : place.value;
  }

  #nearest(path: Path): Place | undefined {
    for (let length = path.length; length > 0; length--) {
      const place = this.#entries.get(name(path.slice(0, length)));
      if (place !== undefined) return place;
    }
    return undefined;
  }
}

function name(path: Path): string {
  return JSON.stringify(path);
}
