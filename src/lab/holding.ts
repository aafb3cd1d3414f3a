import { type Claimant, claimNamespaces } from './claim.ts';
import { startTicks, thisProcess } from './identity.ts';
import { endProcess, removeNamespaces } from './leftover.ts';
import { labDirectory, type Marker, removeMarker, writeMarker } from './marker.ts';

/** What one lab holds on this machine, in step with its marker: namespaces, processes, and a folder. */
export class Holding {
  readonly #claimant: Claimant;
  #marker: Marker | undefined;

  constructor(runDirectory: string, prefix: string) {
    this.#claimant = { runDirectory, prefix, creator: thisProcess() };
  }

  /** The lab's folder; exists from the first claim on. */
  get directory(): string {
    return labDirectory(this.#claimant.runDirectory, this.#claimant.prefix);
  }

  /** Makes namespaces; see `claimNamespaces`. */
  async claim(names: readonly string[]): Promise<void> {
    this.#marker = await claimNamespaces(this.#claimant, names, this.#marker);
  }

  /** Writes down a process, so that it is ended even if nobody of ours lives to do it. */
  record(pid: number): void {
    const started = startTicks(pid);
    if (this.#marker === undefined || started === undefined) return;
    const processes = [...this.#marker.processes, { pid, startTicks: started }];
    this.#marker = { ...this.#marker, processes };
    writeMarker(this.#claimant.runDirectory, this.#marker);
  }

  /**
   * Ends whatever recorded process still runs, and removes namespaces and folder.
   * @throws CordonError `lab-ip`; then the marker stays, and the next lab tries again
   */
  async release(): Promise<void> {
    if (this.#marker === undefined) return;
    for (const { pid, startTicks: started } of this.#marker.processes) endProcess(pid, started);
    await removeNamespaces(this.#marker.namespaces, this.#claimant.creator);
    removeMarker(this.#claimant.runDirectory, this.#claimant.prefix);
    this.#marker = undefined;
  }
}
