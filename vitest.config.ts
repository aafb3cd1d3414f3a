import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    // Kernel, engine and emulator tests start real processes: two cores are the reference machine.
    maxWorkers: 2,
  },
});
