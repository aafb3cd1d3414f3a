import { z } from 'zod';
import type { EmulatorSeed } from '../emulator/seed.ts';
import type { Declared } from './topology-file.ts';

const declaredDevices = z.object({
  devices: z.array(
    z.object({
      nodeId: z.string(),
      name: z.string(),
      addresses: z.array(z.string()),
      advertisedRoutes: z.array(z.string()),
    }),
  ),
});

/**
 * The topology's devices as they are on the first day: they have joined the tailnet as somebody's own machines, wait for
 * approval, carry no tag, and no route of theirs is approved.
 */
export function seedDevices({ topology, evidence }: Declared): NonNullable<EmulatorSeed['devices']> {
  const owner = topology.tailnet.operators.find((o) => !o.startsWith('group:')) ?? 'owner@example.com';
  const { devices } = declaredDevices.parse(evidence.sources['tailnet/devices']?.body);
  return devices.map((d, i) => ({
    nodeId: d.nodeId,
    id: String(1000 + i),
    name: `${d.name}.emulated.ts.net`,
    hostname: d.name,
    user: owner,
    addresses: d.addresses,
    advertisedRoutes: d.advertisedRoutes,
    authorized: false,
  }));
}
