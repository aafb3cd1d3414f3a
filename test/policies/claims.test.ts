import { beforeEach, describe, expect, it } from 'vitest';
import { claimProblems } from '../../policies/claims.ts';
import type { Resource } from './stack.ts';
import { find, homelabStack, ROOT } from './stack.ts';

const TODAY = '2026-11-24';
const problems = (stack: readonly Resource[]) => claimProblems(stack, ROOT, TODAY).join('\n');

/** Throws on access, as @pulumi/policy does for what a preview cannot know. */
function unknownProperty(resource: Resource, name: string): void {
  Object.defineProperty(resource.props, name, {
    enumerable: true,
    get() {
      throw new Error('unknown');
    },
  });
}

describe('claimProblems', () => {
  let stack: Resource[];
  beforeEach(() => {
    stack = homelabStack();
  });

  it('finds nothing wrong with the stack of the example', () => {
    expect(claimProblems(stack, ROOT, TODAY)).toEqual([]);
  });

  it.each([
    [
      'a grant for everybody',
      (s: Resource[]) =>
        edit(s, ':Acl', 'acl', /"grants":\s*\[/, '"grants": [{"src": ["*"], "dst": ["*"], "ip": ["*"]},'),
    ],
    [
      'a port more',
      (s: Resource[]) =>
        edit(s, ':Acl', 'acl', '["tag:gateway"], "ip": ["tcp:443"]', '["tag:gateway"], "ip": ["tcp:443-444"]'),
    ],
    [
      'an open input chain',
      (s: Resource[]) => edit(s, ':HostFirewall', 'ruleset', 'iif "lo" accept', 'accept', 'firewall-ollama-1'),
    ],
    [
      'a host without our table',
      (s: Resource[]) => edit(s, ':HostFirewall', 'ruleset', /^[\s\S]*$/, '', 'firewall-ollama-1'),
    ],
    [
      'another device with the orchestrator’s tag',
      (s: Resource[]) => set(s, ':DeviceTags', 'tags', ['tag:orchestrator'], 'tags-exec-1'),
    ],
    [
      'a route into everything',
      (s: Resource[]) => set(s, ':DeviceSubnetRoutes', 'routes', ['0.0.0.0/0', '::/0'], 'routes-gw-1'),
    ],
  ])('refuses %s, although the topology says otherwise', (_what, change) => {
    change(stack);
    expect(problems(stack)).toContain('not isolated');
  });

  it.each([
    ['the policy', ':Acl', undefined, 'no resource for the policy'],
    ['a firewall', ':HostFirewall', 'firewall-gw-1', 'no resource for the firewall of gw-1'],
    ['the tags of a device', ':DeviceTags', 'tags-orch-1', 'no resource for the tags of nOrch1DemoCNTRL'],
    ['the routes of a device', ':DeviceSubnetRoutes', 'routes-gw-1', 'no resource for the routes of nGw1DemoCNTRL'],
    ['the guard', ':PolicyGuard', undefined, 'does not depend on a guard'],
  ])('refuses a stack without %s', (_what, type, name, message) => {
    const missing = find(stack, type, name);
    expect(problems(stack.filter((r) => r !== missing))).toContain(message);
  });

  it('refuses a policy that goes round its guard', () => {
    find(stack, ':Acl').dependencies = [];
    expect(problems(stack)).toContain('does not depend on a guard');
    const other = homelabStack();
    find(other, ':PolicyGuard').props['policy'] = '{}';
    expect(problems(other)).toContain('does not depend on a guard');
  });

  it('refuses two resources for one thing', () => {
    stack.push({ ...find(stack, ':Acl'), urn: 'urn:pulumi:dev::cordon::tailscale:index/acl:Acl::second' });
    expect(problems(stack)).toContain('2 resources for the policy');
  });

  it.each([
    [':Acl', 'acl', undefined],
    [':HostFirewall', 'ruleset', 'firewall-ollama-1'],
    [':DeviceTags', 'tags', 'tags-orch-1'],
  ])('does not take a %s that is not known yet for a good one', (type, property, name) => {
    unknownProperty(find(stack, type, name), property);
    expect(problems(stack)).toContain('not known yet');
  });

  it('needs no firewall resource for hosts that are rendered only, and still proves what they will hold', () => {
    find(stack, ':Stack').props['hostFirewalls'] = { 'ollama-1': 'rendered' };
    const missing = find(stack, ':HostFirewall', 'firewall-ollama-1');
    expect(problems(stack.filter((r) => r !== missing))).toBe('');
  });

  it.each([
    ['no output', undefined, 'does not say which topology'],
    ['a file that is not there', 'no/such.yaml', 'cannot be read'],
    ['a file that is no topology', 'package.json', 'not valid'],
  ])('proves nothing with %s', (_what, topology, message) => {
    find(stack, ':Stack').props['topology'] = topology;
    expect(problems(stack)).toContain(message);
    unknownProperty(find(stack, ':Stack'), 'topology');
    expect(problems(stack)).toContain('does not say which topology');
  });
});

function edit(
  stack: Resource[],
  type: string,
  property: string,
  from: string | RegExp,
  to: string,
  name?: string,
): void {
  const resource = find(stack, type, name);
  const before = String(resource.props[property]);
  const after = before.replace(from, to);
  expect(after).not.toBe(before);
  resource.props[property] = after;
}

function set(stack: Resource[], type: string, property: string, value: unknown, name: string): void {
  find(stack, type, name).props[property] = value;
}
