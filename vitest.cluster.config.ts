/** Redis in every shape it comes in, with real servers: `npm run test:cluster`. Apart from `npm test`: failovers take seconds. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/cluster/**/*.test.ts'],
    globalSetup: ['test/support/redis-installed.ts'],
    testTimeout: 180_000,
    hookTimeout: 120_000,
    pool: 'forks',
    // Most of the time goes by while servers notice that another is gone.
    maxWorkers: 2,
    reporters: ['default'],
  },
});
