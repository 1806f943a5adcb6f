/**
 * SIGKILL at random instants under load: two workers share dozens of connections due at once, one after the other dies in
 * the middle of whatever it does, and its successor finds its disk, or nothing but Redis.
 */
import { systemClock } from '../../../src/runtime/clock.ts';
import { type Random, seededRandom } from '../../../src/runtime/random.ts';
import { createChronicle } from './chronicle.ts';
import { comeToRest } from './rest.ts';
import type { Tally } from './tally.ts';
import { within } from './within.ts';
import type { WorkerProcess } from './worker-process.ts';
import { createWorld, type FaultWorld, kindNames } from './world.ts';

export interface Round {
  readonly seed: number;
  readonly kills: number;
}

/** Connections waiting for their turn, at least. */
const waitingMin = 40;
/** Longest life of a worker once it is up, ms; it is drawn anew for each. */
const lifeMsMax = 900;
const startMsMax = 20_000;

export function wordOf({ seed, kills }: Round): string {
  return `round/${seed}/${kills}`;
}

export function readRound(word: string): Round {
  const [, seed, kills] = word.split('/');
  return { seed: Number(seed), kills: Number(kills) };
}

/** Does the killing; what it answers resolves when the world has come to rest and is judged. */
export async function killAtRandom(round: Round, tally: Tally): Promise<{ readonly judged: Promise<void> }> {
  const world = await createWorld({ seed: round.seed });
  const chronicle = createChronicle(world);
  const random = seededRandom(round.seed);
  world.front.latency(() => 30 + 400 * random.fraction());
  const named = { tally, replay: wordOf(round) };
  try {
    const start = (name: string) => world.start({ name, rotation: { concurrency: 2 } });
    let pods = 0;
    const workers = [start(`pod-${pods++}`), start(`pod-${pods++}`)];
    for (let done = 0; done < round.kills; done++) {
      feed(world, random);
      const place = random.fraction() < 0.5 ? 0 : 1;
      const victim = workers[place] as WorkerProcess;
      await untilItsTime(victim, random);
      const keepsDisk = random.fraction() < 0.75;
      const death = await chronicle.kill(victim, keepsDisk);
      tally.add('kills');
      tally.add('randomKills');
      const successor = start(keepsDisk ? victim.name : `pod-${pods++}`);
      death.successorAt = successor.startedAt;
      workers[place] = successor;
    }
  } catch (error) {
    await world.close();
    throw error;
  }
  const judged = comeToRest({ world, chronicle, named }).finally(() => world.close());
  return { judged };
}

/** New customers, as long as too few wait. */
function feed(world: FaultWorld, random: Random): void {
  const shown = new Set(world.sandbox.oracle.presentations().map(({ connection }) => connection));
  for (let waiting = world.customers.size - shown.size; waiting < waitingMin; waiting++) {
    const kind = kindNames[Math.floor(random.fraction() * kindNames.length)] ?? 'strict';
    world.connect(`customers/${String(world.customers.size).padStart(4, '0')}`, kind);
  }
}

/** Mostly in the middle of its work, sometimes while it is still coming up. */
async function untilItsTime(victim: WorkerProcess, random: Random): Promise<void> {
  const clock = systemClock();
  if (random.fraction() < 0.15) {
    await clock.sleep(400 * random.fraction());
    return;
  }
  await within(victim.said('service.started'), startMsMax);
  await clock.sleep(lifeMsMax * random.fraction());
}
