/**
 * The small world of the exhaustive search: one connection, due; two workers, each with a disk; Redis, a store and a
 * provider; and one foreign writer. Everything an actor has heard is kept as one number: a deterministic program that has
 * heard the same is in the same state, so that two worlds alike in all numbers go on alike.
 */
import type { IndexEntry } from '../../../src/connection/entry.ts';
import type { Clock } from '../../../src/runtime/clock.ts';
import { Secret } from '../../../src/runtime/secret.ts';
import type { Calls } from '../sim/call.ts';
import { createSimDisk, type SimDisk } from '../sim/files.ts';
import { clientName, clientSecretName, providerName, type SimInstall, simInstall } from '../sim/install.ts';
import { createInvariants, type Invariants, type Violation } from '../sim/invariants.ts';
import { type Actor, type Chooser, createKernel, type Kernel } from '../sim/kernel.ts';
import { createPlaces } from '../sim/places.ts';
import { createSimProvider, type SimProvider } from '../sim/provider.ts';
import { changesFor, grantModes, type ModeName } from '../sim/provider-modes.ts';
import { createSimQueues, type SimQueues } from '../sim/queues.ts';
import { createSimRedis, type SimRedis } from '../sim/redis.ts';
import { type Sealed, type SealedTokens, sealedTokens } from '../sim/sealed-tokens.ts';
import { createSimStore, type SimStore } from '../sim/store.ts';
import { type SimWorker, startWorker, type WorkerParts } from '../sim/worker.ts';
import { canon, digestOf } from './canon.ts';
import { createLooks } from './looks.ts';

export const connection = 'one';
const startAt = 1_790_000_000_000;
const day = 86_400_000;
const clientId = 'exhaustive';
const clientSecret = 'exhaustive-secret';

/** A place where a worker's process lives: its disk outlives it. */
export interface Slot {
  readonly name: string;
  readonly disk: SimDisk;
  lives: number;
  worker: SimWorker;
}

export interface SmallWorld {
  readonly mode: ModeName;
  readonly install: SimInstall;
  readonly kernel: Kernel;
  readonly store: SimStore;
  readonly provider: SimProvider;
  readonly redis: SimRedis;
  readonly queues: SimQueues;
  readonly slots: readonly Slot[];
  readonly invariants: Invariants;
  readonly violations: readonly Violation[];
  /** What workers reported: outcomes, and which foreign writes they met; and `staleSpend`. */
  readonly reported: ReadonlySet<string>;
  /** The foreign writer, or whoever else is no worker. */
  foreigner(name: string): Actor;
  /** The index is as an inventory left it. */
  indexed(): Promise<void>;
  /** A new process where one died. */
  restart(slot: Slot): void;
  /**
   * Something done to the world that is no call; answers when it is over. A lease is lost by standing still: its owner, and
   * whoever else has something in mind, hear of nothing until it has ended, and then go on as if nothing had been.
   */
  befall(name: 'lease.lost' | 'redis.flush'): number;
  /**
   * An actor has come to the end of a job: of what it heard in it there is left what every process keeps between jobs
   * (the records of its spool, which are on its disk; what it has learnt), and nothing else decides what it does next.
   */
  jobOver(actor: string): void;
  /** Another connection of the same client is refreshed: what confirms a suspicion. */
  otherSucceeds(): void;
  isWorker(actor: string): boolean;
  leaseHeld(): boolean;
  clientOf(): { readonly clientId: string; readonly clientSecret: Secret };
  /** All that decides how the world goes on. */
  key(): string;
}

const installs = new Map<ModeName, SimInstall>();
/** What the inventory makes of the connection, by mode: the same in every run. */
const firstEntries = new Map<ModeName, IndexEntry>();

function installOf(mode: ModeName): SimInstall {
  const known = installs.get(mode);
  if (known !== undefined) return known;
  // Little room for an answer: most of what a schedule costs would be zeros written to a disk.
  const made = { ...simInstall(changesFor(grantModes[mode])), answerSpaceBytes: 512 };
  installs.set(mode, made);
  return made;
}

const opened = new WeakMap<SimInstall, SealedTokens>();

/** Every run makes the same records again: they are opened once for all of them. */
function sealedOf(install: SimInstall): SealedTokens {
  const known = opened.get(install);
  if (known !== undefined) return known;
  const { inRecord, inValue } = sealedTokens(install.environment, install.keyring);
  const records = new Map<string, Sealed | undefined>();
  const made: SealedTokens = {
    inValue,
    inRecord(bytes, layout) {
      const key = `${layout} ${canon(bytes)}`;
      if (!records.has(key)) records.set(key, inRecord(bytes, layout));
      return records.get(key);
    },
  };
  opened.set(install, made);
  return made;
}

/** What an actor has heard, and what of it outlives the job it heard it in. */
interface Memory {
  readonly heard: string[];
  /** Errors, and what is learnt once: that the store can be written, and the client's secret. */
  readonly learnt: Set<string>;
}

/** An actor that keeps account of all it hears: answers, errors, and that a wait is over. */
function remembering(actor: Actor, memories: Map<string, Memory>): Actor {
  const memory: Memory = { heard: [], learnt: new Set() };
  memories.set(actor.name, memory);
  const note = (what: string) => void memory.heard.push(what);
  const calls: Calls = (call) => {
    const what = `${call.name} ${call.about ?? ''}`;
    return actor.calls(call).then(
      (value) => {
        note(`${what} ${canon(value)}`);
        if (call.name === 'store.put' || call.about?.startsWith(clientSecretName)) memory.learnt.add(call.name);
        return value;
      },
      (error: unknown) => {
        note(`${what} ${canon(error)}`);
        memory.learnt.add(`${call.name} failed`);
        throw error;
      },
    );
  };
  const clock: Clock = {
    ...actor.clock,
    sleep: (ms, signal) => actor.clock.sleep(ms, signal).then(() => note(`slept ${ms}`)),
  };
  return Object.create(actor, { calls: { value: calls }, clock: { value: clock } }) as Actor;
}

/** As it is before anybody has done anything; the connection has been due for a day. */
export function createSmallWorld(mode: ModeName, chooser: Chooser, traceLinesMax: number): SmallWorld {
  const install = installOf(mode);
  const { settings, nameOf } = install;
  const kernel = createKernel({ chooser, startAt, traceLinesMax });
  const { now, monotonic } = kernel;
  const memories = new Map<string, Memory>();
  const store = createSimStore({ now, monotonic, isListed: (name) => name.startsWith(nameOf('')) });
  const redis = createSimRedis({ monotonic, leaseMs: settings.leaseMs, paced: false });
  const queues = createSimQueues(redis);
  const disks: SimDisk[] = [createSimDisk(), createSimDisk()];
  const sealed = sealedOf(install);
  const places = createPlaces({
    labelled: (id) => store.labelled(nameOf(id)),
    version: (id, versionId) => store.version(nameOf(id), versionId),
    disks: () => disks,
    mirrored: (id) => redis.mirror.recordsOf(id),
    held: (id) => provider.oracle.held(id),
    sealed,
  });
  const { secondTry } = install.provider;
  const diskOf = (actor: string) => slots.find(({ name }) => actor.startsWith(`${name}.`))?.disk;
  /** Whose request the provider has before it. */
  let asking = '';
  const looks = createLooks({
    labelled: () => store.labelled(nameOf(connection)),
    tokenOf: ({ value }) => sealed.inValue(value),
    leaseOwner: () => redis.leases.ownerOf(connection),
  });
  const provider = createSimProvider({
    now,
    monotonic,
    random: kernel.spawn('provider').random,
    fingerprint: install.rules.fingerprint,
    clients: { [clientId]: { secret: clientSecret, wrongSecret: 'invalid_client' } },
    isAlive: kernel.isAlive,
    // What whoever asks could have known: the mirror, what lies on its own disk, and the store as it was at its last look.
    inOurHands: (id, token) =>
      places.of(id).some(({ kind, where, disk, token: found }) => {
        if (found !== token || kind === 'foreign' || kind === 'worker' || kind === 'orphan') return false;
        if (kind === 'mirror') return true;
        if (kind === 'disk') return disk === diskOf(asking);
        return looks.of(asking)?.versions.has(where) ?? true;
      }),
    // No disk is ever lost here.
    forgotten: () => false,
    secondTryAfterMs: () => (typeof secondTry === 'object' ? secondTry.after : undefined),
  });
  const { oracle } = provider;
  let flushes = 0;
  const invariants = createInvariants({
    connections: [connection],
    places,
    sealed,
    labelled: (id) => store.labelled(nameOf(id)),
    mirrored: (id) => redis.mirror.recordsOf(id),
    tags: (id) => store.tags(nameOf(id)),
    redisLosses: () => flushes,
    diskOf,
    accepted: oracle.accepted,
    givenTo: oracle.givenTo,
    forgiving: oracle.forgiving,
    orderOf: oracle.orderOf,
    doubleSpends: oracle.doubleSpends,
    revokedByUs: oracle.revokedByUs,
    lastPost: oracle.lastPost,
  });
  const violations: Violation[] = [];
  const reported = new Set<string>();
  const ours = (actor: string) => slots.some(({ name }) => actor.startsWith(`${name}.`));
  kernel.onEvent(({ actor, name }) => {
    const look = looks.of(actor);
    looks.note(actor, name);
    for (const violation of invariants.check({ actor, name, ours: ours(actor) })) {
      // Whoever stands still between its last look and its request for longer than its lease: nobody can keep it from
      // spending what another has spent meanwhile. Counted; what it must not do is lose anything by it.
      const stale = look?.ours === true && redis.leases.ownerOf(connection) !== actor;
      if (violation.property === 'doubleSpends' && stale) reported.add('staleSpend');
      else violations.push(violation);
    }
    if (name !== 'provider.request' || !ours(actor)) return;
    const what = looks.objection(look, oracle.presentations(connection).at(-1)?.token);
    if (what !== undefined) violations.push({ property: 'postWithoutIntent', connection, what: `${actor} ${what}` });
  });

  const parts: Omit<WorkerParts, 'provider'> = {
    store,
    redis,
    queues,
    ...install,
    install: install.environment,
    observe(report, by) {
      oracle.letGo(by, connection);
      reported.add(report.outcome);
      if (report.foreign !== undefined) reported.add(report.foreign);
      const entry = report.entry === undefined ? '' : `, ${report.entry.state} ${report.entry.reason}`;
      kernel.trace.note(monotonic(), `${by} ${report.asked}: ${report.outcome} ${report.reason}${entry}`);
    },
  };
  function start(name: string, lives: number, disk: SimDisk): SimWorker {
    const actor = remembering(kernel.spawn(`${name}.${lives}`), memories);
    const bind = (calls: Calls) =>
      provider.bind(announcing(calls), { actor: actor.name, ours: true, now: () => actor.clock.now() });
    const announcing =
      (calls: Calls): Calls =>
      (call) =>
        calls({
          ...call,
          effect: () => {
            asking = actor.name;
            return call.effect();
          },
        });
    return startWorker({ ...parts, provider: { bind } }, actor, disk);
  }

  store.create(clientSecretName, 'v-client', JSON.stringify({ client_id: clientId, client_secret: clientSecret }));
  const { refreshToken, consentedAt } = provider.consent(connection, grantModes[mode], {
    actor: 'provider',
    ours: false,
  });
  const document = {
    provider: providerName,
    environment: install.environment,
    client: clientName,
    refresh_token: refreshToken,
    scope: 'signature extended',
    consented_at: new Date(consentedAt).toISOString(),
    refreshed_at: new Date(consentedAt).toISOString(),
  };
  store.create(nameOf(connection), 'v-first', JSON.stringify(document), { 'pilotlight:managed': 'true' });
  oracle.letGo('provider', connection);
  kernel.turnCalendar(12 * day);
  redis.grownUp();
  const elsewhere = kernel.spawn('another connection');
  const other = redis.bind(elsewhere.calls, elsewhere.clock, elsewhere.name);
  const slots: Slot[] = disks.map((disk, place) => {
    const name = place === 0 ? 'a' : 'b';
    return { name, disk, lives: 1, worker: start(name, 1, disk) };
  });

  const jobOver = (actor: string) => {
    const memory = memories.get(actor);
    if (memory !== undefined) memory.heard.splice(0, memory.heard.length, 'between jobs');
  };

  return {
    mode,
    install,
    kernel,
    store,
    provider,
    redis,
    queues,
    slots,
    invariants,
    violations,
    reported,
    foreigner: (name) => remembering(kernel.spawn(name), memories),
    async indexed() {
      const known = firstEntries.get(mode);
      const { index } = redis.bind(async (call) => call.effect(), elsewhere.clock, elsewhere.name);
      if (known === undefined) void slots[0]?.worker.inventory();
      else await index.put([known]);
      await kernel.run();
      const entry = redis.index.entries.get(connection);
      if (entry === undefined) throw new Error('the inventory did not find the connection');
      firstEntries.set(mode, entry);
      for (const { worker } of slots) jobOver(worker.name);
    },
    restart(slot) {
      slot.lives += 1;
      slot.worker = start(slot.name, slot.lives, slot.disk);
    },
    befall(name) {
      const over = monotonic() + (name === 'lease.lost' ? redis.leases.leftMs(connection) : 0);
      if (name === 'lease.lost') kernel.after(over - monotonic(), () => {});
      else {
        redis.flush();
        queues.clear();
        flushes += 1;
      }
      kernel.trace.note(monotonic(), name);
      for (const violation of invariants.check({ actor: 'world', name: `world.${name}`, ours: false }))
        violations.push(violation);
      return over;
    },
    jobOver,
    otherSucceeds() {
      const at = redis.index.entries.get(connection)?.at;
      if (at !== undefined) void other.clients.succeeded(at, now(), 'current');
    },
    isWorker: ours,
    leaseHeld: () => redis.leases.ownerOf(connection) !== undefined,
    clientOf: () => ({ clientId, clientSecret: new Secret(clientSecret) }),
    key: () =>
      digestOf(
        [
          monotonic(),
          canon([store.digest(), provider.digest(), redis.digest(), disks.map(({ files }) => files)]),
          ...[...memories].map(([name, { heard, learnt }]) =>
            kernel.isAlive(name) ? `${name}=${heard.join('|')} ${[...learnt].sort().join()}` : `${name} died`,
          ),
        ].join('\n'),
      ),
  };
}
