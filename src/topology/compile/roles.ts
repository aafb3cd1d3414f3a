import { CordonError } from '../../source/error.ts';
import type { Host, Role, Topology } from '../model.ts';

/**
 * The role of a host.
 * @throws CordonError `topology-broken` for a topology that no loader made: a host's role is always declared
 */
export function roleOf(topology: Topology, host: Host): Role {
  const role = topology.roles.get(host.role);
  if (role === undefined)
    throw new CordonError('topology-broken', `host ${host.name} has the undeclared role ${host.role}`);
  return role;
}
