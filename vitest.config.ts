import { defineConfig } from 'vitest/config';

/** Files that need a process of their own: they look at its memory, or at how deep its stack goes. */
const ALONE = ['test/net/packet-set-memory.test.ts', 'test/topology/load-yaml.test.ts'];

export default defineConfig({
  test: {
    testTimeout: 30_000,
    // Two cores are the reference machine; many tests wait for real processes, so more workers fill the gaps.
    maxWorkers: 4,
    projects: [
      {
        extends: true,
        // Loading our modules anew for each file would take a fifth of the whole run.
        test: { name: 'shared', include: ['test/**/*.test.ts'], exclude: ALONE, isolate: false },
      },
      { extends: true, test: { name: 'alone', include: ALONE } },
    ],
  },
});
