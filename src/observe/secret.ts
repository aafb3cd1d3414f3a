import { inspect } from 'node:util';

const REDACTED = '[redacted]';

/**
 * Holds a credential so that no log, report, error or snapshot shows it by accident: however it is printed it reads
 * `[redacted]`, and the value leaves only through `reveal`.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The value itself, for the one place that sends it. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [Symbol.toPrimitive](): string {
    return REDACTED;
  }

  [inspect.custom](): string {
    return REDACTED;
  }
}

/** The forms in which a secret may come back in somebody else's text: as it is, in a URL, in a Basic header. */
function formsOf(value: string): readonly string[] {
  const basic = Buffer.from(`${value}:`, 'utf8').toString('base64');
  return [value, encodeURIComponent(value), basic, basic.replace(/=+$/, '')];
}

/**
 * Makes a function that takes secrets out of text that we did not write, such as a server's error message.
 * Values shorter than 6 characters are left alone: they would match by chance and are no secrets.
 */
export function scrubber(secrets: readonly Secret[]): (text: string) => string {
  const forms = secrets
    .map((s) => s.reveal())
    .filter((v) => v.length >= 6)
    .flatMap(formsOf)
    .sort((a, b) => b.length - a.length);
  return (text) => forms.reduce((t, form) => t.replaceAll(form, REDACTED), text);
}

/** Member names under which the API shows key material, at creation or by mistake. */
const SECRET_MEMBERS: ReadonlySet<string> = new Set(['key', 'secret', 'clientSecret', 'access_token', 'token']);

/**
 * A copy of JSON data without key material: members with a secret's name that hold text, and any text with a Tailscale
 * key in it (`tskey-…`). Everything else stays as it is.
 */
export function withoutKeyMaterial(value: unknown): unknown {
  if (typeof value === 'string') return value.replace(/tskey-[A-Za-z0-9-]+/g, REDACTED);
  if (Array.isArray(value)) return value.map(withoutKeyMaterial);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, v]) => [
      name,
      SECRET_MEMBERS.has(name) && typeof v === 'string' && v !== '' ? REDACTED : withoutKeyMaterial(v),
    ]),
  );
}
