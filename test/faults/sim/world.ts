/**
 * The simulated world put together: kernel, store, provider, Redis and disks, the workers that come and go in it, and the
 * invariants, looked at after every event. Whoever holds it may also act on it as an operator or a customer would.
 */
import type { RotationReport } from '../../../src/rotation/outcome.ts';
import { createDice, seedOf } from './dice.ts';
import { createSimDisk, type SimDisk } from './files.ts';
import { clientName, clientSecretName, namePrefix, providerName, type SimInstall, simInstall } from './install.ts';
import { createInvariants, type Invariants, type Violation } from './invariants.ts';
import { type Chooser, createKernel, type Kernel } from './kernel.ts';
import { createPlaces, type PlaceSources, type Places } from './places.ts';
import { createSimProvider, type SimProvider } from './provider.ts';
import { changesFor, type GrantMode, grantModes, type ModeName } from './provider-modes.ts';
import { createSimQueues, type SimQueues } from './queues.ts';
import { createSimRedis, type SimRedis } from './redis.ts';
import { type SealedTokens, sealedTokens } from './sealed-tokens.ts';
import { createSimStore, type SimStore } from './store.ts';
import { type SimWorker, startWorker } from './worker.ts';

export const day = 86_400_000;

export interface SimConnection {
  readonly id: string;
  /** How long before the beginning it was consented to, and last extended, ms. */
  readonly agedMs: number;
  /** How the provider treats its grant; the world's mode unless given. */
  readonly mode?: GrantMode;
}

export interface SimWorldOptions {
  readonly chooser: Chooser;
  /** Of what the actors draw. */
  readonly seed?: number;
  /** How the provider treats tokens, and what its file says. */
  readonly mode: ModeName;
  readonly connections: readonly SimConnection[];
  readonly startAt?: number;
  readonly traceLinesMax?: number;
}

/** A report, and the life of a worker it came from. */
export interface Reported {
  readonly by: string;
  readonly report: RotationReport;
}

export interface SimWorld {
  readonly install: SimInstall;
  readonly kernel: Kernel;
  readonly store: SimStore;
  readonly provider: SimProvider;
  readonly redis: SimRedis;
  readonly queues: SimQueues;
  readonly places: Places;
  /** What lies in sealed bytes and in documents. */
  readonly sealed: SealedTokens;
  readonly connections: readonly string[];
  /** Disks that still exist. */
  readonly disks: ReadonlySet<SimDisk>;
  readonly workers: readonly SimWorker[];
  readonly reports: readonly Reported[];
  readonly violations: readonly Violation[];
  readonly windowLosses: Invariants['windowLosses'];
  newDisk(): SimDisk;
  /** The next life of a worker: of the same name, on the disk given or on an empty one. */
  start(worker: string, disk?: SimDisk): SimWorker;
  /** A pod's disk goes with all that was on it. */
  loseDisk(disk: SimDisk): void;
  /** FLUSHALL. */
  flushRedis(): void;
  /** A restart of Redis, with its data or without. */
  restartRedis(keepsData: boolean): void;
  /** The customer consents again, and the application writes it down. */
  consent(connection: string): void;
  /** What an application writes for a token that it had from a consent or refreshed by itself. */
  documentOf(token: string, consentedAt: number, refreshedAt?: number): string;
  /** Something was done to the world that is no call: the invariants look. */
  happened(name: string): void;
}

const installs = new Map<ModeName, SimInstall>();

function installFor(mode: ModeName): SimInstall {
  const known = installs.get(mode) ?? simInstall(changesFor(grantModes[mode]));
  installs.set(mode, known);
  return known;
}

/** A version id an application's SDK would draw. */
function versionId(place: number): string {
  return `application-version-${String(place).padStart(12, '0')}`;
}

/** A world with its connections consented to, nothing indexed, and no worker. */
export function createSimWorld(options: SimWorldOptions): SimWorld {
  const { chooser, seed = 0, mode, startAt = Date.parse('2026-11-20T08:00:00Z'), traceLinesMax } = options;
  const install = installFor(mode);
  const { settings, rules, keyring, environment, nameOf } = install;
  const oldest = Math.max(0, ...options.connections.map(({ agedMs }) => agedMs));
  // Consents lie before the beginning: the calendar starts there and is turned to it.
  const kernel = createKernel({
    chooser,
    startAt: startAt - oldest,
    seed,
    ...(traceLinesMax === undefined ? {} : { traceLinesMax }),
  });
  const { now, monotonic } = kernel;
  const store = createSimStore({ now, monotonic, isListed: (name) => name.startsWith(namePrefix) });
  const redis = createSimRedis({ monotonic, leaseMs: settings.leaseMs, writesPerSecond: install.writesPerSecond });
  const queues = createSimQueues(redis);
  const disks = new Set<SimDisk>();
  const workers = new Map<string, SimWorker>();
  const lives = new Map<string, number>();
  const reports: Reported[] = [];
  const violations: Violation[] = [];
  let redisLosses = 0;
  let lostAt = Number.NEGATIVE_INFINITY;
  let written = 0;

  const provider = createSimProvider({
    now,
    monotonic,
    random: createDice(seedOf(seed, 'provider')).random,
    fingerprint: rules.fingerprint,
    clients: { 'client-id': { secret: 'client-secret-0123456789', wrongSecret: 'invalid_client' } },
    requestLimitMs: settings.requestLimitMs,
    isAlive: (actor) => kernel.isAlive(actor),
    inOurHands: (connection, token) => places.of(connection).some((place) => place.token === token && reachable(place)),
    forgotten: (actor, since) => workers.get(actor)?.disk.thrownAway === true && lostAt > since,
    secondTryAfterMs: () =>
      install.provider.secondTry === 'never' ? Number.POSITIVE_INFINITY : install.provider.secondTry.after,
  });
  const { oracle } = provider;
  const reachable = ({ kind, disk }: ReturnType<Places['of']>[number]) => {
    // What is only in somebody's memory or on the wire nobody else can know of: that is the rule for requests unanswered.
    if (kind === 'foreign' || kind === 'orphan' || kind === 'worker') return false;
    const reads = ({ actor, disk: own }: SimWorker) => own === disk && actor.alive && !actor.stopped;
    return disk === undefined || [...workers.values()].some(reads);
  };

  const sealed = sealedTokens(environment, keyring);
  const sources: PlaceSources = {
    labelled: (connection) => store.labelled(nameOf(connection)),
    version: (connection, id) => store.version(nameOf(connection), id),
    disks: () => disks,
    mirrored: (connection) => redis.mirror.recordsOf(connection),
    held: (connection) => oracle.held(connection),
    sealed,
  };
  const places = createPlaces(sources);
  const connections = options.connections.map(({ id }) => id);
  const invariants = createInvariants({
    ...sources,
    ...oracle,
    places,
    connections,
    redisLosses: () => redisLosses,
    tags: (connection) => store.tags(nameOf(connection)),
    diskOf: (actor) => workers.get(actor)?.disk,
  });
  const look = (actor: string, name: string, ours: boolean) => {
    for (const violation of invariants.check({ actor, name, ours })) violations.push(violation);
  };
  // A call that had no effect, or whose caller is gone, is no longer that call: it is looked at for what it left behind.
  kernel.onEvent(({ actor, name, fate, effects }) =>
    look(actor, kernel.isAlive(actor) && effects > 0 ? name : `${fate}.${name}`, workers.has(actor)),
  );

  const documentOf = (token: string, consentedAt: number, refreshedAt = consentedAt) =>
    JSON.stringify({
      provider: providerName,
      environment: 'production',
      client: clientName,
      refresh_token: token,
      scope: 'signature extended',
      consented_at: new Date(consentedAt).toISOString(),
      refreshed_at: new Date(refreshedAt).toISOString(),
      note: "the customer's own",
    });
  const person = { actor: 'person', ours: false };
  const grant = (id: string, how: GrantMode) => {
    const { refreshToken, consentedAt } = provider.consent(id, how, person);
    const name = nameOf(id);
    const text = documentOf(refreshToken, consentedAt);
    if (store.has(name)) store.put(name, versionId(++written), text);
    else store.create(name, versionId(++written), text);
    oracle.letGo(person.actor, id);
  };
  const modeOf = new Map(options.connections.map(({ id, mode: own }) => [id, own ?? grantModes[mode]]));

  const newDisk = () => {
    const disk = createSimDisk();
    disks.add(disk);
    return disk;
  };

  let turnedMs = 0;
  for (const { id, agedMs } of [...options.connections].sort((a, b) => b.agedMs - a.agedMs)) {
    kernel.turnCalendar(oldest - agedMs - turnedMs);
    turnedMs = oldest - agedMs;
    grant(id, modeOf.get(id) ?? grantModes[mode]);
  }
  kernel.turnCalendar(oldest - turnedMs);
  store.create(
    clientSecretName,
    versionId(++written),
    JSON.stringify({ client_id: 'client-id', client_secret: 'client-secret-0123456789' }),
  );
  redis.grownUp();
  look('world', 'world.begins', false);

  const parts = {
    ...install,
    ...{ store, provider, redis, queues },
    install: environment,
    observe: (report: RotationReport, by: string) => {
      reports.push({ by, report });
      // Whatever the attempt had in its memory went with it; one that was refused the lease never began.
      if (report.outcome !== 'busy') oracle.letGo(by, report.connection);
    },
  };
  return {
    ...{
      install,
      kernel,
      store,
      provider,
      redis,
      queues,
      places,
      sealed,
      connections,
      disks,
      reports,
      violations,
      documentOf,
    },
    windowLosses: invariants.windowLosses,
    get workers() {
      return [...workers.values()];
    },
    newDisk,
    start(worker, disk = newDisk()) {
      const life = (lives.get(worker) ?? 0) + 1;
      lives.set(worker, life);
      const name = `${worker}.${life}`;
      const started = startWorker(parts, kernel.spawn(name), disk);
      workers.set(name, started);
      return started;
    },
    loseDisk(disk) {
      disk.throwAway();
      disks.delete(disk);
      look('world', 'world.disk', false);
    },
    flushRedis() {
      redisLosses += 1;
      lostAt = kernel.monotonic();
      redis.flush();
      queues.clear();
      look('world', 'world.flush', false);
    },
    restartRedis(keepsData) {
      if (!keepsData) {
        redisLosses += 1;
        lostAt = kernel.monotonic();
        queues.clear();
      }
      redis.restart(keepsData);
      look('world', 'world.redis', false);
    },
    consent(connection) {
      grant(connection, modeOf.get(connection) ?? grantModes[mode]);
      look('person', 'person.consents', false);
    },
    happened: (name) => look('world', name, false),
  };
}
