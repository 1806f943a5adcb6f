/** The tick and its log: a job that goes on failing in one way is told once, another way is told, and so is its end. */
import { afterEach, expect, test } from 'vitest';
import { PilotlightError } from '../../src/runtime/errors.ts';
import type { LogFields } from '../../src/runtime/logger.ts';
import { createTicker, type Ticker } from '../../src/schedule/cron.ts';

let ticker: Ticker | undefined;
afterEach(() => ticker?.stop());

const away = () => new PilotlightError('redis_unavailable', 'Redis cannot be used now');

test('a failing job is logged once for each way of failing, counted, and once when it works again', async () => {
  const lines: [level: string, event: string, fields: LogFields][] = [];
  const note =
    (level: string) =>
    (event: string, fields: LogFields = {}) =>
      void lines.push([level, event, fields]);
  const log = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') };
  const script: (Error | undefined)[] = [away(), away(), new TypeError('quoted CANARY'), undefined, undefined];
  let runs = 0;
  const told: string[] = [];
  ticker = createTicker(
    [
      {
        name: 'sweep',
        cron: '* * * * * *',
        atStart: true,
        async run() {
          const failure = script[runs];
          runs += 1;
          if (failure !== undefined) throw failure;
        },
      },
    ],
    { log, ran: (name) => told.push(name), ended: () => {} },
  );
  await ticker.start();
  await expect.poll(() => runs, { timeout: 40_000 }).toBeGreaterThanOrEqual(script.length);
  await expect.poll(() => told.length, { timeout: 10_000 }).toBeGreaterThanOrEqual(2);
  expect(lines).toEqual([
    ['error', 'job.failed', { job: 'sweep', code: 'redis_unavailable', message: 'Redis cannot be used now' }],
    ['error', 'job.failed', { job: 'sweep', code: 'TypeError' }],
    ['info', 'job.works_again', { job: 'sweep', failures: 3 }],
  ]);
});
