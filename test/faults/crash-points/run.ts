/** Runs one case from a world in which nothing has happened to one at rest, and says what does not hold in it. */
import { scriptedChooser } from '../sim/choosers.ts';
import { fine } from '../sim/fate.ts';
import type { Chooser, PendingCall } from '../sim/kernel.ts';
import type { SimWorker } from '../sim/worker.ts';
import { createSimWorld, day, type SimWorld } from '../sim/world.ts';
import type { Case } from './point.ts';
import { recordsOf, runJob, tendUntilQuiet, waitsForConsent, waitsForPerson } from './tend.ts';

export interface Broken {
  /** As in `Failure`, or the name of an invariant. */
  readonly property: string;
  readonly what: string;
}

/** What a case came to besides: shows that the world does what it is there for. */
export interface Seen {
  /** Losses the design states as what remains. */
  readonly windowLosses: number;
  /** A person was needed: to consent again, or to decide. */
  readonly persons: number;
  /** Sealed answers brought into the store by recovery. */
  readonly finishedByRecovery: number;
  /** Second tries that brought the answer the first had lost. */
  readonly secondTriesWon: number;
}

export interface CaseEnd extends Seen {
  readonly broken: readonly Broken[];
  /** Every call from the beginning of the rotation to the first rest. */
  readonly calls: readonly PendingCall[];
  /** How many of them the rotation itself lasted. */
  readonly inRotation: number;
  /** Planned faults that were met. */
  readonly fired: number;
  readonly trace: readonly string[];
  readonly traceHash: string;
}

export interface HowFar {
  /** Goes on until every connection has been refreshed once more, when it falls due. */
  readonly liveOn: boolean;
  /** Lines of trace to keep. */
  readonly traceLinesMax?: number;
}

/**
 * The one whose rotation meets the faults, and two by whose success their client is known to be in order: a second fault
 * may hit one of them.
 */
const subject = 'a';
const witnesses = ['b', 'c'];

/** How often in a row somebody may have to act before the world is at rest for good. */
const personsMax = 3;

/** First come, first served; faults are counted from the instant it is told to begin. */
function plan({ faults }: Case) {
  const script = scriptedChooser(faults.map(({ at, fate }) => ({ step: at, fate })));
  const calls: PendingCall[] = [];
  let begun: number | undefined;
  const chooser: Chooser = {
    ...script,
    fate(call, step) {
      if (begun === undefined) return fine;
      calls.push(call);
      return script.fate(call, step - begun);
    },
  };
  return {
    chooser,
    calls,
    fired: script.fired,
    begin: (step: number) => {
      begun = step;
    },
  };
}

/** Runs a case to its end. */
export async function runCase(tried: Case, { liveOn, traceLinesMax = 0 }: HowFar): Promise<CaseEnd> {
  const { faults, recovery, mode } = tried;
  const planned = plan(tried);
  const world = createSimWorld({
    chooser: planned.chooser,
    mode,
    connections: [{ id: subject, agedMs: 12 * day }, ...witnesses.map((id) => ({ id, agedMs: day }))],
    traceLinesMax,
  });
  const { kernel, redis, reports, provider } = world;
  let pods = 1;
  const replace = ({ disk }: SimWorker) => {
    if (recovery !== 'other') return world.start('w1', disk);
    world.loseDisk(disk);
    pods += 1;
    return world.start(`w${pods}`);
  };

  let worker = world.start('w1');
  await runJob(world, worker, () => worker.inventory());
  planned.begin(kernel.steps);
  const ended = await runJob(world, worker, () => worker.rotate(subject));
  const inRotation = planned.calls.length;
  if (ended === 'stuck' || (recovery !== 'self' && faults.length > 0)) worker.kill();
  const first = await tendUntilQuiet(world, worker, replace);
  worker = first.worker;
  const calls = [...planned.calls];

  const broken: Broken[] = [];
  if (first.rest === 'restless') broken.push({ property: 'silentDeaths', what: 'the world never came to rest' });
  let persons = 0;
  let restart = liveOn || world.connections.some((id) => recordsOf(world, id) > 0);
  // A disk that was read again may hold what the customer is then asked about.
  for (let turn = 0; turn < personsMax; turn++) {
    const waiting = world.connections.filter((id) => waitsForPerson(redis.index.entries.get(id)));
    persons += waiting.length;
    for (const id of waiting.filter((one) => waitsForConsent(redis.index.entries.get(one)))) {
      broken.push(...neededNobody(world, id));
      world.consent(id);
    }
    if (waiting.length === 0 && !restart) break;
    // A new process finds what the old one no longer knew of, and could not read.
    restart = false;
    worker.kill();
    worker = (await tendUntilQuiet(world, world.start('last', worker.disk), replace)).worker;
  }
  for (const id of world.connections) broken.push(...atRest(world, id));
  if (liveOn) broken.push(...(await refreshOnceMore(world, worker, replace)));
  broken.push(...verdictOf(world, mode));
  return {
    broken,
    windowLosses: Object.values(world.windowLosses).reduce((sum, count) => sum + count, 0),
    persons,
    finishedByRecovery: reports.filter(({ report: { asked, outcome } }) => asked === 'recover' && outcome === 'rotated')
      .length,
    secondTriesWon: provider.oracle.secondTriesWon,
    calls,
    inRotation,
    fired: planned.fired.length,
    trace: kernel.trace.lines,
    traceHash: kernel.trace.hash,
  };
}

/** A person is waited for only where nothing we have could be brought into the store. */
function neededNobody({ places, provider }: SimWorld, id: string): Broken[] {
  const accepted = provider.oracle.accepted(id);
  const found = places
    .of(id)
    .find(({ kind, token }) => kind !== 'current' && kind !== 'foreign' && accepted.includes(token));
  if (found === undefined) return [];
  return [
    { property: 'falseReconsents', what: `${id}: a person is waited for while ${found.kind} holds the live token` },
  ];
}

/** Each connection must be refreshed once more, when it is due. */
async function refreshOnceMore(
  world: SimWorld,
  worker: SimWorker,
  replace: (dead: SimWorker) => SimWorker,
): Promise<readonly Broken[]> {
  const broken: Broken[] = [];
  const { kernel, redis, provider, connections } = world;
  const before = new Map(connections.map((id) => [id, provider.oracle.presentations(id).length]));
  const dueAt = Math.max(...connections.map((id) => redis.index.entries.get(id)?.nextAt ?? 0));
  await kernel.run({ forMs: Math.max(1, dueAt - kernel.now() + 1) });
  const { rest } = await tendUntilQuiet(world, worker, replace);
  if (rest === 'restless') broken.push({ property: 'silentDeaths', what: 'no rest after the next refresh' });
  for (const id of connections) {
    if (provider.oracle.presentations(id).length === before.get(id))
      broken.push({ property: 'silentDeaths', what: `${id} was never refreshed again` });
    broken.push(...atRest(world, id));
  }
  return broken;
}

/** What must hold of a connection once there is nothing left to do. */
function atRest(world: SimWorld, id: string): Broken[] {
  const { kernel, redis, provider, store, install } = world;
  const broken: Broken[] = [];
  const say = (property: string, what: string) => void broken.push({ property, what: `${id}: ${what}` });
  const entry = redis.index.entries.get(id);
  const live = provider.oracle.liveToken(id);
  const current = store.current(install.nameOf(id));
  const stored = current === undefined ? undefined : world.sealed.inValue(current.value);
  if (live === undefined) say('lostTokens', `the grant is dead: ${provider.oracle.deadBecause(id)}`);
  else if (stored !== live) say('lostTokens', 'the live token is not the current one of the store');
  if (entry?.state !== 'active' || entry.nextAt === null || entry.nextAt <= kernel.now())
    say('silentDeaths', `not scheduled: ${entry?.state} ${entry?.reason} ${entry?.nextAt}`);
  const records = recordsOf(world, id);
  if (records > 0) say('other', `${records} records were left`);
  if (redis.leases.ownerOf(id) !== undefined) say('other', 'its lease is still held');
  return broken;
}

/** Losses that are stated happen only where they are: at a provider that forgives no second try. */
function verdictOf({ violations, windowLosses }: SimWorld, mode: Case['mode']): Broken[] {
  const said = violations.map(({ property, connection, what }) => ({ property, what: `${connection}: ${what}` }));
  const { neverSealed, diskBeforeMirror, ...others } = windowLosses;
  const strict = mode === 'strict' || mode === 'strictFamily';
  const excused = strict ? 0 : neverSealed + diskBeforeMirror;
  const unstated = Object.values(others).reduce((sum, count) => sum + count, excused);
  return unstated === 0
    ? said
    : [...said, { property: 'lostTokens', what: `a loss outside the stated window: ${JSON.stringify(windowLosses)}` }];
}
