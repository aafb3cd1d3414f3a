/** What a parser of host evidence gives: the value, or everything that kept it from being one. Never half a value. */
export type Read<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly string[] };

/** Collects problems while a value is put together. */
export class Problems {
  readonly #list: string[] = [];

  /** Notes one, and gives undefined, for the place where a value would have stood. */
  add(problem: string): undefined {
    this.#list.push(problem);
    return undefined;
  }

  /** The value if there was no problem; otherwise all of them. */
  over<T>(value: T): Read<T> {
    return this.#list.length === 0 ? { ok: true, value } : { ok: false, problems: this.#list };
  }
}

export function bad(...problems: readonly string[]): Read<never> {
  return { ok: false, problems };
}

/** A part of somebody's text, for messages. */
export function shown(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 97)}…` : text);
}
