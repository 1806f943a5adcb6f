/** What the status page, the metrics and `status` say beside the connections themselves: gathered where it is known. */
import { longestGapMs } from '../config/cron.ts';
import type { RefreshQueuesHandle } from './queue/refresh-queues.ts';
import type { Spool } from './rotation/ports.ts';
import type { Services } from './services.ts';
import type { Metrics } from './telemetry/metrics.ts';
import type { Lamp, Overview } from './web/ports.ts';

export interface OverviewSources {
  readonly services: Services;
  readonly queues: RefreshQueuesHandle;
  /** Undefined in a process that rotates nothing. */
  readonly spool: Spool | undefined;
}

const noRecords = { records: 0, answered: 0, unreadable: 0, oldestAt: null };

/** The scheduler's lamps: when each run last came to its end, and how often it should. Throws redis_unavailable. */
export async function readLamps({ lamps, config }: Pick<Services, 'lamps' | 'config'>): Promise<Lamp[]> {
  const ran = await lamps.read();
  return (['sweep', 'inventory'] as const).map((name) => ({
    name,
    lastAt: ran.get(name) ?? null,
    everyMs: longestGapMs(config.schedule[name]),
  }));
}

export async function overviewFacts({
  services,
  queues,
  spool,
}: OverviewSources): Promise<Omit<Overview, 'now' | 'census'>> {
  const { clients, due, config, deps } = services;
  const backlog = await due.backlog(deps.clock.now());
  const stats = await queues.stats(Object.keys(config.providers));
  const breakers = (await clients.list())
    .filter(({ health }) => health.breaker === 'open')
    .map(({ at, health }) => ({
      at,
      reason: health.breakerReason,
      openedAt: health.openedAt,
      nextProbeAt: health.nextProbeAt,
    }));
  return {
    lamps: await readLamps(services),
    backlog: { ...backlog, queued: stats.reduce((sum, queue) => sum + queue.waiting + queue.active, 0) },
    spool: spool?.stats() ?? noRecords,
    breakers,
  };
}

/** Brings the gauges that show a moment up to date; asked for at each scrape. */
export async function refreshGauges({ services, queues, spool }: OverviewSources, metrics: Metrics): Promise<void> {
  const { clients, due, config, deps, redis } = services;
  if (spool !== undefined) metrics.spool(spool.stats());
  metrics.redis(await redis.ping());
  metrics.ready((await due.backlog(deps.clock.now())).ready);
  metrics.breakers((await clients.list()).map(({ at, health }) => ({ ...at, open: health.breaker === 'open' })));
  for (const queue of await queues.stats(Object.keys(config.providers))) {
    const { waiting, active, delayed, failed, oldestWaitingAt } = queue;
    metrics.queue(queue.provider, { jobs: { waiting, active, delayed, failed }, oldestWaitingAt });
  }
}
