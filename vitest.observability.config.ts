/**
 * Rules, dashboards and the real Prometheus and Alertmanager: `npm run test:observability`. Apart from `npm test`, because it
 * needs Debian's prometheus and prometheus-alertmanager, Helm, and minutes.
 */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/observability/**/*.test.ts'],
    globalSetup: ['test/support/redis-installed.ts'],
    testTimeout: 60_000,
    hookTimeout: 600_000,
    pool: 'forks',
    maxWorkers: 1,
    reporters: ['verbose'],
  },
});
