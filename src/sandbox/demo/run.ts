/**
 * The demo: some forty connections at four providers, sixty days, everything that can go wrong, in about a minute. The
 * service is the real one; what it cannot see is the calendar's speed and who judges it.
 */
import { type Closers, createClosers } from '../../runtime/closers.ts';
import { seededRandom } from '../../runtime/random.ts';
import { createCalendar } from './calendar.ts';
import { clients, makeCast } from './cast.ts';
import { createChronicle } from './chronicle.ts';
import { configureDemo } from './configure.ts';
import { gatherFacts } from './facts.ts';
import { judge } from './judge.ts';
import { live, settle, warmUp } from './pace.ts';
import { createPaint } from './paint.ts';
import type { Run } from './parts.ts';
import { makePlan } from './plan.ts';
import type { DemoOptions, DemoPorts } from './ports.ts';
import { resultJson, summaryLines } from './result.ts';
import { createDisplay } from './screen.ts';
import { tellStory } from './story.ts';
import { createWatch } from './watch.ts';
import { openWorld } from './world.ts';

export type { DemoOptions, DemoPorts, DemoService, Screen, ServiceReport, ServiceRequest } from './ports.ts';

/** Ended by Ctrl-C before there was a verdict. */
const interrupted = 130;

/**
 * Runs the demo. Answers the exit code: 0 when every invariant held, 1 when one did not, 130 when it was interrupted.
 * Throws RangeError for fewer days than the story needs, and what starting the service throws.
 */
export async function runDemo(options: DemoOptions, ports: DemoPorts): Promise<number> {
  const closers = createClosers();
  try {
    const run = await open(options, ports, closers);
    await warmUp(run);
    await live(run);
    await settle(run);
    return await conclude(run, closers);
  } catch (error) {
    if (ports.signal.aborted) return interrupted;
    throw error;
  } finally {
    await closers.closeAll();
  }
}

async function open(options: DemoOptions, ports: DemoPorts, closers: Closers): Promise<Run> {
  const startedMs = ports.clock.monotonic();
  const plan = makePlan(options.days);
  const random = seededRandom(options.seed);
  const calendar = createCalendar(ports.clock, plan.startAt);
  const world = await openWorld(calendar, makeCast(plan, random), random, closers);
  const paint = createPaint(ports.screen.colour);
  const display = createDisplay(ports.screen, paint);
  const watch = createWatch(world);
  const chronicle = createChronicle((told) => display.told(told, plan.startAt));
  let heardMs: number | undefined;
  const service = await ports.start({
    configure: (config) => configureDemo(config, world.addresses, clients),
    clock: calendar,
    say: (line) => display.say(line),
    incidents: (open) => chronicle.incidents(calendar.now(), open),
    observe(report) {
      heardMs = ports.clock.monotonic();
      watch.hear(report);
      chronicle.hear(calendar.now(), report);
    },
  });
  closers.push('service', () => service.stop());
  const story = tellStory(world, plan, { flushRedis: () => service.flushRedis() });
  if (!ports.screen.terminal) display.say(`status page: ${service.url}`);
  return {
    options,
    ports,
    plan,
    calendar,
    world,
    service,
    watch,
    chronicle,
    story,
    display,
    paint,
    startedMs,
    heardMs: () => heardMs,
  };
}

/** Judges, prints, and keeps the status page up where that is wanted. */
async function conclude(run: Run, closers: Closers): Promise<number> {
  const { options, ports, plan, world, service, watch, story, display, paint } = run;
  // With the calendar standing still nothing falls due any more: who wants to look at the page may do so afterwards.
  if (options.once) await closers.closeAll();
  const facts = gatherFacts(world, watch, story.struck);
  const verdict = judge(facts);
  const { double } = world;
  const about = {
    seed: options.seed,
    days: options.days,
    startAt: plan.startAt,
    tookMs: ports.clock.monotonic() - run.startedMs,
    storeWrites: double.writes().filter(({ origin }) => origin === 'wire').length,
    storeThrottled: double.requestsInAll().throttled,
    incidents: run.chronicle.counts(),
  };
  if (options.json) ports.out(`${JSON.stringify(resultJson(about, facts, verdict))}\n`);
  for (const line of summaryLines(about, facts, verdict, paint)) display.say(line);
  if (!options.once) {
    display.say(`\nThe status page stays up at ${service.url} until Ctrl-C.`);
    await aborted(ports.signal);
  }
  return verdict.held ? 0 : 1;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal.aborted) return done();
    signal.addEventListener('abort', () => done(), { once: true });
  });
}
