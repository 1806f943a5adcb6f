/**
 * A BullMQ worker that has patience with a Redis that refuses its commands (out of memory, too few replicas, a permission
 * taken away). BullMQ alone asks again at once: thousands of times a second, for as long as it lasts, without a word.
 */
import { type Job, type Processor, Worker, type WorkerOptions } from 'bullmq';
import type { Clock } from '../runtime/clock.ts';
import type { LogFields, Logger } from '../runtime/logger.ts';
import { isUnavailable, redisLabel } from './redis-errors.ts';

export interface Patience {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Says in the log which worker it is. */
  readonly about: LogFields;
}

/** A worker asks again this long after Redis failed or refused it, ms. */
const retryMs = 1_000;

/** Takes no job before `run` is called. A refusal is logged once for each cause, and once when it is over. */
export class PatientWorker extends Worker {
  readonly #patience: Patience;
  readonly #ending = new AbortController();
  #refusal: string | undefined;

  constructor(name: string, work: Processor, options: WorkerOptions, patience: Patience) {
    super(name, work, {
      ...options,
      autorun: false,
      // What is too old for us is found by our own check; BullMQ's would be made once, and a failed one never again.
      skipVersionCheck: true,
      runRetryDelay: retryMs,
    });
    this.#patience = patience;
    this.on('error', (error) => this.#tell(error));
  }

  protected override async moveToActive(token: string, name?: string): Promise<Job> {
    try {
      const job = await super.moveToActive(token, name);
      this.#accepted();
      return job;
    } catch (error) {
      await this.#patience.clock.sleep(retryMs, this.#ending.signal).catch(() => undefined);
      throw error;
    }
  }

  // Nobody resumes: whoever pauses it is about to close it.
  override pause(doNotWaitActive?: boolean): Promise<void> {
    this.#ending.abort();
    return super.pause(doNotWaitActive);
  }

  override close(force?: boolean): Promise<void> {
    this.#ending.abort();
    return super.close(force);
  }

  #tell(error: Error): void {
    const { logger, about } = this.#patience;
    const why = redisLabel(error);
    if (error.name !== 'ReplyError') {
      // A lost connection is told by the connection itself.
      if (!isUnavailable(error)) logger.warn('worker.error', { ...about, why });
      return;
    }
    if (this.#refusal !== why) logger.warn('worker.refused', { ...about, why });
    this.#refusal = why;
  }

  #accepted(): void {
    if (this.#refusal === undefined) return;
    this.#refusal = undefined;
    this.#patience.logger.info('worker.accepted', this.#patience.about);
  }
}
