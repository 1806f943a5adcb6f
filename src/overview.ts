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

const noRecords = { records: 0, answered: 0, unreadable: 0, oldestAt: null, oldestAnsweredAt: null };

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
  const { records, answered, unreadable, oldestAt } = spool?.stats() ?? noRecords;
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
    spool: { records, answered, unreadable, oldestAt },
    breakers,
  };
}

/** Brings the gauges that show a moment up to date; asked for at each scrape. Throws redis_unavailable. */
export async function refreshGauges({ services, queues, spool }: OverviewSources, metrics: Metrics): Promise<void> {
  const { clients, due, config, deps, redis, reachable } = services;
  // What needs no Redis comes first: it may be what is away.
  const skew = reachable.skew.read();
  if (skew !== undefined) metrics.storeClockSkew(skew.skewMs);
  if (spool !== undefined) metrics.spool(spool.stats());
  const up = await redis.ping();
  metrics.redis(up);
  // Each further question would take as long to fail.
  if (!up) return metrics.queuesUnknown();
  const now = deps.clock.now();
  const [backlog, known, stats] = await Promise.all([
    due.backlog(now),
    clients.list(),
    queues.stats(Object.keys(config.providers)),
  ]);
  metrics.ready(backlog.ready);
  metrics.clients(
    known.map(({ at, health: { breaker, heldUntil } }) => ({ ...at, open: breaker === 'open', heldUntil })),
    now,
  );
  for (const queue of stats) {
    const { waiting, active, delayed, failed, oldestWaitingAt } = queue;
    metrics.queue(queue.provider, { jobs: { waiting, active, delayed, failed }, oldestWaitingAt });
  }
}
