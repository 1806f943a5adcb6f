/**
 * Refresh queues and their workers on a real Redis: one server for a test file, emptied before each test, with fresh queues
 * whose every log line is kept. What a test opened is closed after it.
 */
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { refreshJob } from '../../jobs/refresh.ts';
import { createRefreshQueues, type RefreshQueuesHandle } from '../../src/queue/refresh-queues.ts';
import {
  createRefreshWorkers,
  type RefreshWorkers,
  type RefreshWorkersOptions,
} from '../../src/queue/refresh-workers.ts';
import { type Clock, systemClock } from '../../src/runtime/clock.ts';
import { type Closers, createClosers } from '../../src/runtime/closers.ts';
import type { LogFields, Logger } from '../../src/runtime/logger.ts';
import type { RefreshJob } from '../../src/schedule/ports.ts';
import { startTestRedis, type TestRedis } from './redis.ts';

/** The members are those of the running test: they are read through the bench, never kept. */
export interface QueueBench {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly server: TestRedis;
  readonly queues: RefreshQueuesHandle;
  readonly closers: Closers;
  readonly logged: readonly { readonly event: string; readonly fields: LogFields | undefined }[];
  /** Starts workers of one provider, docusign, on a connection of their own. */
  work(run: RefreshWorkersOptions['run'], more?: Partial<RefreshWorkersOptions>): Promise<RefreshWorkers>;
}

/** Called once at the top of a test file: sets up and clears away around its tests. */
export function queueBench(): QueueBench {
  const clock = systemClock();
  let server: TestRedis;
  let queues: RefreshQueuesHandle;
  let closers: Closers;
  let logged: { event: string; fields: LogFields | undefined }[];
  const record = (event: string, fields?: LogFields) => {
    logged.push({ event, fields });
  };
  const logger: Logger = { debug: record, info: record, warn: record, error: record };

  beforeAll(async () => {
    server = await startTestRedis();
  });
  beforeEach(async () => {
    logged = [];
    closers = createClosers();
    await server.flush();
    const { redis } = await server.connect('queues');
    queues = createRefreshQueues({ job: refreshJob, redis, clock, logger });
    closers.push('queues', () => queues.close());
  });
  afterEach(() => closers.closeAll());
  afterAll(() => server.stop());

  return {
    clock,
    logger,
    get server() {
      return server;
    },
    get queues() {
      return queues;
    },
    get closers() {
      return closers;
    },
    get logged() {
      return logged;
    },
    async work(run, more = {}) {
      const { redis } = await server.connect('workers');
      const workers = createRefreshWorkers({
        job: refreshJob,
        redis,
        providers: ['docusign'],
        concurrency: 5,
        lockDurationMs: 30_000,
        clock,
        logger,
        run,
        ...more,
      });
      closers.push('workers', () => workers.close());
      workers.start();
      return workers;
    },
  };
}

export const dueJob = (connection: string): RefreshJob => ({ connection, reason: 'due' });

/** Before every key of docusign's queue. */
export const docusignQueue = '{pilotlight}:refresh-docusign:';

/** Keeps jobs under way until a test lets them go. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}
