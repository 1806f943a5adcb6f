/**
 * The whole rotation over its real parts, the connection to the provider cut at a byte: the rotation, recovery, and the one
 * second try once the calendar has moved on. The sandbox knows which token lives, and what it was shown.
 */
import { runRefresh } from '../../../jobs/refresh.ts';
import { createTokenEndpoint } from '../../../src/oauth/token-endpoint.ts';
import type { RotationReport } from '../../../src/rotation/outcome.ts';
import type { Exchange, TokenEndpoint } from '../../../src/rotation/ports.ts';
import { seededRandom } from '../../../src/runtime/random.ts';
import type { GrantRules } from '../../../src/sandbox/providers/ledger.ts';
import { day, hour, minute, type RotationBench, startRotationBench } from '../../support/rotation-bench.ts';
import type { SuiteOptions } from '../suite.ts';
import { borders, cutOf, cutsAt, drawn, everyOffset, wordOf } from './cases.ts';
import { type Cut, type Cutter, firedInTime, startCutter } from './cutter.ts';
import { leaksIn, redisText } from './leaks.ts';
import { eachOf } from './side-by-side.ts';
import type { Tally } from './tally.ts';
import { type Judged, judgeRotation } from './verdict.ts';

/** What a provider does with a token it has replaced. */
export interface Mode {
  readonly name: string;
  readonly provider: 'docusign' | 'adobe-acrobat-sign';
  readonly scope: string;
  readonly rules: Partial<GrantRules>;
  readonly place?: string;
  /** The token that was replaced is worth nothing from that moment on. */
  readonly strict: boolean;
}

const extended = { provider: 'docusign', scope: 'signature extended' } as const;
export const modes: readonly Mode[] = [
  { name: 'strict', ...extended, rules: {}, strict: true },
  { name: 'grace', ...extended, rules: { graceMs: hour }, strict: false },
  { name: 'keeps', provider: 'adobe-acrobat-sign', scope: 'agreement_read', place: 'na1', rules: {}, strict: false },
];

/** Cases worked on between two turns of the calendar. */
const batchSize = 96;
const lanesMax = 24;
/** For a connection that falls silent; the rest ends by itself. */
const hastyMs = 500;
const patientMs = 5_000;
/** The longest any of these provider files says to wait for a second try. */
const secondTryMs = 2 * minute;
/** Offsets beside the borders, in each mode. */
const sampleSize = 200;

interface Lane {
  readonly cutter: Cutter;
  readonly hasty: TokenEndpoint;
  readonly patient: TokenEndpoint;
}

export interface Bench extends RotationBench {
  readonly lanes: readonly Lane[];
}

export interface CutRotations {
  readonly offsets: number;
  readonly cuts: number;
  /** At every offset there is. */
  readonly every: boolean;
  readonly windowLosses: number;
  readonly salvaged: number;
  readonly secondTries: number;
}

/** Stopped with its lanes. */
export async function startBench(seed: number): Promise<Bench> {
  const bench = await startRotationBench({
    // Many connections of one client are refused here, and rightly: its breaker has tests of its own.
    change: (config) => ({ ...config, rotation: { ...config.rotation, breakerThreshold: 1_000_000 } }),
  });
  const target = new URL(bench.config.sandbox?.connectTo ?? '');
  const lanes = await Promise.all(
    Array.from({ length: lanesMax }, async (_, number): Promise<Lane> => {
      const cutter = await startCutter({ host: target.hostname, port: Number(target.port) });
      const endpoint = (totalMs: number) =>
        createTokenEndpoint({
          // Answers are dated by the calendar the test turns.
          clock: bench.clock,
          random: seededRandom(seed + number),
          limits: { connectMs: totalMs, totalMs },
          connectTo: new URL(`http://127.0.0.1:${cutter.port}`),
        });
      return { cutter, hasty: endpoint(hastyMs), patient: endpoint(patientMs) };
    }),
  );
  return {
    ...bench,
    lanes,
    async stop() {
      for (const { cutter } of lanes) await cutter.stop();
      await bench.stop();
    },
  };
}

/** All cuts of one mode. */
export async function cutRotations(
  bench: Bench,
  mode: Mode,
  options: SuiteOptions,
  tally: Tally,
): Promise<CutRotations> {
  const before = { ...tally.counts };
  const cuts = await cutsOf(bench, mode, options);
  if (cuts.length > 0) options.say(`byte-cuts: whole rotations, provider ${mode.name}, ${cuts.length} cuts`);
  let secondTries = 0;
  for (let from = 0; from < cuts.length; from += batchSize)
    secondTries += await runBatch(bench, mode, cuts.slice(from, from + batchSize), tally);
  return {
    offsets: new Set(cuts.map(({ direction, at }) => `${direction} ${at}`)).size,
    every: options.long && options.replay === undefined,
    cuts: tally.counts.byteCuts - before.byteCuts,
    windowLosses: tally.counts.windowLosses - before.windowLosses,
    salvaged: tally.counts.salvaged - before.salvaged,
    secondTries,
  };
}

async function cutsOf(bench: Bench, mode: Mode, { long, quick, seed, replay }: SuiteOptions): Promise<readonly Cut[]> {
  if (replay !== undefined) return [cutOf(replay, `rotation-${mode.name}`)].filter((cut) => cut !== undefined);
  const { passage } = await startCase(bench, mode, undefined, bench.lanes[0] as Lane, 0);
  const every = cutsAt({ request: everyOffset(passage.request), answer: everyOffset(passage.answer) });
  if (long) return every;
  const random = seededRandom(seed);
  const marked = cutsAt({ request: borders(passage.request), answer: borders(passage.answer) });
  return quick ? drawn(marked, 60, random) : [...marked, ...drawn(every, sampleSize, random)];
}

/** A rotation whose connection was cut. */
interface Started extends Omit<Judged, 'next' | 'committed'> {
  /** The cut is what the exchange ended of. */
  readonly inTime: boolean;
}

let connections = 0;

/** A customer's connection, due for days. */
export function connectDue(
  bench: Bench,
  { provider, scope, rules, place }: Mode,
): Pick<Started, 'connection' | 'tokens'> {
  const connection = `c${++connections}`;
  const at = bench.clock.now() - 25 * day;
  const since = { consentedAt: at, refreshedAt: at };
  const held = bench.connect({
    provider,
    scope,
    rules,
    connection,
    ...since,
    ...(place === undefined ? {} : { place }),
  });
  return { connection, tokens: [held.refreshToken, held.accessToken] };
}

async function startCase(bench: Bench, mode: Mode, cut: Cut | undefined, lane: Lane, tries: number): Promise<Started> {
  const due = connectDue(bench, mode);
  const passage = lane.cutter.next(cut);
  const endpoint = cut?.manner === 'silence' && tries === 0 ? lane.hasty : lane.patient;
  const { report, exchange, endedMs } = await rotateThrough(bench, due.connection, endpoint);
  const inTime = cut !== undefined && firedInTime(passage, cut, exchange, endedMs);
  return { ...due, mode, passage, inTime, exchange, first: report };
}

/** What the provider knows, once it is done with a request whose sender may have given up long before. */
function settledAt(bench: Bench, started: Started): Judged {
  const { oracle } = bench.sandbox;
  const presentations = oracle.presentations(started.connection);
  return {
    ...started,
    next: oracle.liveToken(started.connection) ?? '',
    committed: presentations.some((one) => one.committed),
  };
}

/** One refresh job whose request goes through this endpoint. */
export async function rotateThrough(
  bench: Bench,
  connection: string,
  endpoint: TokenEndpoint,
): Promise<{ report: RotationReport; exchange: Exchange | undefined; endedMs: number }> {
  let exchange: Exchange | undefined;
  let endedMs = 0;
  const watched: TokenEndpoint = {
    ...endpoint,
    async send(request) {
      exchange = await endpoint.send(request);
      endedMs = performance.now();
      return exchange;
    },
  };
  const accounting = { index: bench.services.index, log: bench.deps.log, observe: () => {} };
  const ports = { ...bench.ports(), endpoint: watched };
  const job = { connection, reason: 'due' } as const;
  const signal = new AbortController().signal;
  const report = await runRefresh(job, { ports, settings: bench.settings, accounting }, signal);
  return { report, exchange, endedMs };
}

/** Answers how many second tries there were. */
async function runBatch(bench: Bench, mode: Mode, cuts: readonly Cut[], tally: Tally): Promise<number> {
  const { oracle } = bench.sandbox;
  const firstLine = bench.lines.length;
  const fired: { cut: Cut; started: Started }[] = [];
  const missed = await eachOf(cuts, bench.lanes, async (cut, lane, tries) => {
    const started = await startCase(bench, mode, cut, lane, tries);
    if (!started.inTime) return false;
    fired.push({ cut, started });
    return true;
  });
  for (const cut of missed) tally.fail('other', 'the cut never fired', wordOf(`rotation-${mode.name}`, cut));

  await bench.recover();
  const cases = fired.map(({ cut, started }) => ({
    word: wordOf(`rotation-${mode.name}`, cut),
    made: settledAt(bench, started),
  }));
  for (const { word, made } of cases)
    if (oracle.presentations(made.connection).length > 1) tally.fail('doubleSpends', 'recovery sent a token', word);

  // A sweep that comes too early sends nothing: the first request may still be running.
  const unknown = cases.filter(({ made }) => made.first.outcome === 'unknown');
  await eachOf(unknown, bench.lanes, async ({ word, made }, lane) => {
    const { exchange, report } = await rotateThrough(bench, made.connection, lane.patient);
    if (exchange !== undefined) tally.fail('doubleSpends', `sent again before its time: ${report.outcome}`, word);
    return true;
  });

  bench.clock.turn(secondTryMs);
  const open = cases.filter(({ made }) => made.first.outcome !== 'rotated');
  const second = new Map<string, RotationReport>();
  await eachOf(open, bench.lanes, async ({ made }, lane) => {
    second.set(made.connection, (await rotateThrough(bench, made.connection, lane.patient)).report);
    return true;
  });

  for (const { word, made } of cases) {
    tally.add('byteCuts');
    await judgeRotation(bench, made, second.get(made.connection), tally, word);
  }
  await searchForLeaks(bench, cases, firstLine, tally);
  return [...second.values()].filter(({ requestMs }) => requestMs !== undefined).length;
}

async function searchForLeaks(
  bench: Bench,
  cases: readonly { readonly word: string; readonly made: Judged }[],
  firstLine: number,
  tally: Tally,
): Promise<void> {
  const tokens = cases.flatMap(({ made }) => [...made.tokens, made.next].filter((token) => token !== ''));
  const told = bench.lines.slice(firstLine).join('\n') + JSON.stringify(cases.map(({ made }) => made.first));
  const kept = await redisText(bench.redis.redis);
  for (const [where, text] of [
    ['the log', told],
    ['Redis', kept],
  ] as const)
    for (const what of leaksIn(text, tokens)) tally.fail('canaryLeaks', `${what} in ${where}`, cases[0]?.word ?? '');
  // Redis is disposable, and what it holds of connections that are done with would only be searched again.
  await bench.flushRedis();
}
