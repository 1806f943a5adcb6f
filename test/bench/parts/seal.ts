/** Answer to fsynced at a production pace: from the last byte of a provider's answer to the sealed record on disk. */
import { startChild } from '../child.ts';
import { connectionId, provider } from '../connections.ts';
import { setStage } from '../stage.ts';
import { percentile, spreadOf } from '../stats.ts';
import type { Measured } from '../worker.ts';
import type { Found, PartOptions } from './part.ts';
import { expectAll, openScheduler, providerLatencyMs } from './rotations.ts';

const perSecond = 25;
const seconds = 20;
/** Rotations before any is counted. */
const warmUp = 200;

export async function measureSeal({ closers, say }: PartOptions): Promise<Found> {
  const stage = await setStage(closers, { providerLatencyMs });
  const count = perSecond * seconds;
  await stage.world.ask('seedDue', { kind: 'due', count: warmUp + count, managed: true });
  const input = stage.service('worker');
  const { queues, deps, index } = await openScheduler(input, closers);
  await index();
  const worker = await startChild('./worker.ts', { input, stdoutFile: `${stage.directory}/worker.log` });
  closers.push('worker', () => worker.stop());
  const jobs = Array.from({ length: warmUp + count }, (_, number) => ({
    connection: connectionId('due', number),
    reason: 'due' as const,
  }));
  const warming = worker.ask<Measured>('measure', warmUp);
  await queues.add(provider, jobs.slice(0, warmUp));
  expectAll(await warming, warmUp);

  say(`${perSecond} rotations a second for ${seconds} s`);
  const measuring = worker.ask<Measured>('measure', count);
  const { clock } = deps;
  const startMs = clock.monotonic();
  for (let done = 0; done < count; done++) {
    await clock.sleep(startMs + (done * 1_000) / perSecond - clock.monotonic());
    await queues.add(provider, jobs.slice(warmUp + done, warmUp + done + 1));
  }
  const measured = await measuring;
  expectAll(measured, count);
  const { sealMs } = measured;
  return {
    figures: { sealMsP50: percentile(sealMs, 0.5), sealMsP99: percentile(sealMs, 0.99) },
    spread: { sealMs: spreadOf(sealMs) },
    details: { rotationsPerSecond: perSecond, rotations: count },
  };
}
