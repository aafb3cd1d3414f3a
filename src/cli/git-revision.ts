import { relative } from 'node:path';
import { execaSync } from 'execa';
import { CordonError } from '../source/error.ts';
import type { TextSource } from './topology-file.ts';

/**
 * The texts of one revision of the repository that the working directory is in; paths are relative to that directory, as
 * those of files are. Git is asked for each text (gitrevisions(7): `REV:./PATH`), and nothing is checked out.
 */
export function gitRevision(revision: string): TextSource {
  if (revision.startsWith('-')) throw noSuch(`${revision} is no revision`);
  const show = (path: string) =>
    execaSync('git', ['cat-file', 'blob', `${revision}:${fromHere(path)}`], {
      reject: false,
      stripFinalNewline: false,
    });
  return {
    read(path) {
      const { exitCode, stdout, stderr } = show(path);
      if (exitCode === 0) return stdout;
      throw noSuch(`git has no ${path} in ${revision}: ${stderr.trim().split('\n').at(-1) ?? 'git cannot be run'}`);
    },
    has: (path) => show(path).exitCode === 0,
  };
}

/** `./PATH`: without the dot, git would start from the top of the repository. */
function fromHere(path: string): string {
  return `./${relative(process.cwd(), path)}`;
}

function noSuch(message: string): CordonError {
  return new CordonError('git-unreadable', message, {
    hint: 'name a revision that is here (`git fetch` gets others) and a path in it: git:REV:PATH',
  });
}
