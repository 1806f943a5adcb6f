/**
 * Crash points: every port call of a clean rotation meets every fate, is recovered by every kind of worker, at every kind
 * of provider; then two faults in a row, those during recovery included. Each case is a whole simulated life, from a start
 * to rest, judged by the provider, which knows what lives.
 *
 * Replay: `k:fate:recovery:mode`, with a second fault `+k:fate`; k counts calls from the beginning of the rotation.
 */

import type { Case } from './crash-points/point.ts';
import { caseText, fatesOf, type Mode, makesSense, modes, readCase, recoveries } from './crash-points/point.ts';
import { type CaseEnd, runCase } from './crash-points/run.ts';
import { createTally, type Tally } from './crash-points/tally.ts';
import { createDice } from './sim/dice.ts';
import type { Suite, SuiteOptions, SuiteResult } from './suite.ts';

/** Pairs drawn in a run that is not `--long`, which tries all there are. */
const pairsDrawn = { usual: 10_000, quick: 250 } as const;
/** A machine under load tries fewer pairs rather than hold up everything else. */
const budgetMs = { usual: 240_000, quick: 15_000 } as const;
/** Of the single faults, a quick run tries one in so many. */
const quickStride = 5;
/** One case in so many is run twice, and must give the same trace. */
const twiceEvery = 400;

/** A single fault that was tried, and which of the calls after it could be torn. */
interface Tried {
  readonly tried: Case;
  readonly tearable: Uint8Array;
}

/** Every case with one fault. */
async function singles(mode: Mode): Promise<readonly Case[]> {
  const clean = await runCase({ faults: [], recovery: 'self', mode }, { liveOn: true });
  if (clean.broken.length > 0) throw new Error(`a clean run is not clean: ${JSON.stringify(clean.broken)}`);
  return clean.calls
    .slice(0, clean.inRotation)
    .flatMap(({ tearable }, at) =>
      recoveries.flatMap((recovery) =>
        fatesOf(tearable).flatMap((fate): Case[] =>
          makesSense(fate, recovery) ? [{ faults: [{ at, fate }], recovery, mode }] : [],
        ),
      ),
    );
}

function tearableIn({ calls }: CaseEnd): Uint8Array {
  return Uint8Array.from(calls, ({ tearable }) => (tearable ? 1 : 0));
}

/** Every second fault after the first, until the world is at rest. */
function* pairsOf({ tried, tearable }: Tried): Iterable<Case> {
  const [first] = tried.faults;
  if (first === undefined) return;
  for (let at = first.at + 1; at < tearable.length; at++)
    for (const fate of fatesOf(tearable[at] === 1)) yield { ...tried, faults: [first, { at, fate }] };
}

/** Pairs drawn by a seed, each first fault as likely as any other, and each second call after it. */
function* drawn(all: readonly Tried[], seed: number, count: number): Iterable<Case> {
  const dice = createDice(seed);
  for (let nth = 0; nth < count; nth++) {
    const { tried, tearable } = dice.oneOf(all);
    const [first] = tried.faults;
    const later = tearable.length - (first?.at ?? 0) - 1;
    if (first === undefined || later <= 0) continue;
    const at = first.at + 1 + dice.below(later);
    yield { ...tried, faults: [first, { at, fate: dice.oneOf(fatesOf(tearable[at] === 1)) }] };
  }
}

async function tryOne(tried: Case, tally: Tally, liveOn: boolean): Promise<CaseEnd> {
  const end = await runCase(tried, { liveOn });
  tally.add(tried, end);
  if (tally.tried % twiceEvery === 0 && (await runCase(tried, { liveOn })).traceHash !== end.traceHash)
    tally.fail(tried, 'other', 'the same case gave another trace when it was run again');
  return end;
}

async function runAll({ long, quick, seed, say }: SuiteOptions): Promise<SuiteResult> {
  const tally = createTally();
  const startedMs = performance.now();
  const length = quick ? 'quick' : 'usual';
  const done: Tried[] = [];
  for (const mode of modes) {
    for (const [place, tried] of (await singles(mode)).entries()) {
      if (quick && place % quickStride !== seed % quickStride) continue;
      const end = await tryOne(tried, tally, !quick);
      if (end.broken.length === 0) done.push({ tried, tearable: tearableIn(end) });
    }
    say(`${mode}: ${tally.tried} crash points so far, ${tally.failures.length} failures`);
  }
  tally.begin('pairs');
  if (long) for (const one of done) for (const tried of pairsOf(one)) await tryOne(tried, tally, false);
  else
    for (const tried of drawn(done, seed, pairsDrawn[length])) {
      if (performance.now() - startedMs > budgetMs[length]) break;
      await tryOne(tried, tally, false);
    }
  return tally.result();
}

/** One case, with all that happened in it. */
async function replay(text: string, say: (line: string) => void): Promise<SuiteResult> {
  const tried = readCase(text);
  const tally = createTally();
  const end = await runCase(tried, { liveOn: tried.faults.length < 2, traceLinesMax: 20_000 });
  for (const line of end.trace) say(line);
  if (tried.faults.length > 1) tally.begin('pairs');
  tally.add(tried, end);
  say(`${caseText(tried)}: trace ${end.traceHash}`);
  for (const { property, what } of end.broken) say(`${property}: ${what}`);
  return tally.result();
}

export const suite: Suite = {
  name: 'crash-points',
  run: async (options) => {
    // Thousands of expected errors: nobody reads where they were made.
    Error.stackTraceLimit = 0;
    return options.replay === undefined ? runAll(options) : replay(options.replay, options.say);
  },
};
