/** What watching and telling work with in one process: the memory in Redis, the queue, the channels, and what is true. */
import { longestGapMs } from '../config/cron.ts';
import { readTellJob, runTell } from '../jobs/tell.ts';
import { openChannels } from './alert-channels.ts';
import type { Channel, ChannelKind } from './alerts/channel.ts';
import { consentKey } from './alerts/condition.ts';
import type { Incident } from './alerts/incident.ts';
import type { IncidentKind } from './alerts/kinds.ts';
import { messageOf } from './alerts/message.ts';
import type { Notice, NoticeEvent } from './alerts/notice.ts';
import type { Attempts, IncidentMemory, SecretFacts } from './alerts/ports.ts';
import { createRepeater } from './alerts/repeat.ts';
import type { TellPorts } from './alerts/tell.ts';
import type { Looked, WatchPorts, WatchSettings } from './alerts/watch.ts';
import { flagTag, ownerTag, readFlag } from './connection/flag.ts';
import { entryUrgency } from './derive-settings.ts';
import { readLamps } from './overview.ts';
import { createAlertQueue, createAlertWorker } from './queue/alert-queue.ts';
import { type AttemptsWriter, createAttempts } from './queue/attempts.ts';
import { createIncidentMemory } from './queue/incidents.ts';
import type { RotationReport } from './rotation/outcome.ts';
import { stage, versionWith } from './rotation/ports.ts';
import type { Clock } from './runtime/clock.ts';
import type { Closers } from './runtime/closers.ts';
import { describeError, hasCode } from './runtime/errors.ts';
import type { Services } from './services.ts';
import type { Lamp } from './web/ports.ts';

export const snoozeTag = { until: 'pilotlight:snoozed-until', reason: 'pilotlight:snooze-reason' } as const;

export interface AlertParts {
  readonly memory: IncidentMemory;
  readonly attempts: AttemptsWriter;
  readonly channels: ReadonlyMap<string, Channel>;
  readonly notice: (incident: Incident, event: NoticeEvent) => Promise<Notice>;
}

/** A fresh link for the customer; undefined where none can be made. */
export type LinkFor = (connection: string, version: string | undefined) => string | undefined;

/** Throws config_invalid for a channel that cannot be opened. */
export async function alertParts(services: Services, linkFor: LinkFor): Promise<AlertParts> {
  const { config, deps, redis, prefix } = services;
  const attempts = createAttempts({ redis: redis.redis, prefix });
  return {
    memory: createIncidentMemory({ redis: redis.redis, prefix }),
    attempts,
    channels: await openChannels(config, { env: deps.machine.env, clock: deps.clock }),
    notice: (incident, event) => noticeOf(incident, event, services, attempts, linkFor),
  };
}

/** Channels that know an incident by its key. */
const byKey: readonly ChannelKind[] = ['pagerduty', 'alertmanager'];

/** For what a delivery reads before it sends and notes after, beside the channel's own limit. */
const aroundSendingMs = 5_000;
/** Above what the worker itself takes to let go of Redis. */
const lettingGoMsMax = 5_000;

/** What only the customer's consent ends. */
const consentKinds: readonly IncidentKind[] = [
  'reauth_required',
  'refused_near_deadline',
  'token_in_doubt',
  'absolute_limit_near',
  'cannot_be_kept',
];

async function noticeOf(
  incident: Incident,
  event: NoticeEvent,
  { config, deps, store, nameOf }: Services,
  attempts: Attempts,
  linkFor: LinkFor,
): Promise<Notice> {
  const { connection, provider } = incident.about;
  const { clock } = deps;
  const past = connection === undefined ? [] : await attempts.of(connection).catch(() => []);
  const lastAttempt = past.find(({ outcome }) => outcome !== 'rotated');
  const wantsLink = connection !== undefined && event !== 'resolved' && consentKinds.includes(incident.kind);
  // The link is bound to the version it is for, so the secret is asked; without it the message goes out all the same.
  const version = wantsLink ? await currentVersion(store, nameOf(connection)) : undefined;
  const consentLink = wantsLink ? linkFor(connection, version) : undefined;
  const title = provider === undefined ? undefined : config.providers[provider]?.title;
  return {
    id: `${incident.key}@${incident.openedAt}/${incident.sequence}`,
    key: incident.key,
    event,
    severity: incident.severity,
    openedAt: incident.openedAt,
    at: incident.toldAt,
    message: messageOf(incident, {
      now: clock.now(),
      install: config.environment,
      runbook: config.alerts.runbookUrl,
      ...(title === undefined ? {} : { providerTitle: title }),
      ...(lastAttempt === undefined ? {} : { lastAttempt }),
      ...(consentLink === undefined ? {} : { consentLink }),
    }),
  };
}

async function currentVersion(store: Services['store'], name: string): Promise<string | undefined> {
  try {
    return versionWith(stage.current, (await store.describe(name)).stages);
  } catch {
    return undefined;
  }
}

export interface Alerting {
  readonly watch: { readonly ports: WatchPorts; readonly settings: WatchSettings };
  /** Told of every look this process made. */
  readonly looked: (looked: Looked) => void;
  start(): void;
  /** For every report of a rotation. Never throws. */
  observe(report: RotationReport): void;
  /** Told by inventory; false where a channel has to be told first. */
  readonly flagVoid: (connection: string, provider: string, since: number) => Promise<boolean>;
}

export function createAlerting(
  services: Services,
  parts: AlertParts,
  told: TellPorts['told'],
  closers: Closers,
): Alerting {
  const { config, deps, connect, prefix, redis, index, clients } = services;
  const { clock, log } = deps;
  const { memory, channels } = parts;
  const queue = createAlertQueue({ redis: redis.redis, prefix, logger: log });
  closers.push('alert queue', () => queue.close());
  const deliveryMsMax = config.alerts.sendLimit + aroundSendingMs;
  const worker = createAlertWorker({
    redis: connect('workers').redis,
    prefix,
    logger: log,
    clock,
    deliveryMsMax,
    read: readTellJob,
    run: (job, signal) => runTell(job, { ...parts, clock, log, ...(told === undefined ? {} : { told }) }, signal),
  });
  closers.push('alert worker', () => worker.close(), deliveryMsMax + lettingGoMsMax);
  const unchangedMs = lampWatcher(clock);
  const routes = config.alerts.routes as WatchSettings['routes'];
  const repeat = createRepeater({ ...parts, routes, clock, log });
  return {
    start: () => worker.start(),
    looked: ({ open }) => {
      repeat(open).catch((error: unknown) => log.warn('alert.not_repeated', describeError(error)));
    },
    flagVoid: async (connection, provider, since) => {
      if (channels.size === 0) return true;
      await memory.recall(consentKey(config.environment, connection), { connection, provider, since });
      return false;
    },
    observe(report) {
      const { connection, at, foreign } = report;
      const now = clock.now();
      const failed = (error: unknown) => log.warn('alert.not_noted', { connection, ...describeError(error) });
      parts.attempts.note(report, now).catch(failed);
      if (foreign === 'refreshed' || foreign === 'version_taken' || foreign === 'restored_spent_token')
        memory.noteForeign(connection, at?.provider ?? '', now).catch(failed);
    },
    watch: {
      settings: {
        install: config.environment,
        urgencyOf: entryUrgency(config),
        flapGuardMs: config.alerts.flapGuard,
        remindMs: config.alerts.remindAfter,
        digestAtMs: config.alerts.digestAt,
        restMs: longestGapMs(config.alerts.watch) / 2,
        channels: [...channels.keys()],
        providers: Object.keys(config.providers),
        deduplicating: [...channels.values()].filter(({ kind }) => byKey.includes(kind)).map(({ name }) => name),
        routes,
      },
      ports: {
        index,
        memory,
        queue,
        clock,
        log,
        async facts() {
          const lamps = await readLamps(services);
          return {
            clients: await clients.list(),
            lamps: lamps.map((lamp) => ({ ...lamp, unchangedMs: unchangedMs(lamp) })),
          };
        },
        secretFacts: (connection) => secretFacts(services, connection),
        forgetClient: (client) => clients.forget(client),
        consentEnded: (connection) => clearVoidFlag(services, connection),
      },
    },
  };
}

/** For how long each lamp has not changed under our eyes. */
function lampWatcher(clock: Clock) {
  const seen = new Map<string, { readonly lastAt: number | null; readonly sinceMs: number }>();
  return ({ name, lastAt }: Pick<Lamp, 'name' | 'lastAt'>): number => {
    const before = seen.get(name);
    const now = before?.lastAt === lastAt ? before : { lastAt, sinceMs: clock.monotonic() };
    seen.set(name, now);
    return clock.monotonic() - now.sinceMs;
  };
}

async function secretFacts({ store, nameOf }: Services, connection: string): Promise<SecretFacts> {
  const { tags } = await store.describe(nameOf(connection));
  const until = Date.parse(tags[snoozeTag.until] ?? '');
  return {
    ...(tags[ownerTag] === undefined ? {} : { owner: tags[ownerTag] }),
    ...(Number.isNaN(until) ? {} : { snoozedUntil: until, snoozeReason: tags[snoozeTag.reason] ?? '' }),
  };
}

/** Every channel knows that the connection lives again: its flag has done its work. One written anew since stays. */
async function clearVoidFlag({ store, nameOf, deps }: Services, connection: string): Promise<boolean> {
  try {
    const { tags, stages } = await store.describe(nameOf(connection));
    const flag = readFlag(tags);
    if (flag === undefined || stages[flag.version]?.includes(stage.current) === true) return true;
    const done = [...Object.values(flagTag), ...Object.values(snoozeTag)].filter((key) => key in tags);
    await store.untag(nameOf(connection), done);
    deps.log.info('flag.cleared', { connection });
    return true;
  } catch (error) {
    // A secret that is gone needs no clearing; anything else is tried again at the next look.
    if (hasCode(error, 'store_not_found', 'store_deleted')) return true;
    deps.log.warn('flag.clear_failed', { connection, ...describeError(error) });
    return false;
  }
}
