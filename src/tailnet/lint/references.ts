import type { LocatedText, Policy, SelectorRef } from '../policy/policy.ts';
import { splitTarget } from '../policy/ports.ts';
import { parseSelector } from '../policy/selector.ts';

/** A name as it is used at one place. */
export interface Reference {
  /** `grants[2].src`. */
  readonly where: string;
  readonly ref: SelectorRef;
}

/** All names that the sections in force use, in the order of the sections; not those that only definitions use. */
export function references(policy: Policy): Reference[] {
  return [...ruleReferences(policy), ...sshReferences(policy), ...testReferences(policy), ...rightsReferences(policy)];
}

/** Those of `acls` and `grants`. */
export function ruleReferences(policy: Policy): Reference[] {
  return policy.rules.flatMap((rule) => {
    const at = (key: string) => named(`${rule.section}[${rule.index}].${key}`);
    return [...rule.src.map(at('src')), ...rule.dst.map(at('dst')), ...rule.via.map(at('via'))];
  });
}

function sshReferences(policy: Policy): Reference[] {
  return [
    ...policy.ssh.flatMap((entry, i) => [
      ...entry.src.map(named(`ssh[${i}].src`)),
      ...entry.dst.map(named(`ssh[${i}].dst`)),
    ]),
    ...policy.nodeAttrs.flatMap((entry, i) => entry.target.map(named(`nodeAttrs[${i}].target`))),
  ];
}

function testReferences(policy: Policy): Reference[] {
  return [
    ...policy.tests.flatMap((test, i) => [
      ...(test.src === undefined ? [] : [written(`tests[${i}].src`)(test.src)]),
      ...test.accept.map(target(`tests[${i}].accept`)),
      ...test.deny.map(target(`tests[${i}].deny`)),
    ]),
    ...policy.sshTests.flatMap((test, i) => [
      ...(test.src === undefined ? [] : [written(`sshTests[${i}].src`)(test.src)]),
      ...test.dst.map(written(`sshTests[${i}].dst`)),
    ]),
  ];
}

function rightsReferences(policy: Policy): Reference[] {
  return [
    ...[...policy.tagOwners.values()].flatMap((tag) =>
      tag.items.map(written(`tagOwners[${JSON.stringify(tag.name)}]`)),
    ),
    ...policy.autoApprovers.routes.flatMap((r) =>
      r.items.map(written(`autoApprovers.routes[${JSON.stringify(r.name)}]`)),
    ),
    ...policy.autoApprovers.exitNode.map(written('autoApprovers.exitNode')),
  ];
}

/** Names that definitions use: members of IP sets. */
export function definitionReferences(policy: Policy): Reference[] {
  return [...policy.ipsets.values()].flatMap((set) =>
    set.operations.map((o) => named(`ipsets[${JSON.stringify(set.name)}]`)(o.target)),
  );
}

function named(where: string): (ref: SelectorRef) => Reference {
  return (ref) => ({ where, ref });
}

function written(where: string): (text: LocatedText) => Reference {
  return ({ text, span }) => ({ where, ref: { text, span, selector: parseSelector(text) } });
}

/** A destination with a port behind it. */
function target(where: string): (text: LocatedText) => Reference {
  return ({ text, span }) => {
    const { name } = splitTarget(text);
    return { where, ref: { text: name, span, selector: parseSelector(name) } };
  };
}
