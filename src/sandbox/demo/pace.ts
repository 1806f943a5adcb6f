/**
 * The run's three stretches: the wait until a fresh Redis grants leases, the days themselves, and the hours in which the
 * service comes to rest. Every wait has an end, and Ctrl-C ends each at once.
 */
import { dayMs, hourMs, tickMs } from './calendar.ts';
import { blockedClient } from './cast.ts';
import { leaseMs } from './configure.ts';
import type { Run } from './parts.ts';
import { isBehind } from './patience.ts';
import type { Happening } from './story.ts';
import type { Progress } from './view.ts';

/** Between two looks at index and store, and two pictures. */
const lookEveryMs = 200;
/** The first report has come by then, or none will. */
const warmUpMsMax = 20_000;
/** How much slower the calendar runs while it waits: it must not stand still, or nothing that is put off by it comes back. */
const waitingShare = 100;
/** Longest it waits for the service in one run. */
const waitMsMax = 120_000;
/** Slow enough that hardly anything falls due while the rest comes to its end. */
const settleHoursPerSecond = 2;
const settleMsMin = 3_000;
const settleMsMax = 15_000;
/** Every job runs each second: without a report for longer than that, nothing is under way. */
const quietMs = 1_500;

/** The calendar stands still: no day is wasted on a Redis that grants nothing yet. */
export async function warmUp(run: Run): Promise<void> {
  const { ports, service, chronicle, heardMs } = run;
  await service.settled;
  const startedMs = ports.clock.monotonic();
  let firstMs: number | undefined;
  await keepLooking(run, `a fresh Redis grants no lease for ${leaseMs / 1_000} s`, () => {
    firstMs ??= heardMs();
    const waitedMs = ports.clock.monotonic() - (firstMs ?? startedMs);
    return chronicle.refreshed() === 0 && waitedMs < (firstMs === undefined ? warmUpMsMax : leaseMs);
  });
}

/** Sixty days, or as many as were asked for. */
export async function live(run: Run): Promise<void> {
  const { calendar, plan, options, story, chronicle } = run;
  const open: Happening[] = [...story.happenings];
  const speed = ((options.daysPerSecond ?? 1) * dayMs) / 1_000;
  const mustWait = patience(run);
  await keepLooking(run, '', async () => {
    const now = calendar.now();
    calendar.setSpeed(mustWait(now) ? speed / waitingShare : speed);
    for (const happening of open.filter(({ at }) => at <= now)) {
      if (!(await happening.run())) continue;
      open.splice(open.indexOf(happening), 1);
      chronicle.world(now, happening.words);
    }
    return now < plan.endAt;
  });
}

/** Says whether the calendar is to wait for the service, which it does for so long in all and not for ever. */
function patience({ ports, world, watch, calendar }: Run): (now: number) => boolean {
  const { clock } = ports;
  let passes = 0;
  let inventoryAt = calendar.now();
  let waitedMs = 0;
  let askedMs = clock.monotonic();
  let waiting = false;
  return (now) => {
    const sinceMs = clock.monotonic() - askedMs;
    askedMs += sinceMs;
    if (waiting) waitedMs += sinceMs;
    const seen = world.double.requests('ListSecrets').succeeded;
    if (seen !== passes) inventoryAt = now;
    passes = seen;
    const { busySince } = watch;
    const behind = isBehind({ now, entries: watch.entries().values(), busySince, inventoryAt, blockedClient });
    waiting = behind && waitedMs < waitMsMax;
    return waiting;
  };
}

/** Lets what is under way come to its end, then stops the calendar. */
export async function settle(run: Run): Promise<void> {
  const { ports, calendar, heardMs } = run;
  const startedMs = ports.clock.monotonic();
  calendar.setSpeed((settleHoursPerSecond * hourMs) / 1_000);
  await keepLooking(run, 'coming to rest', () => {
    const elapsedMs = ports.clock.monotonic() - startedMs;
    const quiet = ports.clock.monotonic() - (heardMs() ?? startedMs) > quietMs;
    return elapsedMs < settleMsMin || (!quiet && elapsedMs < settleMsMax);
  });
  calendar.setSpeed(0);
  await look(run, 'done');
}

/** Keeps the calendar going and looks at everything for as long as `goOn` says. */
async function keepLooking(run: Run, phase: string, goOn: () => boolean | Promise<boolean>): Promise<void> {
  const { clock, signal } = run.ports;
  let lookedMs = Number.NEGATIVE_INFINITY;
  let looking: Promise<void> | undefined;
  let failed: { readonly error: unknown } | undefined;
  const lookOnce = async () => {
    lookedMs = clock.monotonic();
    await look(run, phase).catch((error: unknown) => {
      failed = { error };
    });
    looking = undefined;
  };
  try {
    while (await goOn()) {
      run.calendar.tick();
      // Not waited for: the calendar would wait too.
      if (looking === undefined && clock.monotonic() - lookedMs >= lookEveryMs) looking = lookOnce();
      await clock.sleep(tickMs, signal);
      if (failed !== undefined) throw failed.error;
    }
  } finally {
    await looking;
  }
}

async function look(run: Run, phase: string): Promise<void> {
  // Redis may be too slow for one look; the next one sees it all.
  const entries = await run.service.entries().catch(() => undefined);
  if (entries !== undefined) run.watch.look(entries);
  run.display.show(progressOf(run, phase));
}

function progressOf(run: Run, phase: string): Progress {
  const { options, plan, calendar, service, watch, chronicle, world } = run;
  const providers = [...new Set(world.cast.members.map(({ provider }) => provider))];
  return {
    seed: options.seed,
    days: options.days,
    startAt: plan.startAt,
    now: calendar.now(),
    url: service.url,
    phase,
    entries: [...watch.entries().values()],
    refreshed: Object.fromEntries(providers.map((name) => [name, world.sandbox.oracle.refreshes(name)])),
    lastRefresh: chronicle.lastRefresh(),
    flagged: watch.flagged(),
    latest: chronicle.latest(),
  };
}
