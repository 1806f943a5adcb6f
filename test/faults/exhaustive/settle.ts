/**
 * What must hold at last, once nothing goes wrong any more and time goes on. A grant that lives is rotated again when it
 * is due, unless its last request may have been made and the provider's file forbids another: then a person is told. One
 * that is dead, or whose token nobody has, is in a state that somebody hears of. A person who is told consents anew; after
 * that, if not before, nothing is open anywhere, and the connection is rotated as any other.
 */
import { connection, type SmallWorld } from './world.ts';
import { writers } from './writers.ts';

export interface Settled {
  /** What did not come to hold. */
  readonly failures: readonly { readonly property: 'liveness' | 'silentDeaths'; readonly what: string }[];
  /** Why the token that is current is not taken; undefined where it is. */
  readonly dead: string | undefined;
  /** A grant that lives had to wait for a person. */
  readonly waited: boolean;
}

const stepsMax = 20_000;
const minute = 60_000;
const day = 86_400_000;
/** Between two passes: longer than the lease, the cool-down and every wait for a second try. */
const passEveryMs = 30 * minute;
const passesMax = 8;
/** Of 30 days: two thirds and the spread, where somebody else is known to spend the token as well. */
const dueByThenMs = 23 * day;

export async function settle(world: SmallWorld): Promise<Settled> {
  const { provider, slots } = world;
  const failures: { property: 'liveness' | 'silentDeaths'; what: string }[] = [];
  await passUntil(world, () => atRest(world));
  if (unfinished(world).length > 0) {
    // A deployment: a file whose making was refused and had landed is found by the next process only.
    for (const slot of slots) {
      slot.worker.kill();
      world.restart(slot);
    }
    await passUntil(world, () => atRest(world));
  }
  const alive = tokenIsTaken(world);
  const waited = alive && waitsForPerson(world);
  const { secondTry } = world.install.provider;
  if (waited && secondTry !== 'never' && !world.reported.has('refreshed'))
    failures.push({ property: 'liveness', what: 'a live grant waits for a person' });
  world.kernel.turnCalendar(dueByThenMs);
  if (alive && !waited) {
    if (!(await isRotated(world)))
      failures.push({ property: 'liveness', what: 'a live grant was not rotated when due' });
  } else {
    await passUntil(world, () => waitsForPerson(world));
    if (!waitsForPerson(world))
      failures.push({ property: 'silentDeaths', what: 'its token is dead, and nobody hears' });
    void writers.person(world, world.foreigner('operator'));
    await passUntil(world, () => atRest(world));
    world.kernel.turnCalendar(dueByThenMs);
    if (!(await isRotated(world)))
      failures.push({ property: 'liveness', what: 'a new consent was not rotated when due' });
  }
  const left = unfinished(world);
  if (left.length > 0) failures.push({ property: 'liveness', what: `still open at last: ${left.join(', ')}` });
  return { failures, dead: alive ? undefined : (provider.oracle.deadBecause(connection) ?? 'lost'), waited };
}

/** Whether one of our workers spends the current token and has its successor made current. */
async function isRotated(world: SmallWorld): Promise<boolean> {
  const { oracle } = world.provider;
  const before = oracle.presentations(connection).length;
  const rotated = () =>
    oracle
      .presentations(connection)
      .slice(before)
      .some(({ by, committed }) => by.ours && committed) && tokenIsTaken(world);
  await passUntil(world, rotated);
  return rotated();
}

/** One in any case: it is the inventory that sees what somebody else wrote. */
async function passUntil(world: SmallWorld, done: () => boolean): Promise<void> {
  for (let pass = 0; pass === 0 || (pass < passesMax && !done()); pass++) await passOf(world);
}

/** Each worker does what its cron and its queue would have it do; then time goes on. */
async function passOf({ kernel, slots, install, otherSucceeds }: SmallWorld): Promise<void> {
  otherSucceeds();
  for (const { worker } of slots) {
    const pass = async () => {
      await worker.inventory().catch(() => {});
      await worker.recover().catch(() => {});
      await worker.sweep().catch(() => {});
      await worker.work(install.provider.name).catch(() => {});
    };
    void pass();
    await kernel.run({ stepsMax });
  }
  kernel.after(passEveryMs, () => {});
  await kernel.run({ stepsMax });
}

/** Records that are open, wherever they lie. */
function unfinished({ slots, redis }: SmallWorld): string[] {
  const files = slots.flatMap(({ name, disk }) => [...disk.files.keys()].map((file) => `${name}:${file}`));
  return [...files, ...[...redis.mirror.recordsOf(connection).keys()].map((attempt) => `mirror:${attempt}`)];
}

function atRest(world: SmallWorld): boolean {
  const entry = world.redis.index.entries.get(connection);
  const quiet = entry?.state === 'active' ? (entry.nextAt ?? 0) > world.kernel.now() : entry?.nextAt === null;
  return unfinished(world).length === 0 && quiet;
}

/** In a state that is told to somebody, and that only they end. */
function waitsForPerson({ redis }: SmallWorld): boolean {
  const state = redis.index.entries.get(connection)?.state;
  return state !== undefined && state !== 'active' && state !== 'retrying';
}

/** AWSCURRENT holds a token the provider takes. */
function tokenIsTaken({ store, provider, install }: SmallWorld): boolean {
  const current = store.current(install.nameOf(connection));
  const text = current !== undefined && 'text' in current.value ? current.value.text.reveal() : '{}';
  const token = (JSON.parse(text) as Record<string, unknown>).refresh_token;
  return provider.oracle.accepted(connection).includes(String(token));
}
