/**
 * Seven days without the store, for connections all of which have fallen due meanwhile and many of which have minutes left
 * when it comes back. Real sweeps, queues, leases, limiter, rotations and spool; the calendar is turned, and once the store is back
 * it is turned by what Secrets Manager's quota allows: a fortieth of a second for each write. So the machine's pace decides
 * nothing, while the real limiter keeps a larger quota in real time, to be done in seconds.
 */
import { refreshJob, runRefresh } from '../../../jobs/refresh.ts';
import { entryOf, judge, type Sighting } from '../../../src/connection/standing.ts';
import { rotationSettings, sweepSettings } from '../../../src/derive-settings.ts';
import { createRefreshWorkers } from '../../../src/queue/refresh-workers.ts';
import type { RotationPorts } from '../../../src/rotation/attempt.ts';
import type { PreparedRequest } from '../../../src/rotation/ports.ts';
import { openSpool, rotationPorts } from '../../../src/rotation-parts.ts';
import { type Clock, systemClock } from '../../../src/runtime/clock.ts';
import { seededRandom } from '../../../src/runtime/random.ts';
import { Secret } from '../../../src/runtime/secret.ts';
import { sweep } from '../../../src/schedule/sweep.ts';
import { openServices, type Services } from '../../../src/services.ts';
import { benchClient, connectionId, documentOf, managedTags, provider, versionId } from '../connections.ts';
import { createOutageStore, type OutageStore } from '../outage-store.ts';
import { configOf, setStage } from '../stage.ts';
import type { Found, PartOptions } from './part.ts';
import { openScheduler } from './rotations.ts';

const connections = 10_000;
/** Of those, so many have only minutes left when the store is back; in any other order than theirs some of them die. */
const nearDeath = 4_000;
const nearestLeftMs = 300_000;
/** Between two of their deadlines: half as long again as a refresh takes of the quota. */
const apartMs = 75;
const dayMs = 86_400_000;
const hourMs = 3_600_000;
const lifeMs = 30 * dayMs;
const outageMs = 7 * dayMs;
/** Between two sweeps while the store is away, but for the last minutes: each fails some hundred rotations. */
const outageStepMs = 8 * hourMs;
/** As the configuration has it. */
const sweepEveryMs = 10_000;
const lastSteps = 12;
/** As the configuration has it: writes a second of calendar time. */
const writesPerSecond = 40;
/** Writes a second of real time; the double's quota stands to it as AWS's does to 40. */
const realWritesPerSecond = 600;
const realQuota = (realWritesPerSecond * 50) / writesPerSecond;
/** Longest of calendar time until all must have been refreshed. */
const drainMsMax = 6 * hourMs;

interface Bench {
  readonly clock: Clock & { turn(ms: number): void };
  readonly store: OutageStore;
  readonly ports: RotationPorts;
  readonly deadlines: ReadonlyMap<string, number>;
  /** What was left of each connection's life at its first refresh, ms. */
  readonly first: ReadonlyMap<string, number>;
  requests(): number;
  /** Times a connection was queued while one with a nearer deadline stayed behind in the ready set. */
  outOfOrder(): number;
  /** One sweep, and the calendar moved on by `ms` or by what its writes took, whichever is more. */
  step(ms: number): Promise<void>;
}

export async function measureOutage(options: PartOptions): Promise<Found> {
  const { say } = options;
  const bench = await openBench(options);
  const { clock, store, deadlines, first } = bench;
  say(`${connections} connections, ${outageMs / dayMs} days without the store`);
  store.away = true;
  const backAt = clock.now() + outageMs;
  while (clock.now() < backAt - lastSteps * sweepEveryMs)
    await bench.step(Math.min(outageStepMs, backAt - lastSteps * sweepEveryMs - clock.now()));
  while (clock.now() < backAt) await bench.step(sweepEveryMs);
  const triedInVain = store.refused();
  if (triedInVain === 0 || first.size > 0) throw new Error('the store was not away');
  store.away = false;
  while (first.size < deadlines.size && clock.now() < backAt + drainMsMax) await bench.step(sweepEveryMs);
  const inTime = [...first.values()].filter((leftMs) => leftMs > 0).length;
  const drainMinutes = (clock.now() - backAt) / 60_000;
  say(`refreshed ${inTime} in time, after ${drainMinutes.toFixed(1)} minutes of the calendar`);
  return {
    figures: {
      outageMissed: deadlines.size - inTime,
      outageOutOfOrder: bench.outOfOrder(),
      outageThrottled: store.throttled(),
      outageDrainMinutes: drainMinutes,
    },
    details: {
      connections,
      nearDeath,
      daysAway: outageMs / dayMs,
      callsRefusedWhileAway: triedInVain,
      requests: bench.requests(),
      leastSecondsLeft: Math.round(Math.min(...first.values()) / 1_000),
      writes: store.writes(),
      realWritesPerSecond,
      realQuota,
    },
  };
}

async function openBench({ closers }: PartOptions): Promise<Bench> {
  const stage = await setStage(closers, { providerLatencyMs: 0 });
  const input = stage.service('outage', { concurrency: 48, writesPerSecond: realWritesPerSecond });
  const { services: opened, deps, queues } = await openScheduler(input, closers);
  const config = configOf(input);
  const random = seededRandom(7);
  let turnedMs = 0;
  /** Writes since the calendar was last turned: it goes on with them. */
  let countedWrites = 0;
  const real = systemClock();
  const startAt = real.now();
  const store = createOutageStore({ clock: real, random, writeQuota: realQuota });
  const sinceTurnMs = () => ((store.writes() - countedWrites) * 1_000) / writesPerSecond;
  const clock = {
    ...real,
    now: () => startAt + Math.round(turnedMs + sinceTurnMs()),
    turn(ms: number) {
      turnedMs += Math.max(ms, sinceTurnMs());
      countedWrites = store.writes();
    },
  };
  const services: Services = await openServices(config, { ...deps, clock }, closers);
  await services.redis.untilReached(5_000);
  const deadlines = await seed(services, store, clock.now(), random.fraction);
  const first = new Map<string, number>();
  let requests = 0;
  const spool = await openSpool(config, services, closers);
  const { clientId, clientSecret } = benchClient;
  const ports: RotationPorts = {
    ...rotationPorts(services, spool),
    store,
    registry: {
      credentials: async () => ({ clientId, clientSecret: new Secret(clientSecret) }),
      forget: () => {},
    },
    endpoint: standIn(services, clock, (refreshToken) => {
      const connection = refreshToken.split(' ')[0] ?? '';
      const leftMs = (deadlines.get(connection) ?? Number.NaN) - clock.now();
      requests += 1;
      if (!first.has(connection)) first.set(connection, leftMs);
      return leftMs > 0;
    }),
  };
  const settings = rotationSettings(config);
  const accounting = { index: services.index, log: deps.log, observe: () => {} };
  const workers = createRefreshWorkers({
    redis: services.connect('workers').redis,
    prefix: services.prefix,
    providers: [provider],
    concurrency: config.rotation.concurrency,
    lockDurationMs: settings.leaseMs,
    clock,
    logger: deps.log,
    job: refreshJob,
    run: async (job, signal) => void (await runRefresh(job, { ports, settings, accounting }, signal)),
  });
  closers.push('workers', () => workers.close());
  workers.start();
  const { due, outOfOrder } = watchedOrder(opened, deadlines);
  const sweeping = { ...services, due, queues, clock, log: deps.log };
  return {
    clock,
    store,
    ports,
    deadlines,
    first,
    requests: () => requests,
    outOfOrder,
    async step(ms) {
      const before = store.writes();
      await sweep(sweeping, sweepSettings(config));
      const most = (ms * writesPerSecond) / 1_000;
      while (store.writes() - before < most && (await queues.backlog(provider)) > 0) await real.sleep(2);
      clock.turn(ms);
    },
  };
}

/** Secrets and index as inventory would have left them: consented long ago, last refreshed by us at many times. */
async function seed(
  { index, rules }: Services,
  store: OutageStore,
  now: number,
  fraction: () => number,
): Promise<Map<string, number>> {
  const backAt = now + outageMs;
  const deadlines = Array.from({ length: connections }, (_, place) =>
    place < nearDeath ? backAt + nearestLeftMs + place * apartMs : backAt + hourMs + fraction() * 12 * dayMs,
  );
  // Neither names nor the order in the index may tell which is nearer.
  const shuffled = deadlines.map((at) => ({ at, by: fraction() })).sort((a, b) => a.by - b.by);
  const byName = new Map<string, number>();
  const sightings: Sighting[] = [];
  for (const [number, { at }] of shuffled.entries()) {
    const id = connectionId('outage', number);
    const refreshedAt = Math.round(at) - lifeMs;
    byName.set(id, refreshedAt + lifeMs);
    const version = versionId(number);
    const held = { refreshToken: `${id} 0`, accessToken: `access ${number}`, tokenType: 'Bearer' };
    const consented = { consentedAt: refreshedAt - 90 * dayMs, refreshedAt, accessTokenLifeMs: 8 * hourMs };
    const place = { environment: 'production', scope: 'signature extended' };
    const text = JSON.stringify(documentOf({ ...held, ...consented, ...place }, version));
    store.seed([{ name: id, value: text, versionId: version, createdAt: refreshedAt, tags: managedTags }]);
    const stored = { versionId: version, createdAt: refreshedAt, value: { text: new Secret(text) } };
    const stages = { [version]: ['AWSCURRENT'] };
    sightings.push({ id, tags: managedTags, stages, version: stored, known: undefined });
  }
  for (let from = 0; from < sightings.length; from += 500) {
    const batch = sightings.slice(from, from + 500);
    await index.put(batch.map((sighting) => entryOf(sighting, judge(sighting, rules, now), now)));
  }
  for (const [id, at] of byName) {
    const known = (await index.get(id))?.deadlineAt;
    if (known !== at) throw new Error(`the index holds ${known} for a deadline of ${at}`);
    break;
  }
  return byName;
}

/** The token endpoint with its real requests and answers and no network: a token is its connection's name and a number. */
function standIn(
  { endpoint }: Services,
  clock: Clock,
  alive: (refreshToken: string) => boolean,
): RotationPorts['endpoint'] {
  const tokens = new WeakMap<PreparedRequest, string>();
  let issued = 0;
  return {
    read: endpoint.read,
    prepare(subject, credentials) {
      const request = endpoint.prepare(subject, credentials);
      tokens.set(request, subject.refreshToken.reveal());
      return request;
    },
    async send(request) {
      const token = tokens.get(request) ?? '';
      const granted = alive(token);
      issued += 1;
      const body = granted
        ? {
            access_token: `access ${issued}`,
            token_type: 'Bearer',
            expires_in: 28_800,
            refresh_token: `${token.split(' ')[0]} ${issued}`,
          }
        : { error: 'invalid_grant' };
      return {
        kind: 'answered',
        answer: {
          status: granted ? 200 : 400,
          headers: { 'content-type': 'application/json' },
          body: Buffer.from(JSON.stringify(body)),
          complete: true,
          receivedAt: clock.now(),
        },
      };
    },
  };
}

/** The due index, with a look at what stays behind in the ready sets whenever something is taken out of them. */
function watchedOrder({ due, redis, prefix }: Services, deadlines: ReadonlyMap<string, number>) {
  let outOfOrder = 0;
  const deadlineOf = (id: string) => deadlines.get(id) ?? Number.NaN;
  const take: typeof due.take = async (...args) => {
    const taken = await due.take(...args);
    const farthest = Math.max(...taken.map(deadlineOf));
    for (const group of await redis.redis.smembers(`${prefix}:ready-groups`)) {
      const left = await redis.redis.zrange(`${prefix}:ready:${group}`, '0', '-1');
      if (left.some((id) => deadlineOf(id) < farthest)) outOfOrder += 1;
    }
    return taken;
  };
  return { due: { ...due, take }, outOfOrder: () => outOfOrder };
}
