import { PACKAGE, TYPES, VERSION } from './package.ts';

const text = (description: string) => ({ type: 'string', description });

const policy = {
  baseUrl: text('Where the API is, without /api/v2.'),
  tailnet: text('Id of the tailnet.'),
  policy: text('The declared policy.'),
};

/**
 * Package schema, as `pulumi import` and `pulumi package get-schema` ask for it (pulumi.com/docs, "Pulumi schema"). The
 * program's own classes are written by hand and do not come from it; types are as the inputs in this folder have them.
 */
export function packageSchema(): string {
  const resource = (
    description: string,
    inputs: Readonly<Record<string, unknown>>,
    requiredInputs: readonly string[],
    outputs: Readonly<Record<string, unknown>> = {},
  ) => ({
    description,
    inputProperties: inputs,
    requiredInputs,
    properties: { ...inputs, ...outputs },
    required: requiredInputs,
  });
  const schema = {
    name: PACKAGE,
    version: VERSION,
    description: 'What cordon keeps in place beside the resources of the Tailscale provider.',
    license: 'Apache-2.0',
    types: {
      'cordon:index:Access': {
        type: 'object',
        description: 'How a host is reached.',
        properties: {
          kind: text('local, netns or ssh.'),
          name: text('Of the network namespace.'),
          target: text('Destination for the ssh command.'),
        },
        required: ['kind'],
      },
    },
    resources: {
      [TYPES.hostFirewall]: resource(
        "Cordon's own nftables tables on one host. Import id: local, netns:NAME or ssh:TARGET.",
        {
          host: text('Name of the host.'),
          access: { $ref: '#/types/cordon:index:Access' },
          ruleset: text('Our tables, in the shape of nft -s list ruleset.'),
          onDelete: text('What a delete leaves behind: close (default), keep or remove.'),
          confirmWithin: {
            type: 'integer',
            description: 'Seconds after which the host takes back a ruleset that could not be confirmed (default 60).',
          },
          rules: {
            type: 'object',
            description: 'The ruleset by table, object and line. Made from ruleset; whatever is given is replaced.',
            additionalProperties: {
              type: 'object',
              additionalProperties: { type: 'array', items: { type: 'string' } },
            },
          },
        },
        ['host', 'access', 'ruleset'],
      ),
      [TYPES.policyGuard]: resource(
        'Fails unless the live policy is one that cordon knows.',
        { ...policy, reviewedEtag: text('ETag of a live policy that may be overwritten.') },
        Object.keys(policy),
        { liveEtag: text('ETag that the live policy was last seen with.') },
      ),
      [TYPES.policyInPlace]: resource(
        'Fails unless the live policy is the declared one.',
        policy,
        Object.keys(policy),
        { liveEtag: text('ETag that the live policy was last seen with.') },
      ),
    },
  };
  return JSON.stringify(schema);
}
