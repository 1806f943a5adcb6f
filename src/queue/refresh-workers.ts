/**
 * The worker side of the refresh queues. What must stay true: a job reaches `run` only if its payload is what it must be;
 * nothing that `run` throws gets into Redis but a label; a job whose lock is lost has its signal aborted; and draining
 * takes no new job, waits for those under way, and ends when its time is up.
 */
import { type Job, UnrecoverableError, type Worker } from 'bullmq';
import { atMost, type Clock } from '../runtime/clock.ts';
import { errorLabel } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logger.ts';
import type { JobDefinition, RefreshJob } from '../schedule/ports.ts';
import type { JobTraces } from './job-traces.ts';
import { checkedPrefix, defaultPrefix } from './keys.ts';
import { PatientWorker } from './patient-worker.ts';
import type { RedisClient } from './redis-client.ts';
import { redisLabel } from './redis-errors.ts';
import { queueName } from './refresh-queues.ts';
import { createUnderWay, type UnderWay, windDown } from './wind-down.ts';

export interface RefreshWorkersOptions {
  /** A connection of the role `workers`; each provider opens one more for its blocking wait. */
  readonly redis: RedisClient;
  readonly prefix?: string;
  readonly providers: readonly string[];
  /** Jobs at a time for each provider. */
  readonly concurrency: number;
  /** How long a job of a killed worker stays its own, ms. Renewed while it runs. */
  readonly lockDurationMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly job: JobDefinition;
  /** Lets a job go on in the trace it was added in. */
  readonly traces?: JobTraces;
  /** Does the job. The signal aborts when the job is no longer ours or the drain's time is up. */
  readonly run: (job: RefreshJob, signal: AbortSignal) => Promise<void>;
  /** Told of every job that failed, with the label that stands in Redis. */
  readonly onFailed?: (provider: string, label: string) => void;
  /** Told of every job whose worker vanished and that is handed to another. */
  readonly onStalled?: (provider: string) => void;
}

export interface RefreshWorkers {
  /** Begins to take jobs; waits for Redis where it is away. */
  start(): void;
  /** Jobs under way. */
  running(): number;
  /**
   * Takes no new job and waits up to `limitMs` for those under way; then aborts their signals and waits up to `answerMs`
   * more: a request that has left cannot be called back, and its answer must find everything open. Answers how many
   * were still running at the limit; their locks end by themselves and another worker does them again.
   */
  drain(limitMs: number, answerMs?: number): Promise<number>;
  /** Closes without waiting for jobs. Drain first. */
  close(): Promise<void>;
}

export function createRefreshWorkers(options: RefreshWorkersOptions): RefreshWorkers {
  const underWay = createUnderWay();
  const workers = options.providers.map((provider) => openWorker(provider, options, underWay));

  const down = windDown(workers, underWay, options.clock);

  return {
    start() {
      for (const worker of workers) {
        worker.run().catch((error: unknown) => options.logger.error('worker.ended', { why: redisLabel(error) }));
      }
    },
    running: () => underWay.count(),
    async drain(limitMs, answerMs = 0) {
      const left = await down.quiet(limitMs);
      if (left > 0) {
        options.logger.warn('worker.drain_limit', { left });
        for (const worker of workers) worker.cancelAllJobs('drain limit reached');
        await atMost(options.clock, answerMs, underWay.idle(), undefined);
      }
      await down.letGo();
      return left;
    },
    close: () => down.letGo(),
  };
}

function openWorker(provider: string, options: RefreshWorkersOptions, underWay: UnderWay): Worker {
  const { logger } = options;
  const worker = new PatientWorker(
    queueName(provider),
    // All three parameters must be declared: BullMQ gives a signal only to a processor that has them.
    (job: Job, _token: string | undefined, signal: AbortSignal | undefined) =>
      underWay.during(perform(provider, job, signal ?? new AbortController().signal, options)),
    {
      connection: options.redis,
      prefix: checkedPrefix(options.prefix ?? defaultPrefix),
      concurrency: options.concurrency,
      lockDuration: options.lockDurationMs,
      stalledInterval: Math.max(1_000, options.lockDurationMs / 2),
      ...(options.traces === undefined ? {} : { telemetry: options.traces }),
    },
    { clock: options.clock, logger, about: { provider } },
  );
  worker.on('stalled', (job) => {
    logger.warn('worker.job_stalled', { provider, job });
    options.onStalled?.(provider);
  });
  worker.on('lockRenewalFailed', (jobs) => {
    logger.warn('worker.lock_lost', { provider, jobs });
    for (const job of jobs) worker.cancelJob(job, 'lock lost');
  });
  return worker;
}

async function perform(provider: string, job: Job, signal: AbortSignal, options: RefreshWorkersOptions): Promise<void> {
  const payload = options.job.read(job.data);
  if (payload === undefined) {
    options.logger.error('worker.payload_invalid', { provider, job: job.id });
    options.onFailed?.(provider, 'payload_invalid');
    throw bare(new UnrecoverableError('payload_invalid'));
  }
  try {
    await options.run(payload, signal);
  } catch (error) {
    const label = errorLabel(error);
    options.logger.error('worker.job_failed', { provider, connection: payload.connection, why: label });
    options.onFailed?.(provider, label);
    throw bare(new Error(label));
  }
}

/** An error without a stack: BullMQ writes message and stack of what a job throws to Redis. */
function bare<E extends Error>(error: E): E {
  error.stack = error.message;
  return error;
}
