import { judge } from './judge.ts';
import { keyText } from './keys.ts';
import type { Expectation, Finding, Line } from './line.ts';
import type { Reading } from './reading.ts';
import { shown } from './show.ts';
import type { VersionKnowledge } from './version.ts';

/** Decides a line on what the file says, or on what the release does where it says nothing. */
export function decide(line: Line, expect: Expectation, reading: Reading, version: VersionKnowledge): Finding {
  const base = {
    path: keyText(reading.path),
    causes: line.causes,
    severity: line.severity,
    section: line.section,
    expected: expectedOf(expect),
    fix: line.fix,
  };
  const found = (value: unknown, source: string): Finding => {
    const verdict = judge(expect, value, version.family);
    const state = verdict === 'meets' ? 'holds' : verdict === 'deviates' ? 'violated' : 'unknown';
    return { ...base, state, effective: shown(value, vocabularyOf(expect)), source };
  };
  if (reading.value !== undefined) return found(reading.value, 'config');
  const { unset } = line;
  if (unset.kind === 'unknown') return { ...base, state: 'unknown', effective: null, source: `unset: ${unset.why}` };
  if (unset.kind === 'nothing') return found(undefined, 'unset');
  if (unset.inMap === true && !reading.hasMap) return { ...base, state: 'violated', effective: null, source: 'unset' };
  return found(unset.value, `default of ${version.text}`);
}

/** What an expectation wants, fit to print. */
function expectedOf(expect: Expectation): unknown {
  switch (expect.kind) {
    case 'one-of':
      return expect.values[0] ?? null;
    case 'same-list':
    case 'list-with':
    case 'tools':
    case 'names-among':
      return expect.list;
    case 'denied-tools':
      return expect.deny;
    case 'exact-names':
      return 'exact names of commands';
    case 'url':
      return expect.urls[0] ?? null;
    case 'reference':
      // biome-ignore lint/suspicious/noTemplateCurlyInString: OpenClaw's own syntax
      return 'a reference such as ${OPENCLAW_GATEWAY_TOKEN}';
    case 'models':
      return expect.list ?? 'models without an address of their own';
  }
}

/** Values that the baseline names itself: no secret can be among them. */
function vocabularyOf(expect: Expectation): readonly unknown[] {
  switch (expect.kind) {
    case 'one-of':
      return expect.values;
    case 'same-list':
    case 'list-with':
    case 'tools':
    case 'names-among':
      return expect.list;
    case 'denied-tools':
      return [...expect.deny, ...expect.keep];
    case 'url':
      return expect.urls;
    case 'models':
      return expect.list === undefined ? [] : [expect.list, ...expect.list];
    case 'exact-names':
    case 'reference':
      return [];
  }
}
