/**
 * The real worker process against a real Redis and the doubles over HTTP: killed at named points and at random, stopped
 * beyond its lease, with Redis, the store and the disk going away under it.
 */
import { percentile } from '../bench/stats.ts';
import { aimedCases, readAimed, runAimed, wordOf as wordOfAimed } from './processes/aimed.ts';
import { outages, readOutage, runOutage, wordOf as wordOfOutage } from './processes/outages.ts';
import { points } from './processes/points.ts';
import { killAtRandom, readRound, wordOf as wordOfRound } from './processes/random-kills.ts';
import { readStop, runStop, stopCases, wordOf as wordOfStop } from './processes/stops.ts';
import { createTally, type Tally } from './processes/tally.ts';
import { runUnshortened, word as unshortened } from './processes/unshortened.ts';
import type { Suite, SuiteOptions, SuiteResult } from './suite.ts';

/** Kills of one round; then its workers are left alone until they have come to rest. */
const killsPerRound = 12;
/** Random kills of a run. */
const randomKills = { quick: 6, usual: 120, long: 10_000 } as const;
/** Cases side by side: most of a case is waiting for leases to run out. */
const aimedAtATime = 12;
/** Rounds that come to rest while the next one is killed. */
const restingMax = 4;

/** One case, by the word that names it in a replay. */
async function runWord(word: string, tally: Tally): Promise<void> {
  const [kind] = word.split('/');
  if (kind === 'kill') await runAimed(readAimed(word), tally);
  else if (kind === 'stop') await runStop(readStop(word), tally);
  else if (kind === 'outage') await runOutage(readOutage(word), tally);
  else if (kind === 'round') await (await killAtRandom(readRound(word), tally)).judged;
  else if (word === unshortened) await runUnshortened(tally);
  else throw new Error(`there is no case ${word}`);
}

/** The cases that stand each for itself, longest first. */
function casesOf(mode: 'quick' | 'usual' | 'long'): readonly string[] {
  const aimed = aimedCases(mode).map(wordOfAimed);
  const stops = stopCases.map(wordOfStop);
  const away = outages.map(wordOfOutage);
  if (mode === 'quick') return [...aimed, ...stops.filter((word) => word.includes('put-received')), 'outage/disk-full'];
  return [unshortened, ...away, ...stops, ...aimed];
}

async function runCases(words: readonly string[], tally: Tally, say: (line: string) => void): Promise<void> {
  const left = [...words];
  async function lane() {
    for (let word = left.shift(); word !== undefined; word = left.shift()) {
      await settled(word, runWord(word, tally), tally);
      if (left.length % 10 === 0) say(`${left.length} cases to begin`);
    }
  }
  await Promise.all(Array.from({ length: aimedAtATime }, lane));
}

/** A case that breaks down is a failure of its own, and no end of the others. */
async function settled(word: string, running: Promise<unknown>, tally: Tally): Promise<void> {
  await running.catch((error: unknown) => tally.fail('other', String((error as Error).stack ?? error), word));
}

async function runRounds(kills: number, { seed, say }: SuiteOptions, tally: Tally): Promise<void> {
  const resting = new Set<Promise<void>>();
  for (let done = 0, round = 0; done < kills; done += killsPerRound, round++) {
    const which = { seed: seed + round, kills: Math.min(killsPerRound, kills - done) };
    const word = wordOfRound(which);
    const killed = await killAtRandom(which, tally).catch((error: unknown) => {
      tally.fail('other', String((error as Error).stack ?? error), word);
    });
    say(`${tally.counts.randomKills} of ${kills} random kills`);
    if (killed === undefined) continue;
    const rest = settled(word, killed.judged, tally).finally(() => resting.delete(rest));
    resting.add(rest);
    if (resting.size >= restingMax) await Promise.race(resting);
  }
  await Promise.all(resting);
}

function resultOf({ counts, failures, recoveryMs }: Tally): SuiteResult {
  const at = (share: number) => (recoveryMs.length === 0 ? 0 : Math.round(percentile(recoveryMs, share)));
  const recoveryMsMax = Math.round(Math.max(0, ...recoveryMs));
  return {
    counts: { ...counts, recoveryMsMax, recoveryMsP50: at(0.5) },
    failures,
    table: [
      `recovery after SIGKILL, from the successor's start to the last answer in the store: p50 ${at(0.5)} ms, max ${recoveryMsMax} ms (${recoveryMs.length} answers; lease 20 s)`,
      `grants lost in the stated window: ${counts.windowLosses} of ${counts.spends} spends, ${counts.kills} kills`,
    ],
  };
}

/** A point at which nobody was killed proves nothing, nor do kills that left nothing to recover. */
function rareStatesOf({ counts, reached }: Tally): NonNullable<SuiteResult['rareStates']> {
  const state = (name: string, times: number, wanted: number) => [name, { reached: times, wanted }] as const;
  return Object.fromEntries([
    ...points.map(({ name }) => state(`killed at ${name}`, reached.get(`killed at ${name}`) ?? 0, 2)),
    state('an answer outlived its worker', counts.recoveries, 20),
    state('a second try after a kill', counts.secondTries, 10),
  ]);
}

export const suite: Suite = {
  name: 'processes',
  async run(options) {
    const tally = createTally();
    const mode = options.long ? 'long' : options.quick ? 'quick' : 'usual';
    if (options.replay !== undefined) await settled(options.replay, runWord(options.replay, tally), tally);
    else await Promise.all([runCases(casesOf(mode), tally, options.say), runRounds(randomKills[mode], options, tally)]);
    const whole = options.replay === undefined && mode !== 'quick';
    return { ...resultOf(tally), ...(whole ? { rareStates: rareStatesOf(tally) } : {}) };
  },
};
