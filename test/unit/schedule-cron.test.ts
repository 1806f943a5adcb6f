/**
 * The tick: each second once, whatever happens to the machine's clock. And its log: a job that goes on failing in one way is
 * told once, another way is told, and so is its end.
 */
import { afterEach, expect, test } from 'vitest';
import { PilotlightError } from '../../src/runtime/errors.ts';
import { type LogFields, silentLogger } from '../../src/runtime/logger.ts';
import { createTicker, secondsSince, type Ticker } from '../../src/schedule/cron.ts';

let ticker: Ticker | undefined;
afterEach(() => ticker?.stop());

const noon = Date.UTC(2026, 10, 20, 12);
const hour = 3_600_000;

/** A machine's clock that stands still until the test lets time pass or sets it. */
function machineClock() {
  let at = noon;
  let wake = () => {};
  let asleep = Promise.withResolvers<void>();
  return {
    now: () => at,
    sleep: (_ms: number, signal?: AbortSignal) =>
      new Promise<void>((resolve, reject) => {
        wake = resolve;
        asleep.resolve();
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
      }),
    set(to: number) {
      at = to;
    },
    /** The ticker wakes after so long; resolves when it sleeps again. */
    async pass(ms = 1_000) {
      at += ms;
      asleep = Promise.withResolvers();
      wake();
      await asleep.promise;
    },
  };
}

/** A job by cron and how often it ran. */
async function ticking(cron: string, clock: ReturnType<typeof machineClock>): Promise<() => number> {
  let runs = 0;
  const run = async () => {
    runs += 1;
  };
  ticker = createTicker([{ name: 'sweep', cron, atStart: false, run }], {
    ...clock,
    log: silentLogger,
    ran: () => {},
    ended: () => {},
  });
  await ticker.start();
  return () => runs;
}

test('a job runs when its expression says so, each time once, though the process wakes early or late', async () => {
  const clock = machineClock();
  const runs = await ticking('*/10 * * * * *', clock);
  for (let second = 1; second <= 9; second++) await clock.pass();
  expect(runs()).toBe(0);
  await clock.pass(999);
  expect(runs()).toBe(0);
  await clock.pass(1);
  await clock.pass(1);
  expect(runs()).toBe(1);
  await clock.pass(12_000);
  expect(runs()).toBe(2);
});

test('a clock set back by an hour stops nobody for an hour', async () => {
  const clock = machineClock();
  const runs = await ticking('*/2 * * * * *', clock);
  await clock.pass(2_000);
  expect(runs()).toBe(1);
  clock.set(noon - hour);
  for (let second = 0; second < 6; second++) await clock.pass();
  expect(runs()).toBe(4);
});

test('a clock set forward by fifty years is gone on from, not walked through', async () => {
  const clock = machineClock();
  const runs = await ticking('* * * * * *', clock);
  clock.set(noon + 50 * 365 * 24 * hour);
  await clock.pass();
  await clock.pass();
  expect(runs()).toBe(2);
  expect(secondsSince(0, 2_000_000_000)).toEqual([2_000_000_000]);
  expect(secondsSince(10, 13)).toEqual([11, 12, 13]);
  expect(secondsSince(13, 10)).toEqual([10]);
});

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
  const clock = machineClock();
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
    { ...clock, log, ran: (name) => told.push(name), ended: () => {} },
  );
  await ticker.start();
  while (runs < script.length) await clock.pass();
  await expect.poll(() => told).toEqual(['sweep', 'sweep']);
  expect(lines).toEqual([
    ['error', 'job.failed', { job: 'sweep', code: 'redis_unavailable', message: 'Redis cannot be used now' }],
    ['error', 'job.failed', { job: 'sweep', code: 'TypeError' }],
    ['info', 'job.works_again', { job: 'sweep', failures: 3 }],
  ]);
});
