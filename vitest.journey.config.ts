/** The long ways, each in its own time: on-call in a real browser, the demo, a process that ends: `npm run test:e2e`. Apart from `npm test`, because they need Chromium and minutes. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/journey/**/*.test.ts'],
    globalSetup: ['test/support/redis-installed.ts'],
    testTimeout: 300_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 1,
    reporters: ['default'],
  },
});
