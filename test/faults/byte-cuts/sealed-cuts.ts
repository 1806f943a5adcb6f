/**
 * The answer is cut behind its refresh token, and the worker dies once what came is sealed: its successor finds a partial
 * body on the disk, takes the token out and brings it into the store, without a word to the provider.
 */
import type { SuiteOptions } from '../suite.ts';
import { cutOf, everyOffset, manners, wordOf } from './cases.ts';
import type { Cut } from './cutter.ts';
import { type Bench, connectDue, type Mode, rotateThrough } from './rotation-cuts.ts';
import type { Tally } from './tally.ts';

/** Answers how many answers were cut, and how many of their partial bodies were sealed and salvaged that way. */
export async function cutAndCrash(
  bench: Bench,
  mode: Mode,
  options: SuiteOptions,
  tally: Tally,
): Promise<{ readonly cuts: number; readonly salvaged: number }> {
  const cuts = await cutsOf(bench, mode, options);
  options.say(`byte-cuts: cut, sealed and killed, provider ${mode.name}, ${cuts.length} cuts`);
  let salvaged = 0;
  for (const cut of cuts) if (await salvages(bench, mode, cut, tally)) salvaged += 1;
  return { cuts: cuts.length, salvaged };
}

async function cutsOf(bench: Bench, mode: Mode, { quick, replay }: SuiteOptions): Promise<readonly Cut[]> {
  if (replay !== undefined) return [cutOf(replay, `sealed-${mode.name}`)].filter((cut) => cut !== undefined);
  const { connection } = connectDue(bench, mode);
  const [lane] = bench.lanes;
  if (lane === undefined) throw new Error('there is no lane');
  const passage = lane.cutter.next(undefined);
  await rotateThrough(bench, connection, lane.patient);
  const name = '"refresh_token":"';
  const closing = passage.answer.indexOf('"', passage.answer.indexOf(name) + name.length);
  const behind = everyOffset(passage.answer).filter((at) => at > closing && at < passage.answer.length);
  return behind
    .filter((at) => !quick || at % 8 === 0)
    .map((at) => ({ direction: 'answer', at, manner: manners[at % 2] ?? 'reset' }));
}

async function salvages(bench: Bench, mode: Mode, cut: Cut, tally: Tally): Promise<boolean> {
  const word = wordOf(`sealed-${mode.name}`, cut);
  const { oracle } = bench.sandbox;
  const [lane] = bench.lanes;
  if (lane === undefined) throw new Error('there is no lane');
  const { connection } = connectDue(bench, mode);
  const passage = lane.cutter.next(cut);
  const died = Promise.withResolvers<'died'>();
  bench.at('sealed', () => {
    died.resolve('died');
    return new Promise(() => {});
  });
  const end = await Promise.race([died.promise, rotateThrough(bench, connection, lane.patient)]);
  await bench.restart(connection);
  if (end !== 'died' || !passage.fired) {
    tally.fail('other', 'nothing was cut, or nothing sealed', word);
    return false;
  }
  tally.add('byteCuts');
  const recovered = (await bench.recover()).find((report) => report.connection === connection);
  if (bench.document(connection).refresh_token !== oracle.liveToken(connection))
    tally.fail(
      'lostTokens',
      `recovery came to ${recovered?.outcome ?? 'nothing'}: the store lacks the live token`,
      word,
    );
  if (oracle.presentations(connection).length > 1) tally.fail('doubleSpends', 'recovery sent a token', word);
  if (recovered?.oddities?.includes('salvaged') !== true) {
    tally.fail('other', 'a cut answer was used, and nobody is told', word);
    return false;
  }
  tally.add('salvaged');
  return true;
}
