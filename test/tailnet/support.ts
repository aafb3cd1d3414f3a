import { parseAddress } from '../../src/net/address.ts';
import { parsePrefix } from '../../src/net/prefix.ts';
import { type CompiledTailnet, compileTailnet } from '../../src/tailnet/compile.ts';
import type { Device } from '../../src/tailnet/device.ts';
import { parsePolicy } from '../../src/tailnet/policy/parse.ts';
import type { Policy } from '../../src/tailnet/policy/policy.ts';

/** A policy that must parse; its file is `p.hujson`. */
export function policyOf(policy: string | object): Policy {
  const result = parsePolicy('p.hujson', typeof policy === 'string' ? policy : JSON.stringify(policy));
  if (!result.ok) throw new Error(result.diagnostics.map((d) => d.message).join('\n'));
  return result.value;
}

/**
 * A device with addresses 100.64.0.N and fd7a:115c:a1e0::N.
 * @param owner login of a user, or tags with commas
 */
export function device(
  name: string,
  n: number,
  owner: string,
  routes: { approved?: string[]; offered?: string[] } = {},
): Device {
  const tags = owner.startsWith('tag:') ? owner.split(',') : [];
  const approved = (routes.approved ?? []).flatMap((r) => parsePrefix(r)?.prefix ?? []);
  const offered = (routes.offered ?? []).flatMap((r) => parsePrefix(r)?.prefix ?? []);
  return {
    id: name,
    name,
    hostname: name,
    user: tags.length > 0 ? undefined : owner,
    tags,
    addresses: [`100.64.0.${n}`, `fd7a:115c:a1e0::${n.toString(16)}`].flatMap((a) => parseAddress(a) ?? []),
    advertisedRoutes: [...approved, ...offered],
    enabledRoutes: approved,
    authorized: true,
    isExternal: false,
  };
}

/** Compiles a policy for some devices. */
export function compiled(policy: string | object, devices: readonly Device[]): CompiledTailnet {
  const users = [...new Set(devices.flatMap((d) => d.user ?? []))].map((login) => ({ login }));
  return compileTailnet(policyOf(policy), { devices, users });
}

/** The packet rules of a device, one line each: `src -> dst:ports proto`, with `?` for an upper bound. */
export function rules(tailnet: CompiledTailnet, id: string): string[] {
  return tailnet.rulesOn(id).map((r) => {
    const dst = r.dst.map((t) => `${t.addresses.format()}:${t.ports.toString()}`).join(' ');
    return `${r.exact ? '' : '? '}${r.src.format()} -> ${dst} ${r.protocols.join(',')}`;
  });
}
