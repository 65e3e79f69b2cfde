import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/postgres.ts', 'test/support/contract-account.ts'],
    // For what hangs: a busy machine takes a minute for what takes seconds elsewhere, and no test is about that.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 60_000 } },
    maxWorkers: 3,
    reporters: ['default', './test/support/skip-reporter.ts'],
  },
});
