import { isRecord, sameValue } from './keys.ts';
import type { Expectation } from './line.ts';
import { isReference, REDACTED_BY_OPENCLAW } from './reference.ts';
import { expandTools, hasTool } from './tools.ts';
import type { Family } from './version.ts';

export type Verdict = 'meets' | 'deviates' | 'unknown';

/**
 * Whether a value is what a line wants. Anything of another type than the expectation's deviates: what a gateway would
 * do with it is not ours to guess.
 * @param value what is in effect; undefined = nothing
 */
export function judge(expect: Expectation, value: unknown, family: Family): Verdict {
  switch (expect.kind) {
    case 'one-of':
      return verdict(expect.values.some((wanted) => sameValue(wanted, value)));
    case 'same-list': {
      const list = texts(value);
      return verdict(list !== undefined && sameSet(new Set(list), new Set(expect.list)));
    }
    case 'list-with': {
      const list = texts(value);
      return verdict(list !== undefined && expect.list.every((item) => list.includes(item)));
    }
    case 'tools': {
      const list = expandTools(value, family);
      const wanted = expandTools(expect.list, family);
      return verdict(list !== undefined && wanted !== undefined && sameSet(list, wanted));
    }
    case 'denied-tools':
      return verdict(deniesTools(expect.deny, expect.keep, value, family));
    case 'names-among': {
      const list = texts(value);
      return verdict(list?.every((item) => expect.list.includes(item)) ?? false);
    }
    case 'exact-names': {
      const list = texts(value);
      return verdict(list?.every((item) => /^[A-Za-z][A-Za-z0-9]*(?:\.[A-Za-z0-9]+)+$/.test(item)) ?? false);
    }
    case 'url':
      return verdict(typeof value === 'string' && expect.urls.some((url) => sameUrl(url, value)));
    case 'reference':
      if (value === REDACTED_BY_OPENCLAW) return 'unknown';
      return verdict(isReference(value));
    case 'models':
      return verdict(expect.list === undefined ? leadNowhere(value) : sameValue(expect.list, value));
  }
}

function verdict(meets: boolean): Verdict {
  return meets ? 'meets' : 'deviates';
}

function texts(value: unknown): readonly string[] | undefined {
  return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined;
}

function sameSet(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && [...a].every((item) => b.has(item));
}

function deniesTools(deny: readonly string[], keep: readonly string[], value: unknown, family: Family): boolean {
  const list = expandTools(value, family);
  const wanted = expandTools(deny, family);
  const kept = expandTools(keep, family);
  if (list === undefined || wanted === undefined || kept === undefined) return false;
  return [...wanted].every((tool) => hasTool(list, tool)) && ![...kept].some((tool) => hasTool(list, tool));
}

/** The same scheme, host and port, and no path, query or credentials: `/v1` is another protocol of the same service. */
function sameUrl(a: string, b: string): boolean {
  if (!URL.canParse(a) || !URL.canParse(b)) return false;
  const [x, y] = [new URL(a), new URL(b)];
  const isBare = (url: URL) => url.pathname === '/' && url.search === '' && url.username === '' && url.password === '';
  return x.protocol === y.protocol && x.host === y.host && isBare(x) && isBare(y);
}

/** Fields of a model entry that say what the model can, and not where it is (openclaw `ModelDefinitionSchema`). */
const MODEL_FIELDS = new Set(
  'id name reasoning input cost contextWindow contextTokens maxTokens thinkingLevelMap compat'.split(' '),
);

/** A list of models none of which has an address, a header or a protocol of its own. */
function leadNowhere(value: unknown): boolean {
  if (!Array.isArray(value)) return false;
  return value.every((entry) => isRecord(entry) && Object.keys(entry).every((key) => MODEL_FIELDS.has(key)));
}
