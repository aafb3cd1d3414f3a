#!/usr/bin/env node
// First and alone, so that a Node that is too old fails with one line instead of a stack.
import '../../infra/engine/require-node-now.ts';

const { runCordon } = await import('./cordon.ts');
await runCordon(process.argv.slice(2));
