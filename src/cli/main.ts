#!/usr/bin/env node
// First and alone, so that a Node that is too old fails with one line instead of a stack.
import '../../infra/engine/require-node-now.ts';

const { runCordon, watchStreams } = await import('./cordon.ts');
watchStreams();
await runCordon(process.argv.slice(2));
