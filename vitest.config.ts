import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    // Two cores are the reference machine; many tests wait for real processes, so a third worker fills the gaps.
    maxWorkers: 3,
  },
});
