import { join } from 'node:path';
import { LabAgent } from './agent-client.ts';
import type { Holding } from './holding.ts';
import type { LabHost } from './layout.ts';

/** The lab's agents: one for each namespace, started when it is first needed. */
export class Crew {
  readonly #holding: Holding;
  readonly #agents = new Map<string, Promise<LabAgent>>();
  readonly #seen = new Set<string>();

  constructor(holding: Holding) {
    this.#holding = holding;
  }

  /**
   * The agent in a host's namespace.
   * @throws CordonError `lab-agent`
   */
  agentIn(host: LabHost): Promise<LabAgent> {
    const known = this.#agents.get(host.namespace);
    if (known !== undefined) return known;
    const started = LabAgent.start(
      host.namespace,
      join(this.#holding.directory, 'agents.log'),
      (agent) => this.#holding.record(agent.pid),
      (id) => this.#seen.add(id),
    );
    this.#agents.set(host.namespace, started);
    return started;
  }

  /** True when a listener of some agent has read the probe's id. */
  hasSeen(id: string): boolean {
    return this.#seen.has(id);
  }

  /** Ends all agents and what they started. */
  async stop(): Promise<void> {
    await Promise.allSettled([...this.#agents.values()].map(async (agent) => (await agent).stop()));
    this.#agents.clear();
  }
}
