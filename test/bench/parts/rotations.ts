/**
 * Rotations a second of one worker process beside a bare loop of the same calls, in turns, so that a noisy machine
 * disturbs both alike. Everything else (double, sandbox, Redis) runs in other processes.
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
const rounds = 9;
const perRound = 700;
/** Rotations before any is counted: the compiler's share. */
const warmUp = 600;
export const concurrency = 32;
export const providerLatencyMs = 20;

interface Round {
  readonly service: Measured;
  readonly bare: BareMeasured;
  readonly stock: BareMeasured;
  readonly worldCpuMs: number;
  readonly redisCpuMs: number;
}

export async function measureRotations(options: PartOptions): Promise<Found> {
  const { closers, say } = options;
  const stage = await setStage(closers, { providerLatencyMs });
  const count = warmUp + rounds * perRound;
  say(`seeding ${count * 3} connections that are due`);
  await stage.world.ask('seedDue', { kind: 'due', count, managed: true });
  await stage.world.ask('seedDue', { kind: 'bare', count, managed: false });
  await stage.world.ask('seedDue', { kind: 'stock', count, managed: false });
  const input = stage.service('worker', { concurrency });
  const scheduler = await openScheduler(input, closers);
  await scheduler.index();
  const execArgv = options.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${options.profile}`];
  const worker = await startChild('./worker.ts', { input, stdoutFile: `${stage.directory}/worker.log`, execArgv });
  closers.push('worker', () => worker.stop());
  const bareInput = { storeUrl: stage.world.storeUrl, providerUrl: stage.world.providerUrl };
  const bare = await startChild('./bare-loop.ts', { input: { ...bareInput, client: 'ours' }, execArgv });
  closers.push('bare loop', () => bare.stop());
  const stock = await startChild('./bare-loop.ts', { input: { ...bareInput, client: 'stock' } });
  closers.push('bare loop with the SDK as it comes', () => stock.stop());

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
    const bareRun = await bare.ask<BareMeasured>('run', { kind: 'bare', from, count: size, concurrency });
    const stockRun = await stock.ask<BareMeasured>('run', { kind: 'stock', from, count: size, concurrency });
    if (round === 0) continue;
    found.push({ service, bare: bareRun, stock: stockRun, worldCpuMs, redisCpuMs: redisUsedMs });
    say(
      `round ${round}: service ${rounded(steadyRate(service.endedAtMs))}/s, bare loop ${rounded(steadyRate(bareRun.endedAtMs))}/s, with the SDK as it comes ${rounded(steadyRate(stockRun.endedAtMs))}/s`,
    );
  }
  const { doubleSpends } = await stage.counts();
  if (doubleSpends > 0) throw new Error(`${doubleSpends} tokens were spent twice`);
  return summary(found);
}

function summary(rounds: readonly Round[]): Found {
  const service = rounds.map((round) => steadyRate(round.service.endedAtMs));
  const bare = rounds.map((round) => steadyRate(round.bare.endedAtMs));
  const stock = rounds.map((round) => steadyRate(round.stock.endedAtMs));
  const ratio = service.map((rate, round) => rate / (bare[round] ?? Number.NaN));
  const ratioStock = service.map((rate, round) => rate / (stock[round] ?? Number.NaN));
  const seals = rounds.flatMap((round) => round.service.sealMs);
  const each = (pick: (round: Round) => number) => rounded(median(rounds.map((round) => pick(round) / perRound)));
  const ofAll = (pick: (measured: Measured) => readonly number[]) =>
    rounded(median(rounds.flatMap((round) => pick(round.service))));
  return {
    figures: {
      rotationsPerSecond: median(service),
      bareLoopPerSecond: median(bare),
      ratio: median(ratio),
      bareLoopStockSdkPerSecond: median(stock),
      ratioStockSdk: median(ratioStock),
      sealFullLoadMsP50: percentile(seals, 0.5),
      sealFullLoadMsP99: percentile(seals, 0.99),
    },
    spread: {
      rotationsPerSecond: spreadOf(service),
      bareLoopPerSecond: spreadOf(bare),
      ratio: spreadOf(ratio),
      bareLoopStockSdkPerSecond: spreadOf(stock),
      ratioStockSdk: spreadOf(ratioStock),
    },
    details: {
      concurrency,
      providerLatencyMs,
      rotationsPerRound: perRound,
      cpuMsPerRotation: {
        worker: each((round) => round.service.cpuMs),
        bareLoop: each((round) => round.bare.cpuMs),
        bareLoopStockSdk: each((round) => round.stock.cpuMs),
        doubleAndSandbox: each((round) => round.worldCpuMs),
        redis: each((round) => round.redisCpuMs),
      },
      mainThreadBusy: {
        worker: rounded(median(rounds.map(({ service }) => service.busy))),
        bareLoop: rounded(median(rounds.map(({ bare }) => bare.busy))),
      },
      medianMs: {
        rotation: ofAll(({ totalMs }) => totalMs),
        request: ofAll(({ requestMs }) => requestMs),
        writeBack: ofAll(({ writeMs }) => writeMs),
      },
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
