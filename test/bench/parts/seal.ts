/**
 * Answer to fsynced at a production pace: from the last byte of a provider's answer to the sealed record on disk. Beside
 * it, at the same pace on the same disk, what a plain write with fdatasync takes: nothing can be faster than that.
 */
import { type FileHandle, open } from 'node:fs/promises';
import type { Clock } from '../../../src/runtime/clock.ts';
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
  const disk = await openDisk(`${stage.directory}/plain`);
  closers.push('plain file', () => disk.close());
  const plain: Promise<number>[] = [];
  const startMs = clock.monotonic();
  for (let done = 0; done < count; done++) {
    await clock.sleep(startMs + (done * 1_000) / perSecond - clock.monotonic());
    await queues.add(provider, jobs.slice(warmUp + done, warmUp + done + 1));
    plain.push(writePlain(disk, clock));
  }
  const measured = await measuring;
  expectAll(measured, count);
  const { sealMs } = measured;
  const diskMs = await Promise.all(plain);
  return {
    figures: {
      sealMsP50: percentile(sealMs, 0.5),
      sealMsP99: percentile(sealMs, 0.99),
      plainFsyncMsP50: percentile(diskMs, 0.5),
      plainFsyncMsP99: percentile(diskMs, 0.99),
    },
    spread: { sealMs: spreadOf(sealMs), plainFsyncMs: spreadOf(diskMs) },
    details: { rotationsPerSecond: perSecond, rotations: count },
  };
}

/** About what a sealed answer is, into space written ahead. */
const answer = Buffer.alloc(3_000, 1);
const spaceBytes = 20_480;

async function openDisk(path: string): Promise<FileHandle> {
  const file = await open(path, 'wx+', 0o600);
  await file.write(Buffer.alloc(spaceBytes));
  await file.sync();
  return file;
}

async function writePlain(file: FileHandle, clock: Clock): Promise<number> {
  const startedMs = clock.monotonic();
  await file.write(answer, 0, answer.length, 4_096);
  await file.datasync();
  return clock.monotonic() - startedMs;
}
