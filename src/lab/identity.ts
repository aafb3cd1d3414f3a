import { readFileSync, readlinkSync } from 'node:fs';
import { z } from 'zod';

/**
 * Which process this was, for all time: a pid alone comes round again. `startTicks` is field 22 of /proc/PID/stat
 * (proc_pid_stat(5)), clock ticks after boot; the boot and the pid namespace say where the pid counts.
 */
export const creatorSchema = z.strictObject({
  bootId: z.string().regex(/^[0-9a-f-]+$/),
  pidNamespace: z.string().regex(/^\d+$/),
  pid: z.int().positive(),
  startTicks: z.int().nonnegative(),
});

export type Creator = Readonly<z.infer<typeof creatorSchema>>;

/** `gone`: certainly not running any more. `elsewhere`: its pid means nothing here, so nobody can tell. */
export type Life = 'running' | 'gone' | 'elsewhere';

/** This process. */
export function thisProcess(): Creator {
  return { ...surroundings(), pid: process.pid, startTicks: startTicks(process.pid) ?? 0 };
}

/** Whether the process that made something still runs. */
export function lifeOf(creator: Creator): Life {
  const here = surroundings();
  if (creator.bootId !== here.bootId) return 'gone';
  if (creator.pidNamespace !== here.pidNamespace) return 'elsewhere';
  return startTicks(creator.pid) === creator.startTicks ? 'running' : 'gone';
}

/** When a process started, in clock ticks after boot; undefined when there is none with this pid, or only a zombie. */
export function startTicks(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in brackets, and may contain both blanks and brackets.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : Number(fields[19]);
  } catch {
    return undefined;
  }
}

/** One word, for a device's alias. */
export function formatCreator(c: Creator): string {
  return [c.bootId, c.pidNamespace, c.pid, c.startTicks].join('/');
}

/** The opposite of `formatCreator`; undefined for anything else. */
export function parseCreator(text: string): Creator | undefined {
  const [bootId, pidNamespace, pid, ticks, ...rest] = text.split('/');
  if (rest.length > 0) return undefined;
  const parsed = creatorSchema.safeParse({ bootId, pidNamespace, pid: Number(pid), startTicks: Number(ticks) });
  return parsed.success ? parsed.data : undefined;
}

function surroundings(): { bootId: string; pidNamespace: string } {
  return {
    bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
    pidNamespace: readlinkSync('/proc/self/ns/pid').replace(/\D/g, ''),
  };
}
