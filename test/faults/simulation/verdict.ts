/**
 * What is looked at beside the invariants of every event: that nothing dies silently on the way, and, after the faults
 * have stopped and the world has run on, that everything alive is looked after and nothing is left lying about.
 */
import type { IndexEntry } from '../../../src/connection/entry.ts';
import { readFlag } from '../../../src/connection/flag.ts';
import type { Run } from './state.ts';
import { hour } from './swarm.ts';

/** A deadline may lie so far behind the death it stands for: clocks that jump, and the tick that sees it. */
const slackMs = 12 * hour;

/** To be asked often: whether a grant that has died of its age was seen to be dying. */
export function createDeathWatch(run: Run): () => void {
  const { world } = run;
  const { provider, redis, store, install, kernel } = world;
  const dead = new Set<string>();
  return () => {
    for (const id of world.connections) {
      const because = provider.oracle.deadBecause(id);
      if (because === undefined) dead.delete(id);
      if ((because !== 'idle' && because !== 'absolute') || dead.has(id)) continue;
      dead.add(id);
      const entry = redis.index.entries.get(id);
      // Without Redis or the store everybody knows that nothing is known.
      if (redis.outage || store.outage !== undefined || store.writeOutage !== undefined) continue;
      if (entry !== undefined && isSeen(entry, kernel.now())) continue;
      const flag = readFlag(store.tags(install.nameOf(id)));
      if (flag?.version === store.current(install.nameOf(id))?.versionId) continue;
      run.wrong('silentDeaths', `${id} died (${because}) while the index said ${describe(entry)}`);
    }
  };
}

/** On-call sees every connection that is not plainly active, and every deadline that is near or past. */
function isSeen({ state, deadlineAt, nextAt }: IndexEntry, now: number): boolean {
  const near = deadlineAt !== null && deadlineAt - now < slackMs;
  return state !== 'active' || near || nextAt === null;
}

function describe(entry: IndexEntry | undefined): string {
  if (entry === undefined) return 'nothing';
  const at = (instant: number | null) => (instant === null ? 'never' : new Date(instant).toISOString());
  return `${entry.state} (${entry.reason}), next ${at(entry.nextAt)}, deadline ${at(entry.deadlineAt)}`;
}

/** When the faults have stopped and the world has run on. */
export function judgeEnd(run: Run): void {
  const { world } = run;
  const { kernel } = world;
  for (const id of world.connections) judgeConnection(run, id);
  for (const worker of world.workers) {
    if (!worker.actor.alive) continue;
    for (const { intent } of worker.spool()?.all() ?? []) left(run, intent.connection, `disk of ${worker.name}`);
    for (const { connection = '', why } of worker.spool()?.unreadable() ?? []) {
      // It blocks its connection, and on-call is told.
      const entry = world.redis.index.entries.get(connection);
      if (entry?.reason !== 'record_unreadable')
        run.wrong('other', `a record of ${connection} cannot be opened (${why}); the index says ${describe(entry)}`);
    }
  }
  for (const id of world.connections) if (world.redis.mirror.recordsOf(id).size > 0) left(run, id, 'mirror');
  for (const { madeAt, actor, name } of kernel.pending)
    if (kernel.monotonic() - madeAt > hour) run.wrong('other', `${name} of ${actor} never ended`);
}

/**
 * A token may stay where somebody is told to look at it; the memory of a request that was never answered, or by nothing
 * that says what became of its token, where its connection is not well.
 */
function left(run: Run, connection: string, where: string): void {
  const { places, redis } = run.world;
  const tokens = places.answered(connection).filter(({ token }) => token !== undefined);
  const entry = redis.index.entries.get(connection);
  const open = ['quarantined', 'invalid', ...(tokens.length > 0 ? [] : ['suspect', 'reauth_required'])];
  if (entry !== undefined && open.includes(entry.state)) return;
  const what = tokens.length > 0 ? 'a token' : 'an intent';
  run.wrong('other', `${what} of ${connection} is left in the ${where}; the index says ${describe(entry)}`);
}

function judgeConnection(run: Run, id: string): void {
  const { world } = run;
  const { provider, redis, store, install, kernel, places } = world;
  const name = install.nameOf(id);
  const entry = redis.index.entries.get(id);
  const accepted = provider.oracle.accepted(id);
  const current = places.of(id).find(({ kind }) => kind === 'current');
  if (entry === undefined) {
    run.wrong('silentDeaths', `${id} is not in the index`);
    return;
  }
  const alive = current !== undefined && accepted.includes(current.token);
  if (!alive) {
    // What nobody has tried yet cannot be known to be dead: it will be, when it is due.
    const untried = entry.nextAt !== null && entry.nextAt > kernel.now() - slackMs;
    if (entry.state === 'active' && !untried)
      run.wrong('silentDeaths', `${id} is dead; the index says ${describe(entry)}`);
    return;
  }
  const flag = readFlag(store.tags(name));
  if (flag?.state === 'reauth_required' && flag.version === store.current(name)?.versionId)
    run.wrong('falseReconsents', `${id} is alive and flagged (${flag.reason})`);
  const scheduled = entry.nextAt !== null && entry.nextAt > kernel.now() - slackMs;
  if (!scheduled && entry.state === 'active')
    run.wrong('silentDeaths', `${id} is alive; the index says ${describe(entry)}`);
}
