import { apiVerdict } from '../../../src/tailnet/verdict.ts';

type Verdict = typeof apiVerdict;
type Json = Readonly<Record<string, unknown>>;

/** Judges that get the API's answer wrong. */
export const verdictMutants: Readonly<Record<string, Verdict>> = {
  'everything is accepted': () => ({ ok: true, unchecked: [] }),
  'everything is refused': () => ({ ok: false, message: 'no', data: [] }),
  'tests are not run': onPolicy(({ tests: _, ...policy }) => policy),
  'SSH tests are not run': onPolicy(({ sshTests: _, ...policy }) => policy),
  'node attributes are not checked': onPolicy(({ nodeAttrs: _, ...policy }) => policy),
  'groups may contain groups': onPolicy((policy) => ({
    ...policy,
    groups: Object.fromEntries(Object.keys(policy['groups'] ?? {}).map((name) => [name, []])),
  })),
  'SSH rules are not checked': onPolicy(({ ssh: _, sshTests: _tests, ...policy }) => policy),
  'every tag is declared': onPolicy((policy) => ({
    ...policy,
    tagOwners: { ...(policy['tagOwners'] as Json), 'tag:nonexistent': [] },
  })),
  'a failed test is met by the next': onTests((tests) => tests.slice(0, 1)),
  'tests ask for any protocol': onTests((tests) => tests.map(({ proto: _, ...test }) => test)),
  'SSH tests do not look at the login name': onPolicy((policy) => ({
    ...policy,
    sshTests: entries(policy['sshTests']).map((test) => (test['accept'] ? { ...test, accept: ['root'] } : test)),
  })),
};

function onPolicy(change: (policy: Json) => Json): Verdict {
  return (text, facts) => apiVerdict(JSON.stringify(change(JSON.parse(text) as Json)), facts);
}

function onTests(change: (tests: readonly Json[]) => readonly Json[]): Verdict {
  return onPolicy((policy) => ({ ...policy, tests: change(entries(policy['tests'])) }));
}

function entries(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value : [];
}
