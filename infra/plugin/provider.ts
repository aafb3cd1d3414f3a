import { ProviderError, status } from '../grpc/errors.ts';
import type { CallContext, ProviderDefinition } from '../grpc/provider.ts';
import { hostFirewall } from './host-firewall.ts';
import { PACKAGE, TYPES, VERSION } from './package.ts';
import { policyGuard } from './policy-guard.ts';
import { policyInPlace } from './policy-in-place.ts';
import type { PolicyParts } from './policy-inputs.ts';
import type { ResourceType } from './resource.ts';
import { packageSchema } from './schema.ts';

/**
 * Cordon's own provider: what Tailscale's has no resource for. It takes no configuration and keeps no secret.
 * @param parts what the resources around the policy need of the world
 */
export function cordonProvider(parts: PolicyParts): ProviderDefinition {
  const types: Readonly<Record<string, ResourceType>> = {
    [TYPES.hostFirewall]: hostFirewall,
    [TYPES.policyGuard]: policyGuard(parts),
    [TYPES.policyInPlace]: policyInPlace(parts),
  };
  /** @param writing context of a call that changes something: none is begun after the engine has cancelled */
  const typeOf = (token: string, writing?: CallContext): ResourceType => {
    if (writing?.signal.aborted === true) {
      throw new ProviderError('cancelled before anything was changed', { code: status.CANCELLED });
    }
    const type = Object.hasOwn(types, token) ? types[token] : undefined;
    if (type !== undefined) return type;
    throw new ProviderError(`there is no resource type ${token}`, { code: status.UNIMPLEMENTED });
  };
  return {
    name: PACKAGE,
    version: VERSION,
    handlers: {
      handshake: async () => ({}),
      getSchema: async () => packageSchema(),
      checkConfig: async ({ news }) => ({ inputs: news }),
      diffConfig: async () => ({ changes: 'none' }),
      configure: async () => ({ supportsPreview: true }),
      check: async (request, context) => typeOf(request.type).check(request, context),
      diff: async (request, context) => typeOf(request.type).diff(request, context),
      create: async (request, context) => typeOf(request.type, context).create(request, context),
      read: async (request, context) => typeOf(request.type).read(request, context),
      update: async (request, context) => typeOf(request.type, context).update(request, context),
      delete: async (request, context) => typeOf(request.type, context).delete(request, context),
    },
  };
}
