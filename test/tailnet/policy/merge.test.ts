import { describe, expect, it } from 'vitest';
import type { Span } from '../../../src/source/span.ts';
import { formatHujson } from '../../../src/tailnet/hujson/format.ts';
import { mergePolicy, type PolicySections } from '../../../src/tailnet/policy/merge.ts';
import { policyOf } from '../support.ts';

const sections: PolicySections = {
  grants: [{ src: ['tag:orch'], dst: ['tag:model'], ip: ['tcp:11434'], comment: 'flow orch-model\nsecond line' }],
  tagOwners: { 'tag:model': ['group:ops'], 'tag:orch': ['group:ops'] },
  autoApprovers: { routes: { '10.77.1.0/24': ['tag:orch'] } },
  tests: [{ src: 'tag:orch', proto: 'tcp', accept: ['tag:model:11434'] }],
};

function merged(text: string | undefined, more: Partial<PolicySections> = {}): string {
  const result = mergePolicy(text === undefined ? undefined : { file: 'base.hujson', text }, { ...sections, ...more });
  if (!result.ok) throw new Error(result.diagnostics.map((d) => d.message).join('\n'));
  return result.value;
}

describe('mergePolicy', () => {
  it('writes a policy of our own in canonical form', () => {
    const text = merged(undefined);
    expect(text).toBe(`{
	"grants": [
		// flow orch-model
		// second line
		{"src": ["tag:orch"], "dst": ["tag:model"], "ip": ["tcp:11434"]},
	],
	"tagOwners": {
		"tag:model": ["group:ops"],
		"tag:orch":  ["group:ops"],
	},
	"autoApprovers": {
		"routes": {
			"10.77.1.0/24": ["tag:orch"],
		},
	},
	"tests": [
		{"src": "tag:orch", "proto": "tcp", "accept": ["tag:model:11434"]},
	],
}
`);
    expect(formatHujson(text)).toBe(text);
  });

  it('never writes a policy without rules by leaving the keys out', () => {
    expect(merged(undefined, { grants: [], tagOwners: {}, autoApprovers: {}, tests: [] })).toBe(
      '{\n\t"grants": []\n}\n',
    );
  });

  it('appends to what is there and keeps every word of it', () => {
    const base = `// the organisation's policy
{
	// who may talk
	"ACLs": [
		{"action": "accept", "users": ["group:staff"], "ports": ["tag:web:443"]}, // the site
		// more to come
	],
	"Grants": [{"src": ["*"], "dst": ["tag:web"], "ip": ["tcp:80"]} /* old */],
	"tagOwners": {"tag:web": ["group:staff"]}, // owners

	"autoApprovers": {"routes": {"10.0.0.0/8": ["tag:web"]}, "exitNode": ["tag:web"]},
	/* custom */ "somethingElse": {"a": [1, 2]},
} // the end
`;
    const text = merged(base);
    expect(text).toBe(`// the organisation's policy
{
	// who may talk
	"ACLs": [
		{"action": "accept", "users": ["group:staff"], "ports": ["tag:web:443"]}, // the site
		// more to come
	],
	"Grants": [
		{"src": ["*"], "dst": ["tag:web"], "ip": ["tcp:80"]}, /* old */
		// flow orch-model
		// second line
		{"src": ["tag:orch"], "dst": ["tag:model"], "ip": ["tcp:11434"]},
	],
	"tagOwners": {
		"tag:web":   ["group:staff"],
		"tag:model": ["group:ops"],
		"tag:orch":  ["group:ops"],
	}, // owners

	"autoApprovers": {"routes": {
		"10.0.0.0/8":   ["tag:web"],
		"10.77.1.0/24": ["tag:orch"],
	}, "exitNode": ["tag:web"]},
	/* custom */ "somethingElse": {"a": [1, 2]},
	"tests": [
		{"src": "tag:orch", "proto": "tcp", "accept": ["tag:model:11434"]},
	],
} // the end
`);
  });

  it('leaves a base alone when there is nothing to add', () => {
    const base = '{"acls":[{"action":"accept","src":["*"],"dst":["*:*"]}]}';
    expect(merged(base, { grants: [], tagOwners: {}, autoApprovers: {}, tests: [] })).toBe(formatHujson(base));
  });

  it.each([
    ['{}', '{\n"grants": []}\n'],
    ['{"acls": null, "groups": {}}', '{"acls": null, "groups": {},\n\t"grants": []}\n'],
    ['// ours\n{"Grants": null}', '// ours\n{"Grants": []}\n'],
  ])('ends the allow-all of %s although there is no grant to add', (base, text) => {
    const parsed = policyOf(merged(base, { grants: [], tagOwners: {}, autoApprovers: {}, tests: [] }));
    expect(parsed.sections.grants).toBe('empty');
    expect(merged(base, { grants: [], tagOwners: {}, autoApprovers: {}, tests: [] })).toBe(formatHujson(text));
  });

  it('fills sections that are null', () => {
    expect(merged('{"grants": null, "tagOwners": null, "acls": []}')).toContain('"tag:model": ["group:ops"]');
  });

  it('names both places of a key that both sides define', () => {
    const place: Span = { file: 'cordon.yaml', line: 7, column: 3, offset: 80, length: 5 };
    const result = mergePolicy(
      {
        file: 'base.hujson',
        text: '{\n "acls": [],\n "tagOwners": {"tag:model": [], "tag:x": []},\n "hosts": {"h": "10.0.0.1"},\n "autoapprovers": {"Routes": {"10.77.1.0/24": []}}\n}',
      },
      { ...sections, hosts: { h: '10.0.0.2' }, places: new Map([['tagOwners/tag:model', place]]) },
    );
    if (result.ok) throw new Error('merged');
    expect(result.diagnostics.map((d) => [d.code, d.span.file, d.span.line, d.related?.[0]?.span.line])).toEqual([
      ['policy-key-conflict', 'cordon.yaml', 7, 3],
      ['policy-key-conflict', 'base.hujson', 4, undefined],
      ['policy-key-conflict', 'base.hujson', 5, undefined],
    ]);
  });

  it('warns when the base allowed everything for want of rules', () => {
    const warnings = (text: string) => {
      const result = mergePolicy({ file: 'base.hujson', text }, sections);
      return result.ok ? result.warnings.map((w) => w.code) : ['error'];
    };
    expect(warnings('{"groups": {}}')).toEqual(['policy-default-ends']);
    expect(warnings('{"acls": null}')).toEqual(['policy-default-ends']);
    expect(warnings('{"acls": []}')).toEqual([]);
  });

  it('reports what is wrong with the base', () => {
    expect(mergePolicy({ file: 'b', text: '{"acls": [1 2]}' }, sections)).toMatchObject({
      ok: false,
      diagnostics: [{ code: 'hujson-syntax', span: { file: 'b', column: 13 } }],
    });
    expect(mergePolicy({ file: 'b', text: '{"a": 1, "a": 2}' }, sections).ok).toBe(false);
    expect(mergePolicy({ file: 'b', text: '{"grants": {}}' }, sections).ok).toBe(false);
    expect(mergePolicy({ file: 'b', text: '[]' }, sections).ok).toBe(false);
  });

  it('cannot be led out of a comment', () => {
    const text = merged(undefined, {
      grants: [{ src: [], dst: [], ip: ['1'], comment: 'a\r"x": 1, \u2028 "y": 2 */' }],
    });
    expect(text).toContain('\t\t// a\n\t\t// "x": 1,\n\t\t// "y": 2 */\n');
  });
});
