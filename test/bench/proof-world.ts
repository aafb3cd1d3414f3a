import { dense } from './tailnet-world.ts';

/** The texts of a deployment: the topology, its base policy, and the device list. */
export interface DeploymentTexts {
  readonly topology: string;
  readonly base: string;
  /** Body of the API's device list, the declared hosts included. */
  readonly devices: string;
}

/**
 * A dense tailnet whose policy is the base of a deployment with `hosts` declared hosts: a model in its segment, the
 * orchestrator that routes into it, a gateway, and executors for the rest; always the same for the same size.
 */
export function deployment(nodes: number, rules: number, hosts: number): DeploymentTexts {
  const { policy, devices } = dense(nodes, rules);
  const tailnet = Array.from({ length: hosts - 1 }, (_, i) => {
    const role = i === 0 ? 'orchestrator' : i === 1 ? 'gateway' : 'executor';
    const value = 0x64600000 + 256 + i;
    const v4 = [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255].join('.');
    return { name: `h${i}`, role, id: `nHost${i}CNTRL`, addresses: [v4, `fd7a:115c:a1e0::ffff:${i.toString(16)}`] };
  });
  const declared = tailnet.map(({ name, role, id, addresses }, i) => {
    const segment = i === 0 ? ', segment: cell' : '';
    const all = [...(i === 0 ? ['10.77.1.1', 'fd77:1::1'] : []), ...addresses].map((a) => `"${a}"`).join(', ');
    return `  ${name}: {role: ${role}, device: ${id}${segment}, addresses: [${all}], tailscaled: false, access: {kind: render-only}}`;
  });
  const topology = `version: 1
tailnet: {id: TbenchCNTRL, operators: [ops@example.com], base: ./base.hujson}
roles: {model: {tag: "tag:model"}, orchestrator: {tag: "tag:orchestrator"}, executor: {tag: "tag:executor"}, gateway: {tag: "tag:gateway"}}
segments: {cell: {prefixes: [10.77.1.0/24, "fd77:1::/64"], router: h0}}
hosts:
  model: {role: model, placement: segment, segment: cell, addresses: [10.77.1.10, "fd77:1::a"], access: {kind: render-only}}
${declared.join('\n')}
services: {ollama: {on: model, tcp: [11434]}, gateway: {on: gateway, tcp: [443]}}
flows:
  - {id: orchestrator-model, from: orchestrator, to: ollama}
  - {id: executor-gateway, from: executor, to: gateway}
`;
  const list = JSON.parse(devices) as { devices: Record<string, unknown>[] };
  const own = tailnet.map(({ name, role, id, addresses }, i) => ({
    ...list.devices[0],
    nodeId: id,
    id: `own${i}`,
    name: `${name}.example.ts.net`,
    hostname: name,
    user: '',
    tags: [`tag:${role}`],
    addresses,
    advertisedRoutes: [],
    enabledRoutes: [],
  }));
  return { topology, base: policy, devices: JSON.stringify({ devices: [...list.devices, ...own] }) };
}
