/**
 * The queue of what channels are to be told: at most one job for an incident and a channel. A job may be lost or run
 * twice at any time: every look queues what is owed still, and a receiver is given the same id for the same notice.
 */
import { type Job, Queue } from 'bullmq';
import type { AlertQueue, TellJob } from '../alerts/ports.ts';
import type { Clock } from '../runtime/clock.ts';
import { errorLabel } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logger.ts';
import { checkedPrefix, defaultPrefix } from './keys.ts';
import { PatientWorker } from './patient-worker.ts';
import type { RedisClient } from './redis-client.ts';
import { isUnavailable, redisLabel, speaking } from './redis-errors.ts';
import { dropDeadKeysScript, eventsKept } from './refresh-queues.ts';
import { scriptRunner } from './script.ts';
import { createUnderWay, windDown } from './wind-down.ts';

export interface AlertQueueHandle extends AlertQueue {
  close(): Promise<void>;
}

interface Shared {
  readonly redis: RedisClient;
  readonly prefix?: string;
  readonly logger: Logger;
}

const name = 'alerts';
const idOf = ({ key, channel }: TellJob) => `${channel}\n${key}`;

export function createAlertQueue(options: Shared): AlertQueueHandle {
  const prefix = checkedPrefix(options.prefix ?? defaultPrefix);
  const run = scriptRunner(options.redis, prefix);
  const queue = new Queue<TellJob>(name, {
    connection: options.redis,
    prefix,
    defaultJobOptions: { attempts: 1, removeOnComplete: true, removeOnFail: { count: 50 }, stackTraceLimit: 1 },
    // BullMQ's own check of the version is made once, and one that fails at a bad moment would fail every call from then on.
    skipVersionCheck: true,
    streams: { events: { maxLen: eventsKept } },
  });
  queue.on('error', (error) => {
    if (!isUnavailable(error)) options.logger.warn('queue.error', { queue: name, why: redisLabel(error) });
  });
  return {
    add: (jobs) =>
      speaking(async () => {
        if (jobs.length === 0) return;
        await run(dropDeadKeysScript, queue.toKey(''), ...jobs.map(idOf));
        await queue.addBulk(jobs.map((data) => ({ name: 'tell', data, opts: { deduplication: { id: idOf(data) } } })));
      }),
    close: () => queue.close(),
  };
}

export interface AlertWorkerOptions extends Shared {
  readonly clock: Clock;
  /** Longest a delivery under way is waited for when the worker closes, ms of monotonic time. */
  readonly deliveryMsMax: number;
  readonly read: (data: unknown) => TellJob | undefined;
  readonly run: (job: TellJob, signal: AbortSignal) => Promise<void>;
}

export interface AlertWorker {
  start(): void;
  /** Takes no new job and waits for the deliveries under way, within their limit; at once over where there is none. */
  close(): Promise<void>;
}

/** A delivery is bounded by its channel's limit, far below this. */
const lockMs = 60_000;
/** A receiver that answers slowly must not hold up the others. */
const concurrency = 8;

export function createAlertWorker(options: AlertWorkerOptions): AlertWorker {
  const { redis, prefix, logger, clock } = options;
  const underWay = createUnderWay();
  const worker = new PatientWorker(
    name,
    // All three parameters must be declared: BullMQ gives a signal only to a processor that has them.
    (job: Job, _token: string | undefined, signal: AbortSignal | undefined) =>
      underWay.during(deliver(job, signal ?? new AbortController().signal, options)),
    {
      connection: redis,
      prefix: checkedPrefix(prefix ?? defaultPrefix),
      concurrency,
      lockDuration: lockMs,
    },
    { clock, logger, about: { queue: name } },
  );
  const down = windDown([worker], underWay, clock);
  return {
    start: () => void worker.run().catch((error: unknown) => logger.error('worker.ended', { why: redisLabel(error) })),
    async close() {
      const left = await down.quiet(options.deliveryMsMax);
      if (left > 0) {
        // The next look queues them again.
        logger.warn('alert.close_limit', { left });
        worker.cancelAllJobs('closing');
      }
      await down.letGo();
    },
  };
}

async function deliver(job: Job, signal: AbortSignal, { read, run, logger }: AlertWorkerOptions): Promise<void> {
  const payload = read(job.data);
  if (payload === undefined) return logger.error('worker.payload_invalid', { queue: name, job: job.id });
  try {
    await run(payload, signal);
  } catch (error) {
    // The next look queues it again; nothing of an error's text goes to Redis.
    logger.warn('alert.failed', { incident: payload.key, channel: payload.channel, why: errorLabel(error) });
  }
}
