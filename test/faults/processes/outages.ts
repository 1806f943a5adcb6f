/**
 * What the workers stand on goes away under load: Redis flushed, lost and shut, the store refusing or silent, the disk
 * full. Two workers share dozens of connections that are due.
 */

import { systemClock } from '../../../src/runtime/clock.ts';
import { type Chronicle, createChronicle } from './chronicle.ts';
import { comeToRest } from './rest.ts';
import { fillDisk } from './small-disk.ts';
import type { Tally } from './tally.ts';
import type { Named } from './verdict.ts';
import { until, within } from './within.ts';
import type { WorkerProcess } from './worker-process.ts';
import { createWorld, type FaultWorld, kindNames } from './world.ts';

interface Outage {
  readonly name: string;
  run(scene: Scene): Promise<void>;
}

interface Scene {
  readonly world: FaultWorld;
  readonly chronicle: Chronicle;
  readonly named: Named;
  readonly start: (name: string) => WorkerProcess;
  /** Done once all is judged. */
  readonly after: (() => void)[];
}

const customersCount = 60;
const concurrency = 2;
/** Requests that can be under way at once: two workers, three providers. */
const underWayMax = 2 * 3 * concurrency;
const someMsMax = 120_000;

/** Work is well under way. */
async function underLoad({ world, named }: Scene, workers: number): Promise<WorkerProcess[]> {
  const started = Array.from({ length: workers }, (_, place) => world.start(choiceOf(`pod-${place}`)));
  if (!(await until(() => spends(world) >= 8, someMsMax))) named.tally.fail('other', 'no work was begun', named.replay);
  return started;
}

/** A fault that met nobody proves nothing. */
async function noticed({ named }: Scene, workers: readonly WorkerProcess[], event: string): Promise<void> {
  const heard = await within(Promise.any(workers.map((worker) => worker.said(event))), someMsMax).catch(() => false);
  if (!heard) named.tally.fail('other', `no worker said ${event}`, named.replay);
}

const choiceOf = (name: string) => ({ name, rotation: { concurrency } });
const spends = (world: FaultWorld) => world.sandbox.oracle.presentations().filter(({ by }) => by === 'service').length;

const flush: Outage = {
  name: 'redis-flushed',
  async run(scene) {
    const workers = await underLoad(scene, 2);
    await scene.world.door.flush();
    scene.named.tally.add('flushes');
    // The epoch rule: no lease for the length of one.
    await noticed(scene, workers, 'lease.redis_new');
  },
};

const flushAndKill: Outage = {
  name: 'redis-flushed-and-killed',
  async run(scene) {
    const { world, chronicle, named, start } = scene;
    const [victim] = await underLoad(scene, 2);
    await world.door.flush();
    named.tally.add('flushes');
    if (victim === undefined) return;
    const death = await chronicle.kill(victim, true);
    named.tally.add('kills');
    death.successorAt = start(victim.name).startedAt;
  },
};

const restart: Outage = {
  name: 'redis-restarted',
  async run(scene) {
    const workers = await underLoad(scene, 2);
    await scene.world.door.restart();
    scene.named.tally.add('redisRestarts');
    await noticed(scene, workers, 'lease.redis_new');
  },
};

const shut: Outage = {
  name: 'redis-away',
  async run(scene) {
    const { world, named } = scene;
    const workers = await underLoad(scene, 2);
    world.door.shut();
    named.tally.add('redisOutages');
    const shown = new Set(world.sandbox.oracle.presentations().map(({ connection }) => connection));
    await noticed(scene, workers, 'redis.lost');
    // Whatever was posted is written without Redis.
    const written = () => [...shown].every((connection) => isCurrent(world, connection));
    if (!(await until(written, someMsMax)))
      named.tally.fail('other', 'an answer was not written to the store while Redis was away', named.replay);
    world.door.open();
  },
};

function isCurrent(world: FaultWorld, connection: string): boolean {
  return world.document(connection).refresh_token === world.sandbox.oracle.liveToken(connection);
}

/** Longer than a rotation itself tries to write. */
const storeAwayMs = 8_000;

function storeAway(name: string, how: 'refuses' | 'silent', killed: boolean): Outage {
  return {
    name,
    async run(scene) {
      const { world, chronicle, named, start } = scene;
      const [victim] = await underLoad(scene, 2);
      const fault = world.double.faults.add({
        op: how === 'refuses' ? ['PutSecretValue', 'UpdateSecretVersionStage'] : '*',
        times: Number.POSITIVE_INFINITY,
        what: how === 'refuses' ? { error: 'InternalServiceError', status: 500 } : 'drop',
      });
      const before = spends(world);
      if (killed && victim !== undefined) {
        await until(() => world.double.requests('PutSecretValue').failed > 0, someMsMax);
        const death = await chronicle.kill(victim, true);
        named.tally.add('kills');
        death.successorAt = start(victim.name).startedAt + storeAwayMs;
      }
      await systemClock().sleep(storeAwayMs);
      named.tally.add('storeOutages');
      await noticed(
        scene,
        world.workers.filter((worker) => worker.alive()),
        'rotation.sealed',
      );
      // The first write that fails costs the store the belief that it can be written.
      const more = spends(world) - before;
      if (more > underWayMax)
        named.tally.fail('other', `${more} tokens were spent while the store took none`, named.replay);
      if (fault.fired() === 0) named.tally.fail('other', 'the outage met nobody', named.replay);
      fault.remove();
    },
  };
}

const diskFull: Outage = {
  name: 'disk-full',
  async run({ world, named, after }) {
    const disk = fillDisk(world.spoolOf('pod-0'));
    if (disk === undefined) named.tally.add('skippedDiskFull');
    else after.push(() => disk.takeAway());
    const worker = world.start(choiceOf('pod-0'));
    if (disk === undefined) return;
    const isFull = ({ reason }: { readonly [field: string]: unknown }) => reason === 'spool_unwritable';
    const told = await within(worker.said('rotation.retry_later', isFull), someMsMax);
    named.tally.add('diskFull');
    if (!told) named.tally.fail('other', 'nobody was told that the disk is full', named.replay);
    const spent = spends(world);
    if (spent > 0) named.tally.fail('other', `${spent} tokens were spent with no room for what follows`, named.replay);
    disk.makeRoom();
  },
};

export const outages: readonly Outage[] = [
  flush,
  flushAndKill,
  restart,
  shut,
  storeAway('store-refuses', 'refuses', false),
  storeAway('store-silent', 'silent', false),
  storeAway('store-refuses-and-killed', 'refuses', true),
  diskFull,
];

export function wordOf({ name }: Outage): string {
  return `outage/${name}`;
}

export function readOutage(word: string): Outage {
  const found = outages.find((one) => wordOf(one) === word);
  if (found === undefined) throw new Error(`there is no ${word}: ${outages.map(wordOf).join(', ')}`);
  return found;
}

export async function runOutage(outage: Outage, tally: Tally): Promise<void> {
  const world = await createWorld();
  const named = { tally, replay: wordOf(outage) };
  const chronicle = createChronicle(world);
  const after: (() => void)[] = [];
  world.front.latency(() => 150);
  try {
    for (let number = 0; number < customersCount; number++)
      world.connect(`customers/${number}`, kindNames[number % kindNames.length] ?? 'strict');
    await outage.run({ world, chronicle, named, start: (name) => world.start(choiceOf(name)), after });
    await comeToRest({ world, chronicle, named });
  } finally {
    for (const act of after) act();
    await world.close();
  }
}
