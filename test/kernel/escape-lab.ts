import { replacement } from '../../src/apply/host-firewall-tables.ts';
import type { LabHost } from '../../src/lab/layout.ts';
import { type Network, planNetwork } from '../../src/lab/matrix/network.ts';
import { buildWorld } from '../../src/lab/matrix/world.ts';
import { Sandbox, type Shot } from '../../src/lab/sandbox.ts';
import type { Evidence } from '../../src/state/evidence.ts';
import { compileTopology } from '../../src/topology/compile.ts';
import { loadTopology } from '../../src/topology/load.ts';
import type { Topology } from '../../src/topology/model.ts';

/**
 * A topology from its text, and what it compiles to.
 * @param base text of the base policy, if it names one
 */
export function declare(text: string, base?: string): { topology: Topology; evidence: Evidence } {
  const loaded = loadTopology('cordon.yaml', text, () => base);
  if (!loaded.ok) throw new Error(loaded.diagnostics.map((d) => d.message).join('\n'));
  const compiled = compileTopology(loaded.value);
  if (!compiled.ok) throw new Error(compiled.diagnostics.map((d) => d.message).join('\n'));
  return { topology: loaded.value, evidence: compiled.value };
}

/** The ruleset of one host. */
export function rulesetIn({ sources }: Evidence, host: string): string {
  const entry = sources[`host/${host}/nft.txt`];
  if (entry?.status !== 'ok' || typeof entry.body !== 'string') throw new Error(`no ruleset of ${host}`);
  return entry.body;
}

/** Everything that listens in an escape lab listens on these. */
export const PORTS = [22, 53, 80, 443, 8080, 9999, 11434] as const;

/** The hosts of a topology and strangers, without rules; a test gives one host rules at a time. */
export class EscapeLab {
  readonly sandbox: Sandbox;
  readonly network: Network;
  readonly #evidence: Evidence;

  private constructor(sandbox: Sandbox, network: Network, evidence: Evidence) {
    this.sandbox = sandbox;
    this.network = network;
    this.#evidence = evidence;
  }

  /** @returns the lab, or why there can be none here */
  static async open(text: string): Promise<EscapeLab | string> {
    const { topology, evidence } = declare(text);
    const opened = await Sandbox.open(['cordon.slice']);
    if (!opened.ok) return opened.missing.join('; ');
    const { sandbox } = opened;
    const network = planNetwork(topology);
    await buildWorld(sandbox, network);
    for (const { namespace } of network.layout.hosts) {
      for (const port of PORTS)
        for (const proto of ['tcp', 'udp'] as const) await sandbox.listen(namespace, proto, port);
    }
    return new EscapeLab(sandbox, network, evidence);
  }

  /** What people write instead: these tables alone. */
  async naive(host: string, tables: string): Promise<void> {
    await this.#load(host, `flush ruleset\n${tables}`);
  }

  /** cordon's ruleset of the host beside other people's tables. */
  async cordon(host: string, others = ''): Promise<void> {
    await this.#load(host, `flush ruleset\n${others}\n${replacement(this.ruleset(host))}`);
  }

  /** @throws Error for a host that is not in the lab */
  host(name: string): LabHost {
    const host = this.network.layout.hosts.find((h) => h.name === name);
    if (host === undefined) throw new Error(`no host ${name}`);
    return host;
  }

  ruleset(host: string): string {
    return rulesetIn(this.#evidence, host);
  }

  async #load(host: string, text: string): Promise<void> {
    await this.sandbox.mustRun([{ namespace: host, argv: ['nft', '-f', '-'], stdin: text }]);
  }

  /** Whether a packet gets to its receiver, answered or not. */
  async arrives(shot: Shot): Promise<boolean> {
    const [first] = await this.sandbox.shoot([shot], { timeoutMs: 250 });
    return first?.delivered === true;
  }

  /** As `arrives`, for what is there and may take its time on a busy machine. */
  async arrivesSoon(shot: Shot): Promise<boolean> {
    for (let tries = 0; tries < 12; tries++) if (await this.arrives(shot)) return true;
    return false;
  }

  /** Whether a declared flow works: it is given time, so that nothing is called broken too soon. */
  async works(shot: Shot): Promise<boolean> {
    for (const timeoutMs of [500, 3_000]) {
      const [hit] = await this.sandbox.shoot([shot], { timeoutMs });
      if (hit?.outcome === 'answered') return true;
    }
    return false;
  }

  close(): Promise<void> {
    return this.sandbox.close();
  }
}
