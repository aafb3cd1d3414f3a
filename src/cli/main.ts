#!/usr/bin/env node
// First and alone, so that a Node that is too old fails with one line instead of a stack.
import '../../infra/engine/require-node-now.ts';
import { enableCompileCache } from 'node:module';
import { compiledFolder } from '../../infra/engine/cache-folder.ts';

// What Node compiles is kept in the user's cache: most of a short run is loading. Without a cache it only takes longer.
enableCompileCache(compiledFolder(process.env));

const { runCordon, watchStreams } = await import('./cordon.ts');
watchStreams();
await runCordon(process.argv.slice(2));
