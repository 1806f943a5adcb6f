/**
 * Waits until a world has come to rest: every live token current in the store, no record on a disk or in the mirror. Where
 * a grant was lost in the stated window, the customer consents again. What is not at rest in time is a failure, and said
 * to be a loss only where the token is nowhere.
 */
import { systemClock } from '../../../src/runtime/clock.ts';
import type { Chronicle } from './chronicle.ts';
import { leaks } from './leaks.ts';
import { recordFiles, recordsInMirror, recordsOnDisk } from './records.ts';
import { storyOf } from './story.ts';
import { isInStore, judgeConnection, type Named, unscheduled, windowLoss } from './verdict.ts';
import { type FaultWorld, kinds } from './world.ts';

export interface RestOptions {
  readonly world: FaultWorld;
  readonly chronicle: Chronicle;
  readonly named: Named;
  /** Longest it may take, ms. */
  readonly withinMs?: number;
}

const lookEveryMs = 300;
/** Leases and job locks of those that died run out one after the other; then there is the second try. */
const restMsMax = 180_000;

/** Waits; answers what is still under way when the time is up. */
export async function settle({
  world,
  chronicle,
  named,
  withinMs = restMsMax,
}: RestOptions): Promise<readonly Unrest[]> {
  const clock = systemClock();
  const untilMs = clock.monotonic() + withinMs;
  let left = await restless(world, chronicle, named);
  while (left.length > 0 && clock.monotonic() < untilMs) {
    await clock.sleep(lookEveryMs);
    left = await restless(world, chronicle, named);
  }
  return left;
}

/** Waits, then judges everything. The workers that live go on running. */
export async function comeToRest(options: RestOptions): Promise<void> {
  const { world, chronicle, named } = options;
  const left = await settle(options);
  for (const what of left) await tellUnrest(world, what, named);
  for (const connection of world.customers.keys()) judgeConnection(world, chronicle, connection, named);
  for (const damage of chronicle.damaged)
    named.tally.fail('other', `a record cannot be opened: ${damage}`, named.replay);
  judgeRecovery(world, chronicle, named);
  for (const leak of await leaks(world)) named.tally.fail('canaryLeaks', leak, named.replay);
  const { presentations } = world.sandbox.oracle;
  named.tally.add('spends', presentations().filter(({ committed, by }) => committed && by === 'service').length);
}

export interface Unrest {
  readonly connection?: string;
  /** Its token may be lost. */
  readonly token?: true;
  /** It is alive, and nobody will look at it. */
  readonly silent?: true;
  readonly why: string;
}

/** Everything that is still under way. The customers of tokens lost in the window consent again here. */
async function restless(world: FaultWorld, chronicle: Chronicle, { tally }: Named): Promise<Unrest[]> {
  const left: Unrest[] = [];
  for (const [connection, kind] of world.customers) {
    if (windowLoss(world, chronicle, connection) !== undefined) {
      tally.add('windowLosses');
      world.consentAgain(connection);
    }
    const document = world.document(connection);
    const rotated = (document.pilotlight as { attempt?: string } | undefined)?.attempt !== undefined;
    if (document.refresh_token !== world.sandbox.oracle.liveToken(connection))
      left.push({
        connection,
        token: true,
        why: `${connection} (${kind}) holds another token than the one that lives`,
      });
    else if (!rotated && !world.renewed.has(connection))
      left.push({ connection, why: `${connection} (${kind}) was never refreshed` });
  }
  for (const worker of world.workers.filter((one) => one.alive())) {
    const files = recordFiles(worker.spool);
    if (files.length > 0) left.push({ why: `${files.length} records on the disk of ${worker.name}` });
  }
  const mirror = await recordsInMirror(world.door.redis(), world.keyring);
  for (const { connection, answered, attempt } of mirror.records)
    left.push({
      connection,
      why: `${answered ? 'an answered' : 'a bare'} record of ${connection} in the mirror, ${attempt}`,
    });
  for (const damage of mirror.damaged) left.push({ why: `in the mirror ${damage}` });
  for (const { connection, state } of await unscheduled(world))
    left.push({ connection, silent: true, why: `${connection} is ${state} in the index and never looked at again` });
  return left;
}

async function tellUnrest(
  world: FaultWorld,
  { connection, token, silent, why }: Unrest,
  { tally, replay }: Named,
): Promise<void> {
  if (connection === undefined) return tally.fail('other', `not at rest: ${why}`, replay);
  const live = world.sandbox.oracle.liveToken(connection);
  const story = storyOf(world, connection);
  if (silent === true && live !== undefined) return tally.fail('silentDeaths', `${why}; ${story}`, replay);
  if (live === undefined || token === undefined) return tally.fail('other', `not at rest: ${why}; ${story}`, replay);
  const disks = world.workers.flatMap(({ spool }) => recordsOnDisk(spool, world.keyring).records);
  const mirror = await recordsInMirror(world.door.redis(), world.keyring);
  const sealed = [...disks, ...mirror.records].some((one) => one.answered && one.connection === connection);
  const somewhere = isInStore(world, connection, live) || sealed;
  const kind = world.customers.get(connection);
  if (somewhere) tally.fail('other', `not at rest: ${why}, though its token is kept; ${story}`, replay);
  else if (kind !== undefined && kinds[kind].forgives) tally.fail('other', `not at rest: ${why}; ${story}`, replay);
  else tally.fail('lostTokens', `${why}, which is nowhere; ${story}`, replay);
}

/** How long each answer that outlived its worker took to be current in the store, from its successor's start. */
function judgeRecovery(world: FaultWorld, { deaths }: Chronicle, { tally }: Named): void {
  const writes = world.double.writes();
  for (const { at, owed, successorAt } of deaths) {
    for (const { connection, versionNew } of successorAt === undefined ? [] : owed) {
      const swap = writes.find(
        (write) =>
          write.name === connection && write.versionId === versionNew && write.stages?.includes('AWSCURRENT') === true,
      );
      if (swap !== undefined && swap.at > at) tally.recovered(swap.at - (successorAt ?? at));
    }
  }
}
