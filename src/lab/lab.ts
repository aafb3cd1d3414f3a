import pLimit, { type LimitFunction } from 'p-limit';
import type { Address } from '../net/address.ts';
import { containsAddress, type Prefix } from '../net/prefix.ts';
import { CordonError } from '../source/error.ts';
import type { Topology } from '../topology/model.ts';
import { addToNetwork, buildNetwork } from './build.ts';
import { confirmResets } from './confirm.ts';
import { Crew } from './crew.ts';
import { Holding } from './holding.ts';
import { addressesOf, type LabHost, type LabLayout, namespacesOf } from './layout.ts';
import { DEFAULT_RUN_DIRECTORY } from './marker.ts';
import type { ModelServer } from './model-server.ts';
import { isPlainName } from './name.ts';
import { type LayoutSettings, planLab, planNeighbour } from './plan.ts';
import { type ProbeOptions, type ProbeResult, type ProbeTarget, runProbe } from './probe.ts';
import { type Listener, type ServeModelOptions, type Serving, serveLine, serveModel, servicePorts } from './serve.ts';
import { onTermination } from './signals.ts';

export interface LabOptions {
  /** Names the lab; goes in front of the hub's and the neighbours' namespaces (default `cordon`). */
  readonly prefix?: string;
  /** Prefixes of the network that joins all hosts (default 10.99.0.0/24 and fd99::/64); never seen outside. */
  readonly underlay?: readonly Prefix[];
  /** Where the marker of a running lab is kept (default `/run/cordon/lab`). */
  readonly runDirectory?: string;
  /** Take the lab down on SIGINT, SIGTERM and SIGHUP (default true). */
  readonly handleSignals?: boolean;
}

export interface ProbePair {
  /** Name of a host or neighbour. */
  readonly from: string;
  readonly to: ProbeTarget;
  readonly options?: ProbeOptions;
}

const DEFAULT_UNDERLAY: readonly Prefix[] = [
  { family: 4, first: 0x0a630000n, length: 24 },
  { family: 6, first: 0xfd99n << 112n, length: 64 },
];
const LINK_LOCAL: Prefix = { family: 6, first: 0xfe80n << 112n, length: 10 };
/** More at once from one process, and a busy event loop looks like a firewall. */
const PROBES_AT_ONCE = 12;
/** How long to wait for an answer when only the arrival is in question. */
const CONFIRM_MS = 250;
/** Source ports of probes: below the range that kernels choose from (ip_local_port_range). */
const FIRST_PORT = 20_000;
const PORTS = 12_000;

/**
 * Brings up every host with `netns` access as a network namespace of exactly that name, joined by a hub namespace. The
 * machine's own namespace gets no device, rule or setting. A lab lives as long as the process that started it.
 * @throws InputError for a topology that cannot be laid out; CordonError `lab-bad-prefix`, `lab-running`,
 * `lab-namespace-exists`, `lab-marker`, `lab-busy`, `lab-ip`, `lab-stopped` (a signal came meanwhile). Nothing is left.
 */
export async function startLab(topology: Topology, options: LabOptions = {}): Promise<Lab> {
  const prefix = options.prefix ?? 'cordon';
  if (!isPlainName(prefix)) {
    throw new CordonError('lab-bad-prefix', `${JSON.stringify(prefix)} cannot be the prefix of a lab`, {
      hint: 'use letters, digits, - _ and .',
    });
  }
  const settings: LayoutSettings = { prefix, underlay: options.underlay ?? DEFAULT_UNDERLAY };
  const layout = planLab(topology, settings);
  const holding = new Holding(options.runDirectory ?? DEFAULT_RUN_DIRECTORY, prefix);
  const lab = new Lab(topology, layout, settings, holding, options.handleSignals ?? true);
  return lab.build();
}

/** A running lab, made by `startLab`. */
export class Lab {
  readonly #topology: Topology;
  readonly #settings: LayoutSettings;
  readonly #holding: Holding;
  readonly #crew: Crew;
  readonly #limits = new Map<string, LimitFunction>();
  readonly #work = new Set<Promise<unknown>>();
  readonly #listeners: Listener[] = [];
  readonly #modelServers: ModelServer[] = [];
  readonly #unregister: () => void;
  #layout: LabLayout;
  #stopping: Promise<void> | undefined;
  #probes = 0;
  #ports = 0;

  constructor(
    topology: Topology,
    layout: LabLayout,
    settings: LayoutSettings,
    holding: Holding,
    handleSignals: boolean,
  ) {
    this.#topology = topology;
    this.#layout = layout;
    this.#settings = settings;
    this.#holding = holding;
    this.#crew = new Crew(holding);
    this.#unregister = handleSignals ? onTermination(() => this.stop()) : () => {};
  }

  /** Hub, networks, hosts and neighbours, as they stand now. */
  get layout(): LabLayout {
    return this.#layout;
  }

  /** The model server that was started first, and of which kind it is. */
  get modelServer(): ModelServer | undefined {
    return this.#modelServers[0];
  }

  /** All model servers, in the order they were started. */
  get modelServers(): readonly ModelServer[] {
    return this.#modelServers;
  }

  /** Makes namespaces and network; called once, by `startLab`. Takes everything back when it fails. */
  async build(): Promise<Lab> {
    try {
      await this.#track(async () => {
        await this.#holding.claim(namespacesOf(this.#layout));
        await buildNetwork(this.#layout);
      });
    } catch (error) {
      await this.stop();
      throw error;
    }
    if (this.#stopping !== undefined) {
      await this.#stopping;
      throw stopped();
    }
    return this;
  }

  /**
   * The host or neighbour of that name.
   * @throws CordonError `lab-no-host`
   */
  host(name: string): LabHost {
    const host = this.#layout.hosts.find((h) => h.name === name);
    if (host === undefined) {
      throw new CordonError('lab-no-host', `there is no ${name} in the lab`, {
        hint: 'only hosts with access.kind netns are in it',
      });
    }
    return host;
  }

  /**
   * Adds an unknown machine to a segment's LAN, or without a segment to the underlay. Its namespace is `namespace` of the
   * result, for whoever wants to run more in it.
   * @throws CordonError `lab-no-segment`, `lab-no-address`, `lab-namespace-exists`, `lab-ip`, `lab-stopped`
   */
  addNeighbour(segment?: string): Promise<LabHost> {
    return this.#track(async () => {
      const neighbour = planNeighbour(this.#layout, this.#settings, segment);
      // In the layout at once, so that a second one gets other addresses and names.
      this.#layout = { ...this.#layout, hosts: [...this.#layout.hosts, neighbour] };
      try {
        await this.#holding.claim([neighbour.namespace]);
        await addToNetwork(this.#layout, neighbour);
      } catch (error) {
        this.#layout = { ...this.#layout, hosts: this.#layout.hosts.filter((h) => h !== neighbour) };
        throw error;
      }
      return neighbour;
    });
  }

  /**
   * Puts a model server on a host: the real ollama where it is installed, or else a stand-in that says so. It answers on
   * every address of the host that is not link-local.
   * @throws CordonError `lab-no-host`, `lab-no-ollama`, `lab-ollama`, `lab-listen`, `lab-spawn`, `lab-agent`, `lab-stopped`
   */
  serveModel(name: string, options: ServeModelOptions = {}): Promise<ModelServer> {
    return this.#track(async () => {
      const server = await serveModel(this.#serving(), this.host(name), options);
      this.#modelServers.push(server);
      return server;
    });
  }

  /**
   * Answers one TCP port on every address of a host that is not link-local.
   * @throws CordonError `lab-no-host`, `lab-listen`, `lab-agent`, `lab-stopped`
   */
  serve(name: string, port: number): Promise<Listener> {
    return this.#track(async () => {
      const listener = await serveLine(this.#serving(), this.host(name), port);
      this.#listeners.push(listener);
      return listener;
    });
  }

  /**
   * Answers the TCP ports of all services of the topology, except on model hosts (`serveModel`). UDP is not answered.
   * @throws as `serve`
   */
  async serveServices(): Promise<readonly Listener[]> {
    const isModel = (host: LabHost) =>
      this.#topology.roles.get(this.#topology.hosts.get(host.name)?.role ?? '')?.kind === 'model';
    const others = this.#layout.hosts.filter((h) => !isModel(h));
    const wanted = others.flatMap((h) => servicePorts(this.#topology, h.name).map((port) => ({ host: h.name, port })));
    return Promise.all(wanted.map((w) => this.serve(w.host, w.port)));
  }

  /**
   * Makes one real connection from a host or neighbour and finds out whether anything arrived. A link-local target needs a
   * link of the prober on the receiver's network. Use `probeMatrix`
   * for several at a time: it tells apart what this one cannot when others run beside it.
   * @throws CordonError `lab-no-host`, `lab-agent`, `lab-probe`, `lab-stopped`; never because of what the network does
   */
  probe(from: string, to: ProbeTarget, options: ProbeOptions = {}): Promise<ProbeResult> {
    return this.#track(async () => {
      const source = this.host(from);
      const receiver = this.#receiverOf(source, to.address);
      return this.#limitOf(from)(async () => {
        const [prober, answerer] = await Promise.all([
          this.#crew.agentIn(source),
          receiver === undefined ? undefined : this.#crew.agentIn(receiver.host),
        ]);
        return runProbe({
          id: `${this.#settings.prefix}-${++this.#probes}`,
          from: { name: from, agent: prober },
          to,
          zone: receiver?.zone,
          receiver: receiver && answerer && { name: receiver.host.name, agent: answerer },
          options,
          nextPort: () => this.#nextPort(),
          expectsId: receiver !== undefined && this.#readsIds(receiver.host.name, to.port, options),
          hasSeen: (id) => this.#crew.hasSeen(id),
        });
      });
    });
  }

  /**
   * Probes all pairs, several at once, and returns the results in the order of the pairs.
   * @throws as `probe`
   */
  async probeMatrix(pairs: readonly ProbePair[]): Promise<readonly ProbeResult[]> {
    const results = await Promise.all(pairs.map((pair) => this.probe(pair.from, pair.to, pair.options)));
    return confirmResets(results, async (i) => {
      const pair = pairs[i] as ProbePair;
      const timeoutMs = Math.min(CONFIRM_MS, pair.options?.timeoutMs ?? CONFIRM_MS);
      return this.probe(pair.from, pair.to, { ...pair.options, timeoutMs });
    });
  }

  /**
   * Ends what the lab started, by pid, and removes its namespaces. Can be called more than once, and while other calls
   * are under way: it waits for them.
   * @throws CordonError `lab-ip` when a namespace cannot be removed; the next lab tries again
   */
  stop(): Promise<void> {
    this.#stopping ??= this.#takeDown();
    return this.#stopping;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #takeDown(): Promise<void> {
    try {
      while (this.#work.size > 0) await Promise.allSettled([...this.#work]);
      await this.#crew.stop();
      await this.#holding.release();
    } finally {
      this.#unregister();
    }
  }

  /** Work that `stop` waits for. None begins once it was called. */
  async #track<T>(work: () => Promise<T>): Promise<T> {
    if (this.#stopping !== undefined) throw stopped();
    const promise = work();
    this.#work.add(promise);
    try {
      return await promise;
    } finally {
      this.#work.delete(promise);
    }
  }

  #serving(): Serving {
    return {
      topology: this.#topology,
      holding: this.#holding,
      crew: this.#crew,
      isStopping: () => this.#stopping !== undefined,
    };
  }

  #limitOf(name: string): LimitFunction {
    const limit = this.#limits.get(name) ?? pLimit(PROBES_AT_ONCE);
    this.#limits.set(name, limit);
    return limit;
  }

  #nextPort(): number {
    return FIRST_PORT + (this.#ports++ % PORTS);
  }

  /** Whether a listener of ours is there and understands the probe. */
  #readsIds(host: string, port: number, options: ProbeOptions): boolean {
    const standIns = this.#modelServers.filter((s) => s.kind === 'stand-in');
    const listeners = options.http === undefined ? this.#listeners : standIns;
    return listeners.some((l) => l.host === host && l.port === port);
  }

  /** Whose address it is, and for a link-local one, the prober's link to it. */
  #receiverOf(source: LabHost, address: Address): { host: LabHost; zone: string | undefined } | undefined {
    const host = this.#layout.hosts.find((h) => addressesOf(h).some((a) => isSame(a, address)));
    if (host === undefined) return undefined;
    if (!containsAddress(LINK_LOCAL, address)) return { host, zone: undefined };
    const network = host.links.find((l) => isSame(l.linkLocal, address))?.network;
    return { host, zone: source.links.find((l) => l.network === network)?.name };
  }
}

function isSame(a: Address, b: Address): boolean {
  return a.family === b.family && a.value === b.value;
}

function stopped(): CordonError {
  return new CordonError('lab-stopped', 'the lab has been stopped');
}
