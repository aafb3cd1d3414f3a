import { randomBytes } from 'node:crypto';
import type { Engine } from '../../../infra/engine/provision.ts';
import { provisionEngine } from '../../../infra/engine/provision.ts';
import { type RunningEmulator, startEmulator } from '../../emulator/emulator.ts';
import { type Lab, startLab } from '../../lab/lab.ts';
import { seedDevices } from '../emulator-seed.ts';
import type { Declared } from '../topology-file.ts';
import type { Narrator } from './narrator.ts';
import { type ScratchProject, scratchProject } from './project.ts';
import { type DemoStack, demoStack } from './stack.ts';
import type { Sender } from './traffic.ts';

/** Everything that runs during the demo. */
export interface Stage {
  readonly engine: Engine;
  readonly emulator: RunningEmulator;
  /** Undefined where namespaces cannot be made here. */
  readonly lab: Lab | undefined;
  readonly senders: readonly Sender[];
  readonly stack: DemoStack;
  /** TAILSCALE_* for the program, the observer and the reconciler. */
  readonly credentials: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/**
 * Brings up emulator, namespaces and engine. Closes what is up already when something fails.
 * @param withLab whether network namespaces can be made here
 */
export async function setStage(declared: Declared, withLab: boolean, tell: Narrator): Promise<Stage> {
  const open: (() => Promise<void> | void)[] = [];
  const close = async () => {
    for (const end of open.splice(0).reverse()) await end();
  };
  try {
    const engine = await tell.step('find or get the Pulumi engine', (say) =>
      provisionEngine({ onProgress: (p) => say(p.message) }),
    );
    const key = `tskey-api-demo-${randomBytes(12).toString('hex')}`;
    const emulator = await tell.step('start the tailnet emulator', async () => {
      const started = await startEmulator({
        key,
        tailnetId: declared.topology.tailnet.id,
        seed: { devices: seedDevices(declared) },
      });
      open.push(() => started.close());
      return started;
    });
    const lab = withLab ? await raiseLab(declared, tell, open) : undefined;
    const project = await scratchProject();
    open.push(() => project.remove());
    const credentials = { TAILSCALE_BASE_URL: emulator.url, TAILSCALE_API_KEY: key };
    return {
      engine,
      emulator,
      lab: lab?.lab,
      senders: lab?.senders ?? [],
      stack: stackOf(engine, project, credentials),
      credentials,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function stackOf(engine: Engine, project: ScratchProject, credentials: Readonly<Record<string, string>>): DemoStack {
  return demoStack(engine, project, credentials);
}

/** The hosts as namespaces, a model server, and a stranger on each network. */
async function raiseLab(
  { topology }: Declared,
  tell: Narrator,
  open: (() => Promise<void> | void)[],
): Promise<{ lab: Lab; senders: readonly Sender[] }> {
  return tell.step(
    'make a network namespace for every host, and put a model server into the model host',
    async (say) => {
      const lab = await startLab(topology);
      open.push(() => lab.stop());
      say('neighbours, model server and services');
      const segment = [...topology.segments.keys()][0];
      const neighbour = await lab.addNeighbour(segment);
      const stranger = await lab.addNeighbour();
      const model = [...topology.hosts.values()].find((h) => topology.roles.get(h.role)?.kind === 'model');
      if (model !== undefined) await lab.serveModel(model.name);
      await lab.serveServices();
      const hosts = [...topology.hosts.values()].filter((h) => h !== model);
      const senders: Sender[] = [
        ...hosts.map((h): Sender => {
          const kind = topology.roles.get(h.role)?.kind ?? 'other';
          return { name: h.name, who: h.role, expected: kind === 'orchestrator' ? 'answered' : 'blocked' };
        }),
        { name: neighbour.name, who: `a stranger in segment ${segment}`, expected: 'blocked' },
        { name: stranger.name, who: 'a stranger on the outer network', expected: 'blocked' },
      ];
      return { lab, senders };
    },
  );
}
