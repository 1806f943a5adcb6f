/**
 * What a worker leaves behind that is killed under load while the store takes no write, and how soon it is in the store:
 * from the disk it was on, by the next process there; and from the mirror, by a worker that never saw that disk. Both at
 * once, each in a world of its own. Limits are the configuration's, but for how long a rotation writes by itself.
 */
import { systemClock } from '../../../src/runtime/clock.ts';
import type { Closers } from '../../../src/runtime/closers.ts';
import { startChild } from '../child.ts';
import { connectionId, provider } from '../connections.ts';
import { type ServiceInput, type Stage, setStage } from '../stage.ts';
import type { Measured } from '../worker.ts';
import type { Range } from '../world.ts';
import type { Found, PartOptions } from './part.ts';
import { expectAll, openScheduler, providerLatencyMs } from './rotations.ts';

const kind = 'due';
const warmUp = 100;
/** Connections of each sort at the moment of the kill. */
const each = 50;
/** Their rotations have come to their end: sealed, the store refusing. */
const sealed: Range = { kind, from: warmUp, count: each };
/** Their rotations still try to write, under their lease. */
const writing: Range = { kind, from: warmUp + each, count: each };
/** Their requests are on the way. */
const posting: Range = { kind, from: warmUp + 2 * each, count: each };
/** So that the first are sealed while the second still write. */
const writeLimitMs = 8_000;
const apartMs = 2_500;
/** What recovery may take; what is not done by then is counted instead of waited for. */
const patienceMs = 60_000;
const readyMsMax = 30_000;
const clock = systemClock();

type Where = 'same disk' | 'another disk';

interface Recovered {
  /** From the start of the process to the last answer that came into the store, ms; each number is of one sort. */
  readonly sealedMs: number;
  readonly lastMs: number;
  readonly left: number;
}

export async function measureRecovery({ closers, say }: PartOptions): Promise<Found> {
  const [own, other] = await Promise.all([killed('same disk', closers, say), killed('another disk', closers, say)]);
  return {
    figures: {
      // Where something is left there is no last one yet, and so no time to tell.
      ...(own.left > 0 ? {} : { recoveryOwnDiskMs: own.lastMs }),
      recoveryOwnDiskLeft: own.left,
      ...(other.left > 0 ? {} : { recoveryOtherPodMs: other.lastMs }),
      recoveryOtherPodLeft: other.left,
    },
    details: {
      open: { sealed: each, writing: each, posting: each },
      sealedMs: { ownDisk: Math.round(own.sealedMs), otherPod: Math.round(other.sealedMs) },
      writeLimitMs,
    },
  };
}

async function killed(where: Where, closers: Closers, say: PartOptions['say']): Promise<Recovered> {
  const stage = await setStage(closers, { providerLatencyMs });
  await stage.world.ask('seedDue', { kind, count: warmUp + 3 * each, managed: true });
  const tuning = { concurrency: 3 * each, writeLimitMs };
  const input = stage.service('worker', tuning);
  await killUnderLoad(stage, input, closers);
  const answered = () => Promise.all([sealed, writing].map((range) => stage.world.ask<number>('renewed', range)));
  if ((await answered()).some((count) => count > 0)) throw new Error('the store took a write it was to refuse');
  await stage.world.ask('refuseWrites', false);
  await stage.world.ask('hangRequests', false);

  const startedMs = clock.monotonic();
  const next = where === 'same disk' ? input : stage.service('another', tuning);
  const worker = await startWorker(stage, next, closers);
  let [sealedMs, lastMs, done] = [0, 0, 0];
  while (done < 2 * each && clock.monotonic() - startedMs < patienceMs) {
    const [first = 0, second = 0] = await answered();
    const sinceMs = clock.monotonic() - startedMs;
    if (first === each && sealedMs === 0) sealedMs = sinceMs;
    if (first + second > done) lastMs = sinceMs;
    done = first + second;
    await clock.sleep(20);
  }
  const { doubleSpends } = await stage.counts();
  if (doubleSpends > 0) throw new Error(`${doubleSpends} tokens were spent twice`);
  await worker.stop();
  say(`${where}: ${done} of ${2 * each} answers in the store, the last after ${Math.round(lastMs)} ms`);
  return { sealedMs, lastMs, left: 2 * each - done };
}

/** A worker with three sorts of open records, and its end. */
async function killUnderLoad(stage: Stage, input: ServiceInput, closers: Closers): Promise<void> {
  const { queues, index } = await openScheduler(input, closers);
  await index();
  const worker = await startWorker(stage, input, closers);
  const queue = ({ from, count }: Range) =>
    queues.add(
      provider,
      Array.from({ length: count }, (_, place) => ({ connection: connectionId(kind, from + place), reason: 'due' })),
    );
  const warming = worker.ask<Measured>('measure', warmUp);
  await queue({ kind, from: 0, count: warmUp });
  expectAll(await warming, warmUp);
  const shown = async (count: number) => {
    const startedMs = clock.monotonic();
    while ((await stage.counts()).tokensShown < warmUp + count) {
      if (clock.monotonic() - startedMs > readyMsMax) throw new Error('the worker does not send its requests');
      await clock.sleep(10);
    }
  };
  await stage.world.ask('refuseWrites', true);
  const ended = worker.ask<Measured>('measure', each);
  await queue(sealed);
  await shown(each);
  await clock.sleep(apartMs);
  await queue(writing);
  await shown(2 * each);
  await stage.world.ask('hangRequests', true);
  await queue(posting);
  await shown(3 * each);
  const { outcomes } = await ended;
  if (outcomes['sealed: store_unavailable'] !== each)
    throw new Error(`not every rotation was sealed: ${JSON.stringify(outcomes)}`);
  await worker.kill();
}

async function startWorker(stage: Stage, input: ServiceInput, closers: Closers) {
  const worker = await startChild('./worker.ts', { input, stdoutFile: `${stage.directory}/worker.log` });
  closers.push('worker', () => worker.stop());
  return worker;
}
