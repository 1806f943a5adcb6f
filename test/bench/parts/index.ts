/** What the index costs in Redis, and how long a sweep takes that finds nothing due. */
import { sweepSettings } from '../../../src/derive-settings.ts';
import { sweep } from '../../../src/schedule/sweep.ts';
import { idleEntries } from '../connections.ts';
import { configOf, setStage } from '../stage.ts';
import { median, percentile, spreadOf } from '../stats.ts';
import type { Found, PartOptions } from './part.ts';
import { openScheduler } from './rotations.ts';

const sizes = { default: 100_000, long: 1_000_000 } as const;
const sweeps = 200;
const warmUp = 20;

export async function measureIndex(options: PartOptions): Promise<Found> {
  const small = await measureSize(sizes.default, options);
  const figures = { redisBytesPerConnection: small.bytesPerConnection, sweepIdleMs: small.sweepMs };
  const spread = { sweepIdleMs: spreadOf(small.allMs) };
  const details = { connections: sizes.default, sweepIdleMsP99: percentile(small.allMs, 0.99) };
  if (!options.long) return { figures, spread, details };
  const large = await measureSize(sizes.long, options);
  return {
    figures: {
      ...figures,
      redisBytesPerConnectionAtMillion: large.bytesPerConnection,
      sweepIdleMsAtMillion: large.sweepMs,
    },
    spread: { ...spread, sweepIdleMsAtMillion: spreadOf(large.allMs) },
    details,
  };
}

async function measureSize(connections: number, { closers, say }: PartOptions) {
  const stage = await setStage(closers, { providerLatencyMs: 0 });
  const input = stage.service('scheduler');
  const { services, deps, queues } = await openScheduler(input, closers);
  const usedBytes = async () =>
    Number(/used_memory:(\d+)/.exec(await stage.redis.redis.info('memory'))?.[1] ?? Number.NaN);
  const before = await usedBytes();
  say(`indexing ${connections} connections`);
  for (const batch of idleEntries('idle', connections, deps.clock.now())) await services.index.put(batch);
  const bytesPerConnection = ((await usedBytes()) - before) / connections;

  const ports = { ...services, ...deps, queues };
  const settings = sweepSettings(configOf(input));
  const allMs: number[] = [];
  for (let round = 0; round < warmUp + sweeps; round++) {
    const { durationMs, promoted, enqueued, probes } = await sweep(ports, settings);
    if (promoted + enqueued + probes > 0) throw new Error('something was due in an index where nothing is');
    if (round >= warmUp) allMs.push(durationMs);
  }
  return { bytesPerConnection, sweepMs: median(allMs), allMs };
}
