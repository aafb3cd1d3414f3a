import { appendMembers, buildTree } from '../../tailnet/hujson/build.ts';
import { formatTree } from '../../tailnet/hujson/format.ts';
import { scanHujson } from '../../tailnet/hujson/scan.ts';
import { parsePolicy } from '../../tailnet/policy/parse.ts';

/**
 * A policy in which neither `acls` nor `grants` is given allows everything to everybody (seen in every capture of such a
 * policy), `null` counting as not given. The topology says that nothing is open that no flow opens: then `"grants": []`
 * has to stand in the file.
 * @param text a policy that parses, canonical
 * @returns the text itself where a rule section is given, else the text with the empty list, canonical
 */
export function withExplicitGrants(text: string): string {
  const policy = parsePolicy('tailnet/policy', text);
  const scanned = scanHujson(text);
  if (!policy.ok || !scanned.ok || scanned.value.node.kind !== 'object') return text;
  const { acls, grants } = policy.value.sections;
  if (acls !== 'absent' || grants !== 'absent') return text;
  const root = scanned.value.node;
  const empty = buildTree([]);
  const given = root.members.find(({ name: { node } }) => node.kind === 'literal' && /^"grants"$/i.test(node.text));
  if (given === undefined) appendMembers(root, [['grants', empty]]);
  else given.value.node = empty.node;
  return formatTree(scanned.value);
}
