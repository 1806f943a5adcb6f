/**
 * What commands are given of a running or absent service: the store, the index in the service's Redis or in a private one
 * filled by one inventory, and ways to look, explain and act that take the same paths as the service itself.
 */
import type { LoadResult } from '../config/load.ts';
import { type App, type AppOptions, startApp } from './app.ts';
import type { Opened } from './cli/context.ts';
import { entryOf, judge, sightingOf } from './connection/standing.ts';
import { entryUrgency } from './derive-settings.ts';
import { diagnose } from './diagnose.ts';
import { explain } from './explain.ts';
import { openQueues } from './open-queues.ts';
import { openAlerts } from './opened-alerts.ts';
import { overviewFacts } from './overview.ts';
import type { RefreshQueuesHandle } from './queue/refresh-queues.ts';
import { createReports } from './queue/reports.ts';
import { stage } from './rotation/ports.ts';
import { createClosers } from './runtime/closers.ts';
import { hasCode, PilotlightError } from './runtime/errors.ts';
import { takeInventory } from './schedule/inventory.ts';
import { type Deps, openServices, type Services } from './services.ts';
import { createStatusReader } from './web/status-reader.ts';

/** A scheduler whose last sweep is older than this does not run. */
const serviceSilentMs = 60_000;
/** Longest a refresh by hand is waited for: a lease may have to end first. */
const refreshWaitMs = 300_000;
const redisPatienceMs = 5_000;

export async function openForCommand(
  loaded: LoadResult & { ok: true },
  deps: Deps,
  appOptions: Omit<AppOptions, 'role' | 'deps'>,
  purpose?: 'diagnosis',
): Promise<Opened> {
  const closers = createClosers(deps);
  const { config } = loaded;
  const { clock, log } = deps;
  try {
    const services = await openServices(config, deps, closers);
    const reached = services.redis.untilReached(redisPatienceMs);
    // Doctor says in its turn what is not there, and leaves the index as it is.
    await (purpose === undefined ? reached : reached.catch(() => undefined));
    const queues = await openQueues(services, closers, purpose === undefined ? redisPatienceMs : 1);
    const sweptAt = purpose === undefined ? ((await services.lamps.read()).get('sweep') ?? 0) : 0;
    const serviceRuns = clock.now() - sweptAt < serviceSilentMs;
    if (!serviceRuns && purpose === undefined) await takeInventory({ ...services, clock, log }, { absent: new Set() });
    const status = createStatusReader({
      index: services.index,
      clock,
      facts: () => overviewFacts({ services, queues, spool: undefined }),
      urgencyOf: entryUrgency(config),
    });
    const reports = createReports({ redis: services.redis.redis, prefix: services.prefix, clock });
    return {
      ...services,
      serviceRuns,
      status: (query) => status.read(query),
      inspect: (id) => inspect(services, id),
      async explain(id) {
        const { standing } = await inspect(services, id);
        return explain(services, id, standing);
      },
      async *refresh(ids) {
        // Without a service this process does the work itself, on the same lease, spool and queues.
        let worker: App | undefined;
        try {
          if (!serviceRuns)
            worker = await startApp(
              { ...config, web: { ...config.web, port: 0, healthPort: undefined } },
              { ...appOptions, role: 'worker', deps },
            );
          for (const id of ids) yield await refreshOne(services, queues, reports, id);
        } finally {
          await worker?.stop();
        }
      },
      revoke: (id) => revoke(services, id),
      adopt: (ids) => adopt(services, ids),
      release: (id) => release(services, id),
      diagnose: () => diagnose(services),
      alerts: () => openAlerts(services),
      close: () => closers.closeAll(),
    };
  } catch (error) {
    await closers.closeAll().catch(() => undefined);
    throw error;
  }
}

async function refreshOne(
  services: Services,
  queues: RefreshQueuesHandle,
  reports: ReturnType<typeof createReports>,
  connection: string,
) {
  try {
    const { standing } = await inspect(services, connection);
    if (!standing.usable) return { connection, problem: `its secret cannot be used: ${standing.reason}` };
    const { clock, say } = services.deps;
    for (const untilMs = clock.monotonic() + refreshWaitMs; ; ) {
      await reports.forget(connection);
      await queues.add(standing.at.provider, [{ connection, reason: 'manual' }]);
      const report = await reports.wait(connection, Math.max(untilMs - clock.monotonic(), 1));
      if (report === undefined)
        return { connection, problem: 'no worker has taken it within 5 minutes; see pilotlight status' };
      const waitMs = report.reason === 'redis_new' ? (report.entry?.nextAt ?? 0) - clock.now() : 0;
      if (waitMs <= 0 || clock.monotonic() + waitMs > untilMs) return { connection, report };
      say(`Redis is new: nothing is refreshed for another ${Math.ceil(waitMs / 1_000)} s; waiting.`);
      await clock.sleep(waitMs + 100);
    }
  } catch (error) {
    if (!(error instanceof PilotlightError)) throw error;
    return { connection, problem: error.message };
  }
}

async function inspect({ store, nameOf, index, rules, deps }: Services, id: string) {
  const name = nameOf(id);
  try {
    const sighting = sightingOf(
      id,
      await store.describe(name),
      await store.read(name, { stage: stage.current }),
      await index.get(id),
    );
    return { sighting, standing: judge(sighting, rules, deps.clock.now()) };
  } catch (error) {
    if (!hasCode(error, 'store_not_found')) throw error;
    throw new PilotlightError('not_found', `there is no connection ${id}: pilotlight list shows all`, { cause: error });
  }
}

async function revoke(services: Services, id: string): ReturnType<Opened['revoke']> {
  const { standing } = await inspect(services, id);
  if (!standing.usable)
    throw new PilotlightError('refused', `connection ${id} cannot be revoked: its secret is ${standing.reason}`);
  const { document, provider, at } = standing;
  const { clientId, clientSecret } = await services.registry.credentials(at.client);
  const answer = await services.endpoint.revoke(
    {
      provider,
      environment: document.environment,
      token: document.refreshToken,
      ...(document.apiAccessPoint === undefined ? {} : { apiAccessPoint: document.apiAccessPoint }),
      ...(document.dataCenter === undefined ? {} : { dataCenter: document.dataCenter }),
    },
    { clientId, ...(clientSecret === undefined ? {} : { clientSecret }) },
  );
  switch (answer.kind) {
    case 'revoked':
      return { kind: 'revoked' };
    case 'alreadyDead':
      return { kind: 'already_dead', error: answer.error };
    case 'unsupported':
      return { kind: 'not_offered', provider, at };
    case 'refused':
      return { kind: 'refused', error: answer.error ?? `HTTP ${answer.status}` };
    case 'failed':
      return { kind: answer.sent ? 'unanswered' : 'not_sent' };
    default:
      return answer satisfies never;
  }
}

/** What inventory would find at its next pass, found now. */
async function adopt(services: Services, ids: readonly string[]): Promise<void> {
  const now = services.deps.clock.now();
  for (const id of ids) {
    // Whatever the service has learnt meanwhile is newer than what we would write.
    if ((await services.index.get(id)) !== undefined) continue;
    const { sighting, standing } = await inspect(services, id);
    await services.index.put([entryOf(sighting, standing, now)]);
  }
}

/** The secret stays; it is only no longer ours to keep alive. */
async function release({ store, nameOf, index, config }: Services, id: string): Promise<void> {
  const { find } = config.store;
  if (!('tag' in find))
    throw new PilotlightError(
      'refused',
      'connections are found by name prefix here: delete or rename the secret to stop keeping it alive',
    );
  await store.untag(nameOf(id), [find.tag.key]);
  await index.remove([id]);
}
