/** A revision, and a path in it where one is given: `git:main`, `git:HEAD~1:infra/cordon.yaml`. */
export interface GitName {
  readonly revision: string;
  readonly path: string | undefined;
}

/** @returns undefined for a name that is no `git:…` */
export function parseGitName(name: string): GitName | undefined {
  const match = /^git:([^:]+)(?::(.+))?$/.exec(name);
  const [, revision, path] = match ?? [];
  return revision === undefined ? undefined : { revision, path };
}
