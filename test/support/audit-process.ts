/** A process that opens its audit trail as the service does, writes lines, and ends: for tests of its standard output. */
import type { Config } from '../../config/derive.ts';
import { openTrail } from '../../src/audit-trail.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { createClosers } from '../../src/runtime/closers.ts';
import { silentLogger } from '../../src/runtime/logger.ts';
import { systemRandom } from '../../src/runtime/random.ts';
import type { Services } from '../../src/services.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';

const { dataDir, audit, lines } = JSON.parse(process.argv[2] ?? '{}') as Pick<Config, 'dataDir' | 'audit'> & {
  readonly lines: number;
};
const clock = systemClock();
const services = { config: { dataDir, audit }, deps: { clock, random: systemRandom(), log: silentLogger } };
const metrics = createMetrics({ providers: [], queues: [], build: { version: '0', commit: '0', node: '0' } });
const closers = createClosers();
const trail = await openTrail(services as unknown as Services, metrics, closers);
for (let line = 0; line < lines; line++)
  trail.recordConsent({ connection: `customer-${line}`, provider: 'acme', outcome: 'started' });
await closers.closeAll();
process.exitCode = trail.failures();
