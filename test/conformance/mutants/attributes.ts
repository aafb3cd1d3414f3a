import type { NodeAttribute } from '../../../src/tailnet/attributes/attributes.ts';
import { compileTailnet } from '../../../src/tailnet/compile.ts';
import type { NodeAttrEntry } from '../../../src/tailnet/policy/parse-node-attrs.ts';
import { type Compile, onAnswers, onPolicy } from './wrong.ts';

/** Compilers that get node attributes or addresses wrong. */
export const attributeMutants: Readonly<Record<string, Compile>> = {
  'nobody gets attributes': onAttributes((list) => list.filter((a) => a.span === undefined)),
  'the last entry with attributes wins': onPolicy((policy) => ({ ...policy, nodeAttrs: policy.nodeAttrs.slice(-1) })),
  'an entry without targets is for everybody': onEntries((entry) =>
    entry.target.length === 0
      ? {
          ...entry,
          target: [{ text: '*', span: entry.span, selector: { kind: 'any' } }],
        }
      : entry,
  ),
  'attributes for members reach tagged devices': onEntries((entry) => ({
    ...entry,
    target: entry.target.map((ref) =>
      ref.selector.kind === 'member' ? { text: '*', span: ref.span, selector: { kind: 'any' } } : ref,
    ),
  })),
  'every user is the owner': onEntries((entry) => ({
    ...entry,
    target: entry.target.map((ref) =>
      ref.selector.kind === 'role' ? { text: 'autogroup:member', span: ref.span, selector: { kind: 'member' } } : ref,
    ),
  })),
  'prefixes are no targets': onEntries((entry) => ({
    ...entry,
    target: entry.target.filter((ref) => ref.selector.kind !== 'prefix'),
  })),
  'randomizeClientPort is not an attribute': onPolicy((policy) => ({ ...policy, randomizeClientPort: undefined })),
  'disable-ipv4 changes no address': onAnswers((_right, policy, facts) => ({
    addressesOn: (id) => compileTailnet({ ...policy, nodeAttrs: [] }, facts).addressesOn(id),
  })),
  'disable-ipv4 takes both addresses': onAnswers((right) => ({
    addressesOn: (id) => (right.addressesOn(id).length === 1 ? [] : right.addressesOn(id)),
  })),
  'peers are told nothing': onAnswers(() => ({ peerAttributesAt: () => [] })),
  'peers are told everything': onAnswers((right) => ({
    peerAttributesAt: (id) =>
      right.peersOf(id).map((peer) => ({ peer, attributes: right.attributesOn(peer).filter((a) => a.span) })),
  })),
};

function onAttributes(change: (list: readonly NodeAttribute[]) => readonly NodeAttribute[]): Compile {
  return onAnswers((right) => ({ attributesOn: (id) => change(right.attributesOn(id)) }));
}

function onEntries(change: (entry: NodeAttrEntry) => NodeAttrEntry): Compile {
  return onPolicy((policy) => ({ ...policy, nodeAttrs: policy.nodeAttrs.map(change) }));
}
