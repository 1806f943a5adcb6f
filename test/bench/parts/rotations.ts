/**
 * Rotations a second of one worker process beside a bare loop of the same calls, in turns, so that a noisy machine
 * disturbs both alike. The loop is measured twice: on the SDK's client as it comes, which is what a person would write,
 * and on ours, which shows what the protocol alone costs. Everything else (double, sandbox, Redis) runs in processes of
 * its own.
 */
import { refreshJob } from '../../../jobs/refresh.ts';
import { createRefreshQueues } from '../../../src/queue/refresh-queues.ts';
import { takeInventory } from '../../../src/schedule/inventory.ts';
import { openServices, type Services } from '../../../src/services.ts';
import type { BareMeasured } from '../bare-loop.ts';
import { startChild } from '../child.ts';
import { connectionId, provider } from '../connections.ts';
import { configOf, depsOf, type ServiceInput, type Stage, setStage } from '../stage.ts';
import { median, percentile, rounded, spreadOf, steadyRate } from '../stats.ts';
import type { Measured } from '../worker.ts';
import type { Found, PartOptions } from './part.ts';

/** Many and short, service and loops in turns: what disturbs the machine for seconds then falls on all of them. */
const rounds = 12;
const perRound = 400;
/** Rotations before any is counted: the compiler's share. */
const warmUp = 600;
export const concurrency = 32;
export const providerLatencyMs = 20;

interface Round {
  readonly service: Measured;
  /** On the SDK's client as it comes. */
  readonly loop: BareMeasured;
  /** On the service's client. */
  readonly tuned: BareMeasured;
  readonly worldCpuMs: number;
  readonly redisCpuMs: number;
}

export async function measureRotations(options: PartOptions): Promise<Found> {
  const { closers, say } = options;
  const stage = await setStage(closers, { providerLatencyMs });
  const count = warmUp + rounds * perRound;
  say(`seeding ${count * 3} connections that are due`);
  await stage.world.ask('seedDue', { kind: 'due', count, managed: true });
  await stage.world.ask('seedDue', { kind: 'loop', count, managed: false });
  await stage.world.ask('seedDue', { kind: 'tuned', count, managed: false });
  const input = stage.service('worker', { concurrency });
  const scheduler = await openScheduler(input, closers);
  await scheduler.index();
  const execArgv = options.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${options.profile}`];
  const worker = await startChild('./worker.ts', { input, stdoutFile: `${stage.directory}/worker.log`, execArgv });
  closers.push('worker', () => worker.stop());
  const around = { storeUrl: stage.world.storeUrl, providerUrl: stage.world.providerUrl };
  const loop = await startChild('./bare-loop.ts', { input: { ...around, client: 'stock' }, execArgv });
  closers.push('bare loop', () => loop.stop());
  const tuned = await startChild('./bare-loop.ts', { input: { ...around, client: 'ours' }, execArgv });
  closers.push('bare loop on our client', () => tuned.stop());

  const found: Round[] = [];
  for (let round = 0; round <= rounds; round++) {
    const size = round === 0 ? warmUp : perRound;
    const from = round === 0 ? 0 : warmUp + (round - 1) * perRound;
    const before = { world: await stage.counts(), redisCpuMs: await redisCpuMs(stage) };
    const measuring = worker.ask<Measured>('measure', size);
    const ids = Array.from({ length: size }, (_, place) => connectionId('due', from + place));
    await scheduler.queues.add(
      provider,
      ids.map((connection) => ({ connection, reason: 'due' })),
    );
    const service = await measuring;
    expectAll(service, size);
    const worldCpuMs = (await stage.counts()).cpuMs - before.world.cpuMs;
    const redisUsedMs = (await redisCpuMs(stage)) - before.redisCpuMs;
    const run = { from, count: size, concurrency };
    const loopRun = await loop.ask<BareMeasured>('run', { ...run, kind: 'loop' });
    const tunedRun = await tuned.ask<BareMeasured>('run', { ...run, kind: 'tuned' });
    if (round === 0) continue;
    found.push({ service, loop: loopRun, tuned: tunedRun, worldCpuMs, redisCpuMs: redisUsedMs });
    const rate = ({ endedAtMs }: BareMeasured) => `${Math.round(steadyRate(endedAtMs))}/s`;
    say(`round ${round}: service ${rate(service)}, bare loop ${rate(loopRun)}, on our client ${rate(tunedRun)}`);
  }
  const { doubleSpends } = await stage.counts();
  if (doubleSpends > 0) throw new Error(`${doubleSpends} tokens were spent twice`);
  return summary(found);
}

function summary(rounds: readonly Round[]): Found {
  const rates = (pick: (round: Round) => BareMeasured) => rounds.map((round) => steadyRate(pick(round).endedAtMs));
  const rotationsPerSecond = rates(({ service }) => service);
  const bareLoopPerSecond = rates(({ loop }) => loop);
  const bareLoopOurClientPerSecond = rates(({ tuned }) => tuned);
  const among = (others: readonly number[]) => rotationsPerSecond.map((rate, round) => rate / (others[round] ?? 0));
  const all = {
    rotationsPerSecond,
    bareLoopPerSecond,
    ratio: among(bareLoopPerSecond),
    bareLoopOurClientPerSecond,
    ratioOurClient: among(bareLoopOurClientPerSecond),
  };
  const sealMs = rounds.flatMap(({ service }) => service.sealMs);
  const medians = Object.fromEntries(Object.entries(all).map(([key, values]) => [key, median(values)]));
  return {
    figures: {
      ...medians,
      sealFullLoadMsP50: percentile(sealMs, 0.5),
      sealFullLoadMsP99: percentile(sealMs, 0.99),
    },
    spread: Object.fromEntries(Object.entries(all).map(([key, values]) => [key, spreadOf(values)])),
    details: detailsOf(rounds),
  };
}

/** Where the time goes: enough to see which process to look at next. */
function detailsOf(rounds: readonly Round[]): Record<string, unknown> {
  const perRotation = (pick: (round: Round) => number) =>
    rounded(median(rounds.map((round) => pick(round) / perRound)));
  const medianOf = (pick: (measured: Measured) => readonly number[]) =>
    rounded(median(rounds.flatMap(({ service }) => pick(service))));
  return {
    concurrency,
    providerLatencyMs,
    rotationsPerRound: perRound,
    cpuMsPerRotation: {
      worker: perRotation(({ service }) => service.cpuMs),
      bareLoop: perRotation(({ loop }) => loop.cpuMs),
      bareLoopOurClient: perRotation(({ tuned }) => tuned.cpuMs),
      doubleAndSandbox: perRotation(({ worldCpuMs }) => worldCpuMs),
      redis: perRotation(({ redisCpuMs }) => redisCpuMs),
    },
    mainThreadBusy: {
      worker: rounded(median(rounds.map(({ service }) => service.busy))),
      bareLoop: rounded(median(rounds.map(({ loop }) => loop.busy))),
    },
    medianMs: {
      rotation: medianOf(({ totalMs }) => totalMs),
      request: medianOf(({ requestMs }) => requestMs),
      writeBack: medianOf(({ writeMs }) => writeMs),
    },
  };
}

export function expectAll({ outcomes }: Measured, count: number): void {
  if (outcomes.rotated !== count) throw new Error(`not every rotation succeeded: ${JSON.stringify(outcomes)}`);
}

/** The scheduler's side in this process: what fills the index and the queues. */
export async function openScheduler(input: ServiceInput, closers: PartOptions['closers']) {
  const deps = depsOf(input);
  const services: Services = await openServices(configOf(input), deps, closers);
  await services.redis.untilReached(5_000);
  const queueRedis = services.connect('queues');
  await queueRedis.untilReached(5_000);
  const { clock, log } = deps;
  const queues = createRefreshQueues({
    job: refreshJob,
    redis: queueRedis.redis,
    prefix: services.prefix,
    clock,
    logger: log,
  });
  closers.push('queues', () => queues.close());
  /** Fills the index from the store, as the scheduler does. */
  const index = () => takeInventory({ ...services, ...deps }, { absent: new Set() });
  return { services, deps, queues, index };
}

async function redisCpuMs({ redis }: Stage): Promise<number> {
  const info = await redis.redis.info('cpu');
  const seconds = (name: string) => Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)?.[1] ?? 0);
  return (seconds('used_cpu_user') + seconds('used_cpu_sys')) * 1_000;
}
