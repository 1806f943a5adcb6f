/**
 * One soak: lets the calendar run, makes the month's troubles, visits the service, and looks at everything at steady
 * intervals. Then it lets the world come to rest and gathers what must be true of it.
 */
import { systemClock } from '../../src/runtime/clock.ts';
import type { Closers } from '../../src/runtime/closers.ts';
import type { SoakOptions } from './arguments.ts';
import type { Look, ServiceLook } from './figures.ts';
import { kindsOf, type LeftRecord, needless } from './left.ts';
import { backlogOf } from './patience.ts';
import { providers } from './population.ts';
import { createAger, lookAtRedis } from './redis-look.ts';
import { type Stage, setStage } from './stage.ts';
import { createTimeline, type Timeline } from './timeline.ts';
import { emptied, troublesOf } from './troubles.ts';
import { createVisitor, type Visitor } from './visitor.ts';

export interface Soaked {
  readonly looks: readonly Look[];
  readonly virtualDays: number;
  readonly realMs: number;
  readonly rotations: number;
  /** How often each trouble struck. */
  readonly struck: Readonly<Record<string, number>>;
  /** What did not hold beside growth, in words. */
  readonly broken: readonly string[];
  /** Records left in the spool at rest, by what they are. */
  readonly left: Readonly<Record<string, number>>;
  readonly alerts: Readonly<Record<string, number>>;
  readonly visits: number;
  readonly failedVisits: Readonly<Record<string, number>>;
  readonly logBytes: number;
  readonly auditLineBytes: number;
}

const dayMs = 86_400_000;
const looksWanted = 75;
const lookMsMin = 1_200;
const visitMs = 1_000;
const turnMs = 50;
/** A Redis that was emptied gives no lease for the length of one: the calendar all but waits for so long. */
const youngRedisMs = 8_000;
const waitingShare = 50;
const backlogEveryMs = 500;
/** What a client blocked by design may hold up is less. */
const backlogShareMax = 0.2;
const restMsMax = 60_000;

export async function soak(options: SoakOptions, closers: Closers, say: (line: string) => void): Promise<Soaked> {
  const clock = systemClock();
  const stage = await setStage(options, closers);
  const startAt = stage.calendar.now();
  const days = () => (stage.calendar.now() - startAt) / dayMs;
  const wholeDays = options.minutes * 60 * options.daysPerSecond;
  const timeline = createTimeline(troublesOf(wholeDays, stage.around, stage.customers));
  const visitor = createVisitor(stage.service.url);
  const visiting = everyMs(visitMs, () => visitor.visit(stage.customers.ids().at(-1)));
  closers.push('visitor', () => visiting.stop());
  const startMs = clock.monotonic();
  const looks = await live(options, { stage, timeline, look: lookerOf(stage, visitor, days), days }, say);
  const virtualDays = days();
  const realMs = clock.monotonic() - startMs;
  timeline.endAll();
  await stage.setSpeed(options.daysPerSecond / waitingShare);
  stage.customers.heed();
  const { broken, left } = await comeToRest(stage, restMsMax);
  await visiting.stop();
  const { rotations } = await stage.service.ask<ServiceLook>('look');
  const { made, failed } = visitor.visits();
  return {
    looks,
    virtualDays,
    realMs,
    rotations,
    struck: Object.fromEntries(timeline.struck),
    broken: [...broken, ...silentOf(timeline.struck), ...[...failed].map(([what, times]) => `${what}, ${times} times`)],
    left: kindsOf(left),
    alerts: Object.fromEntries(stage.around.alerts.taken),
    visits: made,
    failedVisits: Object.fromEntries(failed),
    logBytes: stage.logBytes(),
    auditLineBytes: stage.auditLineBytes(),
  };
}

interface Living {
  readonly stage: Stage;
  readonly timeline: Timeline;
  readonly look: () => Promise<Look>;
  readonly days: () => number;
}

/** Lets the calendar run for the minutes asked for; answers what was seen at steady intervals. */
async function live(
  { minutes, daysPerSecond, connections }: SoakOptions,
  { stage, timeline, look, days }: Living,
  say: (line: string) => void,
): Promise<readonly Look[]> {
  const clock = systemClock();
  const wholeMs = minutes * 60_000;
  const lookMs = Math.max(lookMsMin, wholeMs / looksWanted);
  const looks: Look[] = [];
  const startMs = clock.monotonic();
  const pace = paceOf(stage, { connections, daysPerSecond });
  for (let nextLookMs = startMs + lookMs; clock.monotonic() - startMs < wholeMs; await clock.sleep(turnMs)) {
    const began = await timeline.step(days());
    await pace(began.includes(emptied));
    if (clock.monotonic() < nextLookMs) continue;
    nextLookMs += lookMs;
    const seen = await look();
    looks.push(seen);
    if (looks.length % 15 === 0) say(progress(seen));
  }
  return looks;
}

/** Answers what sets the calendar's speed: at a crawl while Redis is new or the service behind, and else as asked for. */
function paceOf(stage: Stage, { connections, daysPerSecond }: Pick<SoakOptions, 'connections' | 'daysPerSecond'>) {
  const clock = systemClock();
  const { redis } = stage.around.redis;
  let speed = 0;
  let youngUntilMs = Number.NEGATIVE_INFINITY;
  let askedMs = Number.NEGATIVE_INFINITY;
  let behind = false;
  return async (emptiedNow: boolean) => {
    if (emptiedNow) youngUntilMs = clock.monotonic() + youngRedisMs;
    if (clock.monotonic() - askedMs >= backlogEveryMs) {
      behind = (await backlogOf(redis, stage.calendar.now(), providers)) > connections * backlogShareMax;
      askedMs = clock.monotonic();
    }
    const waits = behind || clock.monotonic() < youngUntilMs;
    const wanted = waits ? daysPerSecond / waitingShare : daysPerSecond;
    if (wanted === speed) return;
    await stage.setSpeed(wanted);
    speed = wanted;
  };
}

function silentOf(struck: ReadonlyMap<string, number>): readonly string[] {
  return [...struck].flatMap(([name, times]) => (times === 0 ? [`a trouble never struck: ${name}`] : []));
}

/** One look after the other, each from the last one's end. */
function lookerOf(stage: Stage, visitor: Visitor, days: () => number): () => Promise<Look> {
  const { redis, double } = stage.around;
  const clock = systemClock();
  const age = createAger(redis.redis);
  let loggedMs = clock.monotonic();
  let logged = stage.logBytes();
  return async () => {
    const at = days();
    await age(stage.calendar.now());
    const service = await stage.service.ask<ServiceLook>('look');
    const seen = await lookAtRedis(redis.redis);
    const bytes = stage.logBytes();
    const tookMs = clock.monotonic() - loggedMs;
    const logRate = ((bytes - logged) * 1_000) / tookMs;
    loggedMs += tookMs;
    logged = bytes;
    const ids = stage.customers.ids();
    const labels = ids.flatMap((id) => double.secrets.versions(id).flatMap(({ stages }) => stages)).length;
    const tags = ids.flatMap((id) => Object.keys(double.secrets.tags(id))).length;
    return {
      days: at,
      families: seen.families,
      figures: {
        ...service,
        redisMemory: seen.memory,
        redisKeys: seen.keys,
        redisElements: seen.elements,
        redisClients: seen.clients,
        spoolFiles: stage.spoolFiles(),
        dataFiles: stage.dataFiles(),
        dataBytes: stage.dataBytes(),
        labels,
        tags,
        series: visitor.visits().series,
        logRate,
      },
    };
  };
}

function progress({ days, figures }: Look): string {
  const mib = (name: string) => `${((figures[name] ?? 0) / 1_048_576).toFixed(1)} MiB`;
  return `day ${days.toFixed(0)}: ${figures.rotations} rotations, resident ${mib('rss')}, heap ${mib('heapUsed')}, Redis ${mib('redisMemory')}`;
}

interface Rest {
  /** What is not as it must be, and what must never have happened, in words. */
  readonly broken: readonly string[];
  readonly left: readonly LeftRecord[];
}

/** Waits until every live token is in the store and the spool holds nothing that could be finished. */
async function comeToRest({ around, calendar, customers, service }: Stage, msMax: number): Promise<Rest> {
  const { sandbox, double } = around;
  const { oracle } = sandbox;
  const clock = systemClock();
  const lost = () =>
    customers.ids().filter((id) => {
      const live = oracle.liveToken(id);
      const { refresh_token: held } = JSON.parse(String(double.secrets.current(id)?.value)) as Record<string, unknown>;
      return live !== undefined && live !== held;
    });
  const flagged = () =>
    customers.ids().filter((id) => 'pilotlight:state' in double.secrets.tags(id) && oracle.death(id) === undefined);
  const unfinished = (records: readonly LeftRecord[]) => {
    const here = new Set(customers.ids());
    return records.flatMap((record) => needless(record, here.has(record.connection), calendar.now()) ?? []);
  };
  let left = await service.ask<readonly LeftRecord[]>('left');
  for (const untilMs = clock.monotonic() + msMax; clock.monotonic() < untilMs; await clock.sleep(200)) {
    if (lost().length === 0 && flagged().length === 0 && unfinished(left).length === 0) break;
    left = await service.ask<readonly LeftRecord[]>('left');
  }
  const died = customers.ids().filter((id) => oracle.death(id)?.why === 'expired_idle');
  const broken = [
    ...lost().map((id) => `the live token of ${id} is not in the store`),
    ...died.map((id) => `${id} died of neglect`),
    ...flagged().map((id) => `${id} is flagged and lives: ${JSON.stringify(double.secrets.tags(id))}`),
    ...unfinished(left),
    ...oracle.doubleSpends().map(({ connection }) => `a token of ${connection} was spent twice`),
  ];
  return { broken, left };
}

/** Does something again and again, this long after its last end. */
function everyMs(ms: number, act: () => Promise<void>): { stop(): Promise<void> } {
  const over = new AbortController();
  const clock = systemClock();
  const loop = (async () => {
    while (!over.signal.aborted) {
      await act();
      await clock.sleep(ms, over.signal).catch(() => undefined);
    }
  })();
  return {
    stop() {
      over.abort();
      return loop;
    },
  };
}
