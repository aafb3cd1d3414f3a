import { createHash } from 'node:crypto';
import { z } from 'zod';
import { bad, Problems, type Read, shown } from './read.ts';

/** The units and files of cordon on a host, and what systemd makes of the units. */
export interface Units {
  /** By path; declared files have their text, files read from a host their digest alone. */
  readonly files: ReadonlyMap<string, { readonly sha256: string; readonly text: string | undefined }>;
  /** Paths that exist and could not be read. */
  readonly unreadable: readonly string[];
  /** Effective properties by unit; undefined where nothing says it: the declared side, and hosts without systemd. */
  readonly systemd: ReadonlyMap<string, UnitProperties> | undefined;
  /** False: the host was not started by systemd, so no unit of ours is in force there. Undefined: not a host's answer. */
  readonly isBooted: boolean | undefined;
}

/** Properties as `systemctl show` names them; a list is a text with blanks. */
export type UnitProperties = ReadonlyMap<string, string>;

const declared = z.strictObject({ files: z.record(z.string(), z.string()) });
const observed = z.strictObject({ show: z.string(), digests: z.string() });

/**
 * Reads `host/NAME/units`: `{"files": {PATH: TEXT}}` as `cordon compile` writes it, or `{"show", "digests"}` as it is read
 * from a host: the output of `systemctl show` and of `sha256sum`.
 */
export function readUnits(value: unknown): Read<Units> {
  const wanted = declared.safeParse(value);
  if (wanted.success) {
    const files = Object.entries(wanted.data.files).map(
      ([path, text]) => [path, { sha256: digest(text), text }] as const,
    );
    return { ok: true, value: { files: new Map(files), unreadable: [], systemd: undefined, isBooted: undefined } };
  }
  const parsed = observed.safeParse(value);
  if (!parsed.success) return bad('the body is neither {"files"} nor {"show", "digests"}');
  const problems = new Problems();
  const { files, unreadable } = readDigests(parsed.data.digests, problems);
  const isBooted = parsed.data.show.trim() !== 'no systemd';
  return problems.over({
    files,
    unreadable,
    systemd: isBooted ? readShow(parsed.data.show, problems) : undefined,
    isBooted,
  });
}

/** Lower-case hex SHA-256 of a text, as `sha256sum` prints it for the file. */
export function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function readDigests(text: string, problems: Problems): Pick<Units, 'files' | 'unreadable'> {
  const files = new Map<string, { sha256: string; text: undefined }>();
  const unreadable: string[] = [];
  for (const line of text.split('\n').filter((l) => l !== '')) {
    const [, sum = '', path = ''] = /^([0-9a-f]{64}|denied) {2}(\/.+)$/.exec(line) ?? [];
    if (path === '') problems.add(`not a line of sha256sum: ${shown(line)}`);
    else if (sum === 'denied') unreadable.push(path);
    else files.set(path, { sha256: sum, text: undefined });
  }
  return { files, unreadable };
}

/** Blocks of `Key=Value` lines with an empty line between units (systemctl(1), `show`). */
function readShow(text: string, problems: Problems): Map<string, UnitProperties> {
  const units = new Map<string, UnitProperties>();
  for (const block of text.split(/\n{2,}/).filter((b) => b.trim() !== '')) {
    const properties = new Map<string, string>();
    for (const line of block.split('\n').filter((l) => l !== '')) {
      const at = line.indexOf('=');
      const key = line.slice(0, at);
      if (!/^[A-Za-z0-9]+$/.test(key)) problems.add(`not a property: ${shown(line)}`);
      else properties.set(key, line.slice(at + 1));
    }
    const id = properties.get('Id');
    if (id === undefined || units.has(id))
      problems.add(`a unit ${id === undefined ? 'without a name' : `${id} twice`}`);
    else units.set(id, properties);
  }
  return units;
}
