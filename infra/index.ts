// First, so that a Node that is too old fails with one line instead of a stack.
import './engine/require-node-now.ts';
import { deploy } from './deploy.ts';

/** Outputs of the stack; see `Outputs` in deploy.ts. */
export const { topology, policyEtag, topologyDigest, hostFirewalls } = deploy();
