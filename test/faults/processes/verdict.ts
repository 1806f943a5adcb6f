/**
 * What must hold of a world that has come to rest. The providers' ledger knows which token lives and when each was shown;
 * the chronicle knows what the faults excuse; the store, the disks and Redis are looked at themselves.
 */
import { createConnectionIndex } from '../../../src/queue/index.ts';
import type { Presentation } from '../../../src/sandbox/providers/ledger.ts';
import type { Chronicle } from './chronicle.ts';
import { storyOf } from './story.ts';
import type { Tally } from './tally.ts';
import { type FaultWorld, kinds, requestLimitMs } from './world.ts';

export interface Named {
  readonly tally: Tally;
  /** What shows the case again. */
  readonly replay: string;
}

/** Shown by the service, by grant: a connection that consented anew has another. */
function showings(world: FaultWorld, connection: string): Presentation[][] {
  const byGrant = new Map<unknown, Presentation[]>();
  for (const one of world.sandbox.oracle.presentations(connection)) {
    const of = byGrant.get(one.grant) ?? [];
    byGrant.set(one.grant, of);
    of.push(one);
  }
  return [...byGrant.values()];
}

/**
 * Why the answer to this showing may be unknown to us; undefined where nothing excuses it. A request may be on its way
 * still when the one who sent it dies.
 */
function excuseOf({ excuses }: Chronicle, shown: Presentation, before = Number.POSITIVE_INFINITY) {
  return excuses.find(
    ({ connection, from, at }) =>
      connection === shown.connection && shown.at >= from && shown.at <= at + requestLimitMs && at <= before,
  );
}

/**
 * A token that is gone, and not by our fault: the provider committed, the answer was nowhere when its worker died, and the
 * one second try was refused. Its customer is asked again.
 */
export function windowLoss(world: FaultWorld, chronicle: Chronicle, connection: string): Presentation | undefined {
  const kind = world.customers.get(connection);
  if (kind === undefined || kinds[kind].forgives) return undefined;
  const shown = showings(world, connection).at(-1) ?? [];
  const [last] = shown.filter(({ committed, by }) => committed && by === 'service').slice(-1);
  const successor = last?.grant.tokens.at(-1)?.value;
  const isOver = successor !== world.sandbox.oracle.tokens(connection).at(-1)?.value;
  if (last === undefined || isOver || successor === world.document(connection).refresh_token) return undefined;
  const refused = shown.some((one) => one.order > last.order && one.generation === last.generation && !one.committed);
  const excuse = excuseOf(chronicle, last);
  // A worker that was only stopped has its answer still, and a disk that comes back brings it.
  const isKept = excuse?.why === 'stopped' || excuse?.why === 'away';
  return refused && excuse !== undefined && !isKept ? last : undefined;
}

/** Every property that can be judged of a connection at any time after rest. */
export function judgeConnection(
  world: FaultWorld,
  chronicle: Chronicle,
  connection: string,
  { tally, replay }: Named,
): void {
  const kind = world.customers.get(connection);
  if (kind === undefined) return;
  const { oracle } = world.sandbox;
  for (const shown of showings(world, connection))
    judgeShowings(chronicle, shown, storyOf(world, connection), { tally, replay });
  const death = oracle.death(connection);
  if (death?.why === 'family_revoked') tally.fail('familiesRevoked', `${connection} (${kind}) was revoked`, replay);
  if ('pilotlight:state' in world.double.secrets.tags(connection))
    tally.fail('falseReconsents', `${connection} (${kind}) is flagged while its grant lives`, replay);
  judgeOrder(world, connection, { tally, replay });
}

function judgeShowings(
  chronicle: Chronicle,
  all: readonly Presentation[],
  story: string,
  { tally, replay }: Named,
): void {
  if (all[0]?.grant.rules.rotates !== true) return;
  const byGeneration = Map.groupBy(
    all.filter(({ by }) => by === 'service'),
    ({ generation }) => generation,
  );
  for (const shown of byGeneration.values()) {
    for (const [place, one] of shown.entries()) {
      const before = shown[place - 1];
      if (before === undefined || !shown.slice(0, place).some(({ committed }) => committed)) continue;
      const excuse = excuseOf(chronicle, before, one.at);
      const what = `${one.connection} showed generation ${one.generation} again after ${one.at - before.at} ms`;
      if (excuse === undefined) tally.fail('doubleSpends', `${what}, and nothing excuses it; ${story}`, replay);
      else if (one.at - before.at < requestLimitMs && before.committed)
        tally.fail('doubleSpends', `${what}, while the first request could still be running; ${story}`, replay);
      else tally.add('secondTries');
    }
  }
}

/** AWSCURRENT never moves to a token older than one it was on. */
function judgeOrder(world: FaultWorld, connection: string, { tally, replay }: Named): void {
  const ages = new Map(
    world.double.secrets
      .versions(connection)
      .map(({ versionId, value }) => [versionId, ageOf(world, connection, value)]),
  );
  let newest = -1;
  for (const write of world.double.writes()) {
    const moved = write.name === connection && write.stages?.includes('AWSCURRENT') === true;
    const age = moved ? ages.get(write.versionId ?? '') : undefined;
    if (age === undefined) continue;
    if (age < newest && write.origin === 'wire') {
      tally.fail('other', `${connection}: a newer token was overwritten by an older one`, replay);
      return;
    }
    newest = Math.max(newest, age);
  }
}

/** Position of a version's token among all its connection ever had. */
function ageOf(world: FaultWorld, connection: string, value: string | Buffer): number | undefined {
  const token = tokenIn(value);
  const grants = showings(world, connection).map(([first]) => first?.grant);
  const earlier = grants.flatMap((grant) => grant?.tokens.map((one) => one.value) ?? []);
  const known = [...new Set([...earlier, ...world.sandbox.oracle.tokens(connection).map((one) => one.value)])];
  const place = known.indexOf(token ?? '');
  return place < 0 ? undefined : place;
}

function tokenIn(value: string | Buffer): string | undefined {
  try {
    return (JSON.parse(String(value)) as { refresh_token?: string }).refresh_token;
  } catch {
    // The probe's text.
    return undefined;
  }
}

/** Whether the token stands in any version of its secret. */
export function isInStore(world: FaultWorld, connection: string, token: string): boolean {
  return world.double.secrets.versions(connection).some(({ value }) => tokenIn(value) === token);
}

/** Connections nobody will look at again: a live one is always scheduled. */
export async function unscheduled(world: FaultWorld): Promise<readonly { connection: string; state: string }[]> {
  const index = createConnectionIndex({ redis: world.door.redis() });
  const ids = [...world.customers.keys()];
  const entries = await index.getMany(ids);
  return ids.flatMap((connection, place) => {
    const entry = entries[place];
    const scheduled = entry !== undefined && entry.nextAt !== null;
    return scheduled ? [] : [{ connection, state: entry?.state ?? 'not' }];
  });
}
