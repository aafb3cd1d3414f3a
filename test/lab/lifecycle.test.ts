import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claimNamespaces } from '../../src/lab/claim.ts';
import { startTicks, thisProcess } from '../../src/lab/identity.ts';
import { type Lab, startLab } from '../../src/lab/lab.ts';
import { type Marker, writeMarker } from '../../src/lab/marker.ts';
import { requireOrSkip } from '../support/require.ts';
import { LAB_PROCESS } from './lab-process.ts';
import {
  eventually,
  HOOK_MS,
  LAB_MISSING,
  namespacesOfRun,
  processesIn,
  processesWith,
  writeFakeOllama,
} from './machine.ts';
import { address, homelab, uniqueName } from './topology.ts';

const V4 = { address: address('10.77.1.10'), port: 11434 };

let run = '';
let directory = '';
let labs: Lab[] = [];
let children: ChildProcess[] = [];
beforeEach(() => {
  run = uniqueName();
  directory = mkdtempSync(join(tmpdir(), 'cordon-lab-'));
  writeFakeOllama(directory);
});
afterEach(async () => {
  for (const lab of labs) await lab.stop();
  for (const child of children) child.kill('SIGKILL');
  for (const name of namespacesOfRun(run)) execFileSync('ip', ['netns', 'del', name]);
  rmSync(directory, { recursive: true });
  labs = [];
  children = [];
}, HOOK_MS);

async function start(prefix = run): Promise<Lab> {
  const lab = await startLab(homelab(run), { prefix, runDirectory: directory });
  labs.push(lab);
  return lab;
}

/** Starts a process that holds a lab, and waits until it is up. `wrapper` goes in front of the command. */
async function hold(wrapper: readonly string[] = []): Promise<ChildProcess> {
  const [program = '', ...args] = [...wrapper, process.execPath, LAB_PROCESS, run, directory, directory];
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout?.once('data', (data: Buffer) => resolve(data.toString()));
    child.once('exit', (code, signal) => reject(new Error(`the lab's process ended: ${code ?? signal}`)));
  });
  expect(JSON.parse(line)).toEqual({ kind: 'ollama' });
  return child;
}

function ended(child: ChildProcess): Promise<number | NodeJS.Signals | null> {
  return new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal)));
}

/** False for a zombie: whoever takes over orphans may be slow to collect them. */
const isRunning = (pid: number) => startTicks(pid) !== undefined;

const allNames = () => ['exec', 'gw', 'hub', 'model', 'orch'].map((n) => `${run}-${n}`);

describe('stop', () => {
  it('leaves no namespace, process or file, and may be called again', async () => {
    requireOrSkip(LAB_MISSING === undefined, LAB_MISSING ?? '');
    const lab = await start();
    await lab.serveModel('ollama-1', { searchPath: directory });
    await lab.addNeighbour('cell');
    expect((await lab.probe('neighbour-1', V4)).outcome).toBe('answered');
    expect([...namespacesOfRun(run)].sort()).toEqual([...allNames(), `${run}-neighbour-1`].sort());
    const pids = processesIn(run);
    // Two agents, the program for each address, and what these started.
    expect(pids.length).toBe(6);
    await Promise.all([lab.stop(), lab.stop()]);
    await lab.stop();
    expect(namespacesOfRun(run)).toEqual([]);
    expect(pids.filter(isRunning)).toEqual([]);
    expect(processesWith(join(directory, run))).toEqual([]);
    expect(readdirSync(directory).sort()).toEqual(['ended', 'ollama']);
  });

  it('waits for what is under way, and lets nothing begin after it', async () => {
    requireOrSkip(LAB_MISSING === undefined, LAB_MISSING ?? '');
    const lab = await start();
    const probe = lab.probe('exec-1', V4);
    const neighbour = lab.addNeighbour('cell');
    const stop = lab.stop();
    await expect(lab.probe('exec-1', V4)).rejects.toMatchObject({ code: 'lab-stopped' });
    await expect(lab.addNeighbour()).rejects.toMatchObject({ code: 'lab-stopped' });
    expect((await probe).outcome).toBe('refused');
    await neighbour;
    await stop;
    expect(namespacesOfRun(run)).toEqual([]);
  });

  it('happens at the end of a block', async () => {
    requireOrSkip(LAB_MISSING === undefined, LAB_MISSING ?? '');
    {
      await using lab = await start();
      expect(lab.host('gw-1').namespace).toBe(`${run}-gw`);
      expect(() => lab.host('gw-2')).toThrow(expect.objectContaining({ code: 'lab-no-host' }));
    }
    expect(namespacesOfRun(run)).toEqual([]);
  });
});

describe('a signal', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s takes the lab down, and then the process', async (signal) => {
    requireOrSkip(LAB_MISSING === undefined, LAB_MISSING ?? '');
    const child = await hold();
    const pids = processesIn(run);
    expect(pids.length).toBe(5);
    child.kill(signal);
    child.kill(signal);
    expect(await ended(child)).toBe(signal);
    expect(namespacesOfRun(run)).toEqual([]);
    expect(pids.filter(isRunning)).toEqual([]);
    expect(readdirSync(directory).sort()).toEqual(['ended', 'ollama']);
  });
});

describe('a killed lab', () => {
  it('loses its processes at once and its namespaces to the next start', async () => {
    requireOrSkip(LAB_MISSING === undefined, LAB_MISSING ?? '');
    const child = await hold();
    const pids = processesIn(run);
    child.kill('SIGKILL');
    await ended(child);
    expect(await eventually(() => !pids.some(isRunning))).toBe(true);
    expect([...namespacesOfRun(run)].sort()).toEqual(allNames());
    // Another prefix: leftovers go whoever starts next.
    const lab = await start(`${run}x`);
    expect((await lab.probe('exec-1', V4)).outcome).toBe('refused');
    expect(namespacesOfRun(run)).not.toContain(`${run}-hub`);
    expect(readdirSync(directory).sort()).toEqual([`${run}x`, 'ended', 'ollama'].sort());
  });

  it('loses processes that survived their agent', async () => {
    requireOrSkip(LAB_MISSING === undefined, LAB_MISSING ?? '');
    const child = await hold();
    const pids = processesIn(run);
    const agents = processesWith('src/lab/agent.ts').filter((pid) => pids.includes(pid));
    expect(agents.length).toBe(1);
    child.kill('SIGSTOP');
    for (const pid of agents) process.kill(pid, 'SIGKILL');
    child.kill('SIGKILL');
    await ended(child);
    expect(pids.filter((pid) => !agents.includes(pid) && isRunning(pid)).length).toBe(4);
    await start();
    expect(await eventually(() => !pids.some(isRunning))).toBe(true);
  });

  it('is recognised by its namespaces alone when its marker is lost', async () => {
    requireOrSkip(LAB_MISSING === undefined, LAB_MISSING ?? '');
    const child = await hold();
    child.kill('SIGKILL');
    await ended(child);
    rmSync(join(directory, run), { recursive: true });
    const lab = await start();
    expect((await lab.probe('orch-1', V4)).outcome).toBe('refused');
  });

  it('that died between making a namespace and naming it leaves it to the next start', async () => {
    requireOrSkip(LAB_MISSING === undefined, LAB_MISSING ?? '');
    const creator = { ...thisProcess(), startTicks: 1 };
    execFileSync('ip', ['netns', 'add', `${run}-model`]);
    // A file without a namespace, as after a power cut.
    writeFileSync(`/run/netns/${run}-gw`, '');
    writeMarker(directory, { schemaVersion: 1, prefix: run, creator, namespaces: allNames(), processes: [] });
    await start();
    expect([...namespacesOfRun(run)].sort()).toEqual(allNames());
  });

  it('does not take down what was not its own', async () => {
    requireOrSkip(LAB_MISSING === undefined, LAB_MISSING ?? '');
    const bystander = spawn('sleep', ['60']);
    children.push(bystander);
    const creator = { ...thisProcess(), startTicks: 1 };
    execFileSync('ip', ['netns', 'add', `${run}-model`]);
    execFileSync('ip', ['-n', `${run}-model`, 'link', 'set', 'lo', 'up']);
    writeMarker(directory, {
      schemaVersion: 1,
      prefix: run,
      creator,
      namespaces: allNames(),
      processes: [{ pid: bystander.pid ?? 0, startTicks: 1 }],
    });
    await expect(start()).rejects.toMatchObject({ code: 'lab-namespace-exists' });
    expect(namespacesOfRun(run)).toEqual([`${run}-model`]);
    expect(isRunning(bystander.pid ?? 0)).toBe(true);
  });
});

describe('a running lab', () => {
  it('keeps a namespace whose name a killed one had reserved', async () => {
    requireOrSkip(LAB_MISSING === undefined, LAB_MISSING ?? '');
    const lab = await start();
    const creator = { ...thisProcess(), startTicks: 1 };
    const dead: Marker = { schemaVersion: 1, prefix: `${run}dead`, creator, namespaces: allNames(), processes: [] };
    writeMarker(directory, dead);
    await lab.addNeighbour();
    expect([...namespacesOfRun(run)].sort()).toEqual([...allNames(), `${run}-neighbour-1`].sort());
    expect(readdirSync(directory).sort()).toEqual([run, 'ollama'].sort());
  });
});

describe('startLab', () => {
  it('refuses a name that exists, touches nothing, and says what to do', async () => {
    requireOrSkip(LAB_MISSING === undefined, LAB_MISSING ?? '');
    execFileSync('ip', ['netns', 'add', `${run}-gw`]);
    execFileSync('ip', ['netns', 'add', `${run}-model`]);
    await expect(start()).rejects.toMatchObject({
      code: 'lab-namespace-exists',
      message: expect.stringMatching(new RegExp(`${run}-model .*${run}-gw `)),
      hint: expect.stringContaining('ip netns del'),
    });
    expect([...namespacesOfRun(run)].sort()).toEqual([`${run}-gw`, `${run}-model`]);
    expect(readdirSync(directory)).toEqual(['ollama']);
  });

  it('refuses the names and the prefix of a running lab', async () => {
    requireOrSkip(LAB_MISSING === undefined, LAB_MISSING ?? '');
    const first = await start();
    await expect(start()).rejects.toMatchObject({
      code: 'lab-running',
      message: expect.stringContaining(`${process.pid}`),
    });
    await expect(start(`${run}x`)).rejects.toMatchObject({
      code: 'lab-namespace-exists',
      message: expect.stringContaining(`lab ${run}, process ${process.pid}`),
      hint: expect.not.stringContaining('ip netns del'),
    });
    expect((await first.probe('exec-1', V4)).outcome).toBe('refused');
    expect(existsSync(join(directory, run, 'lab.json'))).toBe(true);
  });

  it('lets one of two that start at once through', async () => {
    requireOrSkip(LAB_MISSING === undefined, LAB_MISSING ?? '');
    const both = await Promise.allSettled([start(`${run}x`), start(`${run}y`)]);
    expect(both.map((b) => b.status).sort()).toEqual(['fulfilled', 'rejected']);
    const failed = both.find((b) => b.status === 'rejected');
    expect(failed?.reason).toMatchObject({ code: 'lab-namespace-exists' });
    expect((await labs[0]?.probe('exec-1', V4))?.outcome).toBe('refused');
  });

  it('takes names back of which the kernel refused one', async () => {
    requireOrSkip(LAB_MISSING === undefined, LAB_MISSING ?? '');
    const claimant = { runDirectory: directory, prefix: run, creator: thisProcess() };
    await expect(claimNamespaces(claimant, [`${run}-a`, `${run}-b`, `${run}-a`])).rejects.toMatchObject({
      code: 'lab-ip',
    });
    expect(namespacesOfRun(run)).toEqual([]);
    expect(readdirSync(directory)).toEqual(['ollama']);
  });

  it('takes everything back when it fails half way', async () => {
    requireOrSkip(LAB_MISSING === undefined, LAB_MISSING ?? '');
    const topology = homelab(run);
    const gateway = topology.hosts.get('gw-1');
    if (gateway === undefined) throw new Error('no gateway');
    const twice = { ...gateway, addresses: [address('fd99::77'), address('fd99::77')] };
    const hosts = new Map([...topology.hosts, ['gw-1', twice]]);
    await expect(startLab({ ...topology, hosts }, { prefix: run, runDirectory: directory })).rejects.toMatchObject({
      code: 'lab-ip',
      message: expect.stringContaining('fd99::77'),
    });
    expect(namespacesOfRun(run)).toEqual([]);
    expect(readdirSync(directory)).toEqual(['ollama']);
  });

  it('refuses a prefix that is no name, and a marker it cannot read', async () => {
    requireOrSkip(LAB_MISSING === undefined, LAB_MISSING ?? '');
    await expect(start('../x')).rejects.toMatchObject({ code: 'lab-bad-prefix' });
    mkdirSync(join(directory, 'old'));
    writeFileSync(join(directory, 'old', 'lab.json'), '{}');
    await expect(start()).rejects.toMatchObject({ code: 'lab-marker', hint: expect.any(String) });
    expect(namespacesOfRun(run)).toEqual([]);
  });

  it('leaves the network of the machine as it is', async () => {
    requireOrSkip(LAB_MISSING === undefined, LAB_MISSING ?? '');
    // The lab's process gets a network namespace of its own as its machine, since others use the real one meanwhile.
    const before = stateOf(['unshare', '--net']);
    const child = await hold(['unshare', '--net']);
    expect(stateOf(['nsenter', '--net', '--target', `${child.pid}`])).toEqual(before);
    child.kill('SIGTERM');
    await ended(child);
  });
});

/** Links, addresses, routes, rules and settings of a network namespace. */
function stateOf(enter: readonly string[]): readonly string[] {
  const [program = '', ...args] = enter;
  const script = `ip -o link; ip -o address; ip route show table all; ip -6 route show table all; nft list ruleset
    cd /proc/sys/net && find ipv4 ipv6 bridge -type f -perm -400 2>/dev/null | grep -v -e stable_secret -e flush | sort | xargs tail -n +1`;
  const output = execFileSync(program, [...args, 'sh', '-c', script], { encoding: 'utf8' });
  expect(output).toContain('ip_forward');
  return output.split('\n');
}
