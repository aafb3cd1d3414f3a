import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CordonError } from '../../src/source/error.ts';
import { packageRoot } from './package-root.ts';
import { nodeComplaint } from './require-node.ts';

/**
 * Absolute path of the Node that our scripts run on, whatever `node` is first on the PATH when they are started: the one
 * of the npm package `node`, or else the one that runs us.
 * @throws CordonError `node-too-old`
 */
export function nodeExecutable(): string {
  const own = join(packageRoot(), 'node_modules', 'node', 'bin', 'node');
  if (existsSync(own)) return own;
  const complaint = nodeComplaint(process.versions.node);
  if (complaint === undefined) return process.execPath;
  throw new CordonError('node-too-old', complaint, { hint: 'run `npm ci`, which installs a Node of its own' });
}
