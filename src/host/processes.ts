import { z } from 'zod';
import { bad, Problems, type Read, shown } from './read.ts';

/** A process, and the names of secrets in its environment. */
export interface Process {
  readonly pid: number;
  /** Command name, 15 characters at most. */
  readonly name: string;
  /** Real and effective user. */
  readonly uid: number;
  readonly euid: number;
  /** Effective capabilities, a bit each (linux/capability.h). */
  readonly capabilities: bigint;
  readonly noNewPrivileges: boolean;
  /** Control group in the unified hierarchy; undefined where it has none. */
  readonly cgroup: string | undefined;
  /** `net:[…]`; undefined where it is gone or may not be read. */
  readonly namespace: string | undefined;
  /** Names only, never values; undefined where the environment may not be read. */
  readonly secretNames: readonly string[] | undefined;
}

const body = z.strictObject({
  namespace: z.string(),
  status: z.string(),
  groups: z.string(),
  namespaces: z.string(),
  secrets: z.record(z.string().regex(/^\d+$/), z.array(z.string())),
  denied: z.array(z.string()),
});

/**
 * Reads `host/NAME/processes`: lines of `/proc/PID/status` and `/proc/PID/cgroup` (proc(5)), the network namespace of
 * each, and the names found in environments. A process that ended meanwhile may lack a part, and then is left out.
 */
export function readProcesses(value: unknown): Read<readonly Process[]> {
  const parsed = body.safeParse(value);
  if (!parsed.success)
    return bad('the body is not {"namespace", "status", "groups", "namespaces", "secrets", "denied"}');
  const { status, groups, namespaces, secrets, denied } = parsed.data;
  const problems = new Problems();
  const fields = new Map<string, Map<string, string>>();
  for (const line of lines(status)) {
    const [, pid = '', key = '', text = ''] = /^\/proc\/(\d+)\/status:([A-Za-z]+):\t(.*)$/.exec(line) ?? [];
    if (pid === '') problems.add(`not a line of a status file: ${shown(line)}`);
    else fields.set(pid, (fields.get(pid) ?? new Map<string, string>()).set(key, text));
  }
  const cgroups = table(
    groups,
    /^\/proc\/(\d+)\/cgroup:(?:0::)?(.*)$/,
    (line) => line.includes('/cgroup:0::'),
    problems,
  );
  const nets = table(namespaces, /^\/proc\/(\d+)\/ns (net:\[\d+\])?$/, () => true, problems);
  const processes = [...fields].flatMap(([pid, f]): Process[] => {
    const [uid, euid] = (f.get('Uid') ?? '').split('\t');
    const capabilities = f.get('CapEff') ?? '';
    const name = f.get('Name');
    if (name === undefined || uid === undefined || euid === undefined || !/^[0-9a-f]+$/.test(capabilities)) return [];
    return [
      {
        pid: Number(pid),
        name,
        uid: Number(uid),
        euid: Number(euid),
        capabilities: BigInt(`0x${capabilities}`),
        noNewPrivileges: f.get('NoNewPrivs') === '1',
        cgroup: cgroups.get(pid),
        namespace: nets.get(pid) || undefined,
        secretNames: denied.includes(pid) ? undefined : (secrets[pid] ?? []),
      },
    ];
  });
  if (processes.length === 0) problems.add('no process at all, and at least the collector was one');
  return problems.over(processes);
}

function table(
  text: string,
  pattern: RegExp,
  counts: (line: string) => boolean,
  problems: Problems,
): Map<string, string> {
  const found = new Map<string, string>();
  for (const line of lines(text)) {
    const [, pid, value = ''] = pattern.exec(line) ?? [];
    if (pid === undefined) problems.add(`not a line about a process: ${shown(line)}`);
    else if (counts(line)) found.set(pid, value);
  }
  return found;
}

function lines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}
