// First, so that a Node that is too old fails with one line instead of a stack.
import './engine/require-node-now.ts';
import { deploy } from './deploy.ts';

export const { topology, policyEtag, topologyDigest, hostFirewalls } = deploy();
