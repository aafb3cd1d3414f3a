import { type Address, formatAddress } from '../net/address.ts';
import type { Declaration } from '../openclaw/assess.ts';
import type { Deployment, LaneDeclaration, ProviderDeclaration } from '../openclaw/deployment.ts';
import { overridesOf } from '../openclaw/overrides.ts';
import type { Agent, OpenClawDeclaration, Topology } from './model.ts';

/** What a topology says of its gateway: addresses of the model service, lanes, and what differs from the preset. */
export function openclawDeclaration(topology: Topology, openclaw: OpenClawDeclaration): Declaration {
  const agents = [...topology.agents.values()];
  const models = [...new Set(agents.flatMap((agent) => agent.model ?? []))];
  const deployment: Deployment = {
    port: openclaw.port,
    providers: providersOf(topology, models),
    models: models.length === 0 ? undefined : models,
    agents: new Map(agents.map((agent) => [agent.name, laneOf(agent)])),
    nodeCommands: [],
  };
  return { preset: openclaw.preset, deployment, overrides: overridesOf(openclaw.overrides) };
}

function laneOf(agent: Agent): LaneDeclaration {
  return {
    model: agent.model,
    allow: agent.tools.allow.length === 0 ? undefined : agent.tools.allow,
    deny: agent.tools.deny,
    workspace: agent.workspace,
    approvals: agent.approvals,
  };
}

/**
 * The providers that the declared model hosts serve: those of the agents' models, else `ollama`. A provider whose name is
 * a declared service answers there; any other on every service of the model hosts. A provider that has another home
 * (a premium model in a cloud) is declared by an override of its base URL.
 */
function providersOf(topology: Topology, models: readonly string[]): Map<string, ProviderDeclaration> {
  const named = [...new Set(models.map((model) => model.slice(0, model.indexOf('/'))))];
  const served = [...topology.services.values()].filter((s) => topology.roles.get(s.on)?.kind === 'model');
  const found = new Map<string, ProviderDeclaration>();
  for (const id of named.length === 0 ? ['ollama'] : named) {
    const own = served.filter((service) => service.name === id);
    const baseUrls = (own.length === 0 ? served : own).flatMap((service) =>
      [...topology.hosts.values()]
        .filter((host) => host.role === service.on)
        .flatMap((host) => [...host.addresses, ...host.tailnetAddresses])
        .flatMap((address) => service.tcp.map(({ first }) => `http://${authority(address)}:${first}`)),
    );
    if (baseUrls.length > 0) found.set(id, { baseUrls, api: undefined, models: undefined });
  }
  return found;
}

function authority(address: Address): string {
  const text = formatAddress(address);
  return address.family === 6 ? `[${text}]` : text;
}
