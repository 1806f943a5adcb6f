/**
 * What `pilotlight spool` is given: this machine's spool folder and the mirror, for looking, and recovery by the service's
 * own protocol under the service's own leases. The store is asked only by recovery: it may be what is away.
 */
import type { LoadResult } from '../config/load.ts';
import type { AppOptions } from './app.ts';
import { openCommandTrail } from './audit-trail.ts';
import type { Flushed, OpenedSpool } from './cli/context.ts';
import { rotationSettings } from './derive-settings.ts';
import { account } from './rotation/account.ts';
import type { LeaseAnswer, Leases } from './rotation/ports.ts';
import { recover } from './rotation/recover.ts';
import { rotationPorts, spoolParts } from './rotation-parts.ts';
import { createClosers } from './runtime/closers.ts';
import { type Deps, openServices, type Services } from './services.ts';
import { type VisitingSpool, visitingSpool } from './spool/visiting.ts';
import { createObserver } from './telemetry/observe.ts';

const redisPatienceMs = 5_000;
/** A Redis that is new gives no lease for the length of one: waited for so long at most. */
const redisNewMsMax = 300_000;

type Refused = Extract<LeaseAnswer, { refused: unknown }>;

export async function openSpoolForCommand(
  loaded: LoadResult & { ok: true },
  deps: Deps,
  { metrics }: Pick<AppOptions, 'metrics'>,
): Promise<OpenedSpool> {
  const closers = createClosers(deps);
  try {
    const services = await openServices(loaded.config, deps, closers);
    // Without Redis the disk can still be looked at.
    await services.redis.untilReached(redisPatienceMs).catch(() => undefined);
    const parts = await spoolParts(loaded.config, services);
    closers.push('spool', () => parts.files.close());
    const spool = visitingSpool({ ...parts, clock: deps.clock });
    return {
      survey: () => spool.survey(),
      flush: () => flush(services, spool, metrics),
      close: () => closers.closeAll(),
    };
  } catch (error) {
    await closers.closeAll().catch(() => undefined);
    throw error;
  }
}

async function* flush(
  services: Services,
  spool: VisitingSpool,
  metrics: AppOptions['metrics'],
): AsyncGenerator<Flushed> {
  const { config, deps, index } = services;
  const { clock, log } = deps;
  await services.redis.untilReached(redisPatienceMs);
  const audit = openCommandTrail(services, metrics);
  try {
    const { trail } = audit;
    const accounting = { index, log, observe: createObserver(metrics, trail, () => clock.now()) };
    const refused = new Map<string, Refused>();
    const ports = rotationPorts(services, spool);
    const noting = { ...ports, leases: notingRefusals(ports.leases, refused) };
    for (const untilMs = clock.monotonic() + redisNewMsMax; ; ) {
      refused.clear();
      for await (const report of recover(noting, rotationSettings(config))) {
        await account(report, accounting);
        yield { connection: report.connection, report };
      }
      // A private Redis is new each time it is started.
      const waitMs = Math.max(0, ...[...refused.values()].map((one) => (isNew(one) ? one.retryAfterMs : 0)));
      if (waitMs === 0 || clock.monotonic() + waitMs > untilMs) break;
      deps.say(`Redis is new: no record is finished for another ${Math.ceil(waitMs / 1_000)} s; waiting.`);
      await clock.sleep(waitMs + 100);
    }
    for (const [connection, one] of refused) yield { connection, left: isNew(one) ? 'redis_new' : 'held' };
  } finally {
    audit.close();
  }
}

const isNew = ({ refused }: Refused) => refused === 'epoch_young';

/** Recovery passes over what it gets no lease for; who asks by hand wants to hear of it. */
function notingRefusals(leases: Leases, refused: Map<string, Refused>): Leases {
  return {
    async acquire(connection, options) {
      const answer = await leases.acquire(connection, options);
      if ('refused' in answer) refused.set(connection, answer);
      return answer;
    },
  };
}
