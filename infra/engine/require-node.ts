/*
 * Refusal of a Node that is too old, in one line. This file has to run on the very Node that it refuses: no imports, and
 * nothing in it that an old Node would not parse. A real Pulumi language host starts programs with whatever `node` is
 * first on the PATH, so the program calls this before anything else; our own language host brings a Node that will do.
 */

/** Oldest Node that our code and the SDK run on. */
export const NODE_MINIMUM = '22.18.0';

/**
 * What to tell somebody whose Node is too old, as one line, or undefined if it will do.
 * @param version as in `process.versions.node`
 */
export function nodeComplaint(version: string): string | undefined {
  const have = version.split('.').map(Number);
  const need = NODE_MINIMUM.split('.').map(Number);
  for (let i = 0; i < need.length; i++) {
    if ((have[i] || 0) > (need[i] || 0)) return undefined;
    if ((have[i] || 0) < (need[i] || 0)) {
      return (
        'cordon: Node ' +
        version +
        ' is too old, ' +
        NODE_MINIMUM +
        ' or newer is needed: run it through ' +
        '`npm run`, or put node_modules/.bin of the cordon checkout first on the PATH (it has Node 24)'
      );
    }
  }
  return undefined;
}

/** Ends the process with that line on stderr if its Node is too old. */
export function requireNode(): void {
  const complaint = nodeComplaint(process.versions.node);
  if (complaint === undefined) return;
  process.stderr.write(`${complaint}\n`);
  // Under the SDK's runner, the code by which a program says that it has shown its error (pulumi
  // sdk/nodejs/cmd/run/index.ts); otherwise that of a run that gives no answer.
  process.exit(process.env['PULUMI_NODEJS_ENGINE'] ? 32 : 1);
}
