import { bad, Problems, type Read, shown } from './read.ts';

/** Who may use a file, socket or folder. */
export type PathState =
  | {
      readonly path: string;
      readonly kind: 'found';
      /** `regular file`, `directory`, `socket`, `symbolic link` … (stat(1) %F). */
      readonly type: string;
      /** Permission bits, such as 0o640. */
      readonly mode: number;
      readonly uid: number;
      readonly gid: number;
    }
  /** Surely not there. */
  | { readonly path: string; readonly kind: 'missing' }
  /** A folder on the way may not be entered: whether it is there is not known. */
  | { readonly path: string; readonly kind: 'denied' };

/** What `stat` (GNU coreutils) says, in the C locale, of a path that is not there (errno ENOENT, ENOTDIR). */
const MISSING = ['No such file or directory', 'Not a directory'];

/** Reads `host/NAME/files`: lines of `stat -c 'found %a %u %g %n|%F'` and its complaints. */
export function readFiles(value: unknown): Read<ReadonlyMap<string, PathState>> {
  if (typeof value !== 'string') return bad('the body is not text');
  const problems = new Problems();
  const paths = new Map<string, PathState>();
  for (const line of value.split('\n').filter((l) => l !== '')) {
    const [, mode = '', uid, gid, path = '', type = ''] = /^found ([0-7]+) (\d+) (\d+) (.+)\|(.+)$/.exec(line) ?? [];
    const [, lost = '', why = ''] = /^stat: cannot stat(?:x)? '(.+)': (.+)$/.exec(line) ?? [];
    if (path !== '') {
      paths.set(path, {
        path,
        kind: 'found',
        type,
        mode: Number.parseInt(mode, 8),
        uid: Number(uid),
        gid: Number(gid),
      });
    } else if (MISSING.includes(why)) paths.set(lost, { path: lost, kind: 'missing' });
    else if (why === 'Permission denied') paths.set(lost, { path: lost, kind: 'denied' });
    else problems.add(`not a line of stat: ${shown(line)}`);
  }
  return paths.size === 0 && value === '' ? bad('nothing was asked of any file') : problems.over(paths);
}
