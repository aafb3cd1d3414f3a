import { z } from 'zod';
import { formatSpan } from '../../src/source/diagnostic.ts';
import { sshTargetField } from '../../src/topology/schema-fields.ts';
import type { PropertyObject } from '../grpc/property-value.ts';
import type { CheckFailure, CheckResult } from '../grpc/provider.ts';
import { plainInputs, shapeFailures } from './inputs.ts';
import type { RulesetTree } from './ruleset-tree.ts';
import { rulesetTree } from './ruleset-tree.ts';

const sshTarget = z
  .string('name the destination for the ssh command')
  .refine(
    (target) => sshTargetField.safeParse(target).success,
    'access.target must be an ssh destination: user@host, host, or a Host entry of the ssh configuration',
  );

const access = z.discriminatedUnion(
  'kind',
  [
    z.strictObject({ kind: z.literal('local') }),
    z.strictObject({ kind: z.literal('netns'), name: z.string().min(1, 'name the network namespace') }),
    z.strictObject({ kind: z.literal('ssh'), target: sshTarget }),
  ],
  {
    error: (issue) =>
      issue.code === 'invalid_union'
        ? "access.kind must be 'local', 'netns' or 'ssh': a host that is rendered only has no firewall to apply"
        : undefined,
  },
);

const SECONDS = 'confirmWithin must be a whole number of seconds from 5 to 3600';

/** What a HostFirewall is declared with. */
export const hostFirewallInputs = z.strictObject({
  /** Name of the host, for people. */
  host: z.string().min(1, 'host must not be empty'),
  /** How the host is reached: where the ruleset goes. */
  access,
  /** Our tables, in the shape of `nft -s list ruleset`. */
  ruleset: z.string('ruleset must be a text'),
  /**
   * What deleting the resource leaves behind: `close` (the default) a table that lets nothing through, `keep` the
   * ruleset as it is, `remove` nothing: the host is open afterwards. A host that is reached by ssh answers no more once
   * it is closed.
   */
  onDelete: z.enum(['close', 'keep', 'remove'], "onDelete must be 'close', 'keep' or 'remove'").optional(),
  /** Seconds after which the host takes a ruleset back that nobody could confirm; without it, a minute. */
  confirmWithin: z.int(SECONDS).min(5, SECONDS).max(3600, SECONDS).optional(),
  /** Made from `ruleset` by Check, so that Pulumi shows rules instead of one long text; whatever is given is replaced. */
  rules: z.unknown().optional(),
});

/** Checked inputs, without what Check adds to them. */
export type HostFirewallInputs = Omit<z.output<typeof hostFirewallInputs>, 'rules'>;

/** Checks inputs and adds `rules`. Reports everything that is wrong at once. */
export function checkHostFirewall(news: PropertyObject): CheckResult {
  const inputs = plainInputs(news);
  const failures: CheckFailure[] = [...shapeFailures(hostFirewallInputs, inputs)];
  const { ruleset } = inputs;
  if (typeof ruleset !== 'string') return { inputs, failures };
  const tree = rulesetTree('ruleset', ruleset);
  if (!tree.ok) {
    const reasons = tree.diagnostics.map((d) => `${formatSpan(d.span)}: ${d.message}`);
    return { inputs, failures: [...failures, ...reasons.map((reason) => ({ property: 'ruleset', reason }))] };
  }
  if (ruleset.trim() === '') {
    failures.push({ property: 'ruleset', reason: 'ruleset is empty: that would leave the host open' });
  }
  return { inputs: { ...inputs, rules: treeProperties(tree.value) }, failures };
}

/** A tree as properties. */
export function treeProperties(tree: RulesetTree): PropertyObject {
  return tree;
}

/** A tree out of properties; undefined where the value is none, such as one that is not known yet. */
export function treeFrom(value: unknown): RulesetTree | undefined {
  const parsed = z.record(z.string(), z.record(z.string(), z.array(z.string()))).safeParse(value);
  return parsed.success ? parsed.data : undefined;
}

/** Resource id: where the tables are, `local`, `netns:NAME` or `ssh:TARGET`. The host's name is only a label. */
export function idOf(where: HostFirewallInputs['access']): string {
  switch (where.kind) {
    case 'local':
      return 'local';
    case 'netns':
      return `netns:${where.name}`;
    case 'ssh':
      return `ssh:${where.target}`;
  }
}

/** The access that an id names, for `pulumi import`; undefined where it names none. */
export function accessOf(id: string): HostFirewallInputs['access'] | undefined {
  const [, kind, of] = /^(local|netns|ssh)(?::(.+))?$/.exec(id) ?? [];
  const named = { kind, ...(kind === 'netns' ? { name: of } : kind === 'ssh' ? { target: of } : {}) };
  const parsed = access.safeParse(named);
  return parsed.success && idOf(parsed.data) === id ? parsed.data : undefined;
}
