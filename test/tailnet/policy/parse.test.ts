import { describe, expect, it } from 'vitest';
import { parsePolicy } from '../../../src/tailnet/policy/parse.ts';
import { policyOf } from '../support.ts';

function diagnosticsOf(text: string): string[] {
  const result = parsePolicy('p.hujson', text);
  return result.ok ? [] : result.diagnostics.map((d) => `${d.span.line}:${d.span.column} ${d.code}`);
}

describe('parsePolicy', () => {
  it('reads keys in any case and the older names', () => {
    const policy = policyOf(`{
      "ACLs": [{"Action": "accept", "Users": ["group:a"], "Ports": ["tag:x:22,80-90"], "Proto": "tcp"}],
      "Groups": {"group:a": ["u@example.com"]},
      "TAGOWNERS": {"tag:x": ["group:a"]},
      "Tests": [{"User": "u@example.com", "Allow": ["tag:x:22"]}],
    }`);
    expect(policy.rules).toHaveLength(1);
    expect(policy.rules[0]).toMatchObject({
      section: 'acls',
      index: 0,
      action: { text: 'accept' },
      src: [{ selector: { kind: 'group', name: 'group:a' } }],
      dst: [{ text: 'tag:x', selector: { kind: 'tag' }, ip: [{ protocols: [6] }] }],
      unknownKeys: [],
    });
    expect(policy.rules[0]?.dst[0]?.ip[0]?.ports.toString()).toBe('22,80-90');
    expect(policy.tests[0]).toMatchObject({ src: { text: 'u@example.com' }, accept: [{ text: 'tag:x:22' }] });
    expect(policy.unmodelled).toEqual([]);
  });

  it('does not take a key for another because of a letter that only looks alike', () => {
    // Go folds U+017F to s and U+212A to k (encoding/json): to the API this may be `acls`.
    const policy = policyOf('{"acl\u017f": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}], "grants": []}');
    expect(policy.rules).toEqual([]);
    expect(policy.unmodelled.map((u) => u.touches[0])).toEqual(['packets']);
    expect(
      policyOf('{"tagOwners": {}, "grants": [{"\u017frc": ["*"], "dst": ["*"], "ip": ["*"]}]}').rules[0]?.unknownKeys,
    ).toHaveLength(1);
  });

  it('keeps data keys as they are written', () => {
    const policy = policyOf(
      '{"groups": {"group:A": [], "group:a": ["x@example.com"]}, "hosts": {"__proto__": "10.0.0.1"}}',
    );
    expect([...policy.groups.keys()]).toEqual(['group:A', 'group:a']);
    expect(policy.hosts.get('__proto__')?.prefix).toEqual({ family: 4, first: 0x0a000001n, length: 32 });
  });

  it('places rules and their parts', () => {
    const text = '{\n  "grants": [\n    {"src": ["*"], "dst": ["tag:m"],\n     "ip": ["tcp:1"]},\n  ],\n}';
    const rule = policyOf(text).rules[0];
    expect(rule?.span).toMatchObject({ file: 'p.hujson', line: 3, column: 5 });
    expect(rule?.src[0]?.span).toMatchObject({ line: 3, column: 14, length: 3 });
    expect(rule?.dst[0]?.span).toMatchObject({ line: 3, column: 28, length: 7 });
  });

  it.each([
    ['{}', 'absent', 'absent'],
    ['{"acls": null}', 'absent', 'absent'],
    ['{"acls": []}', 'empty', 'absent'],
    ['{"ACLS": [], "Grants": [{"src": [], "dst": [], "ip": ["*"]}]}', 'empty', 'present'],
  ])('tells absent from empty sections in %s', (text, acls, grants) => {
    expect(policyOf(text).sections).toEqual({ acls, grants });
  });

  it('reports all that is wrong at once', () => {
    expect(
      diagnosticsOf(`{
  "acls": {"src": []},
  "groups": {"group:a": "u@example.com", "group:b": [1]},
  "hosts": {"h": 5},
  "Hosts": {},
}`),
    ).toEqual([
      '5:3 policy-duplicate-key',
      '2:11 policy-shape',
      '3:25 policy-shape',
      '3:54 policy-shape',
      // The second `hosts` is not read: which one counts is not known.
      '4:18 policy-shape',
    ]);
  });

  it('refuses the same rule key in two spellings', () => {
    const two = '{"acls": [{"action": "accept", "src": ["*"], "users": ["tag:x"], "dst": ["*:*"]}]}';
    expect(diagnosticsOf(two)).toEqual(['1:46 policy-duplicate-key']);
    expect(diagnosticsOf('{"grants": [{"SRC": ["*"], "src": ["*"]}]}')).toEqual(['1:28 policy-duplicate-key']);
  });

  it.each(['[]', '1', '"x"', 'null'])('refuses %s as a policy', (text) => {
    expect(diagnosticsOf(text)).toEqual(['1:1 policy-shape']);
  });

  it('keeps what it does not model, with its place and what it could touch', () => {
    const policy = policyOf(`{
  "grants": [],
  "ssh": [{"action": "accept", "src": ["*"], "dst": ["*"], "users": ["root"]}],
  "nodeAttrs": [{"target": ["*"], "attr": ["funnel", "unheard-of"]}],
  "sshTests": [{"src": "a@b", "dst": ["tag:x"], "accept": ["root"]}],
  "postures": {"posture:p": ["node:os == 'linux'"]},
  "defaultSrcPosture": ["posture:p"],
  "ipsets": {"ipset:a": ["add 10.0.0.0/8"]},
  "derpMap": {"OmitDefaultRegions": true},
  "randomizeClientPort": true,
  "autoApprovers": {"services": {"svc:a": ["tag:x"]}},
  "futureThing": {"a": 1},
}`);
    expect(policy.unmodelled.map((u) => [u.span?.line, u.what.split(/[: ]/)[0], u.touches[0]])).toEqual([
      [7, 'defaultSrcPosture', 'packets'],
      [9, 'derpMap', 'underlay'],
      [12, 'futureThing', 'packets'],
      [11, 'autoApprovers.services', 'ownership'],
      [4, 'nodeAttrs[0]', 'attributes'],
    ]);
    const future = policy.unmodelled.find((u) => u.what.startsWith('futureThing'));
    expect(future?.touches).toEqual(expect.arrayContaining(['packets', 'peers', 'ssh', 'ownership']));
  });

  it('does not report sections that are there but empty', () => {
    expect(policyOf('{"ssh": [], "nodeAttrs": null, "disableIPv4": false, "derpMap": {}}').unmodelled).toEqual([]);
  });

  it('keeps unknown keys and unreadable values of rules', () => {
    const policy = policyOf(`{"acls": [
      {"action": "accept", "src": ["*"], "dst": ["tag:x:ssh", "*"], "proto": "quic", "when": "always"},
    ], "grants": [{"src": ["*"], "dst": ["*"], "ip": ["0"], "srcPosture": ["posture:p"]}]}`);
    expect(policy.rules[0]?.unknownKeys.map((k) => k.text)).toEqual(['when']);
    expect(policy.rules[0]?.faults.map((f) => f.text)).toEqual([
      'proto name "quic" not known; use protocol number 0-255 or protocol name (icmp, tcp, udp, etc.)',
      'dst="tag:x:ssh": port range "ssh": invalid first integer',
      'dst="*": missing port',
    ]);
    expect(policy.rules[1]?.faults.map((f) => f.text)).toEqual([
      'port range "0": first port must be >0, or use \'*\' for wildcard',
    ]);
    expect(policy.rules[1]?.posture.map((p) => p.text)).toEqual(['posture:p']);
  });
});
