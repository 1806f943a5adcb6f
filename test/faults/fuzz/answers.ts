/**
 * Answers, read by the real endpoint: nothing is thrown, nothing that stands in a body is lost or altered, nothing secret is
 * shown, and the same bytes are read the same way twice.
 */
import { inspect } from 'node:util';
import { createTokenEndpoint } from '../../../src/oauth/token-endpoint.ts';
import type { Answer } from '../../../src/rotation/ports.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { seededRandom } from '../../../src/runtime/random.ts';
import { Secret } from '../../../src/runtime/secret.ts';
import { type AnswerCase, answerCase, type MadeAnswer, makeAnswer, showAnswer } from './answer-case.ts';
import { leaksIn, seenMax } from './canary.ts';
import { Broken, fuzzPart, type Note } from './part.ts';
import { holdsWhole } from './reference.ts';

const endpoint = createTokenEndpoint({ clock: systemClock(), random: seededRandom(1) });
const scope = 'signature extended';
const hours = 3_600_000;

/** What the reader cannot know to be secret: the client's own word for it is never given to it. */
const seenOfAnswers = { ...seenMax, clientSecret: 15 };

export const answers = fuzzPart<AnswerCase>({
  name: 'answers',
  share: 56,
  cases: answerCase,
  show: showAnswer,
  attempt(one, note) {
    const made = makeAnswer(one);
    const read = () => endpoint.read(one.provider, made.raw, { refreshToken: new Secret(made.canaries.sent), scope });
    const answer = read();
    if (laidOpen(read()) !== laidOpen(answer)) throw new Broken('other', 'the same answer was read in two ways');
    checkAnswer(made, answer);
    checkTimes(one, answer);
    const shown = shownOf(answer);
    const leaks = leaksIn(shown, made.canaries, seenOfAnswers);
    if (leaks.length > 0) throw new Broken('canaryLeaks', `the reading shows a stretch of ${leaks.join(', ')}`);
    noteAnswer(made, answer, note);
  },
  reaches: {
    'granted, new token': 40,
    'granted, old token kept': 200,
    'granted, salvaged from a cut body': 400,
    'held: refresh_token_not_text': 400,
    'held: refresh_token_ambiguous': 400,
    'held: refresh_token_characters': 400,
    'held: refresh_token_too_long': 800,
    'held: not_json': 200,
    'held: not_utf8': 700,
    'held: token_in_refusal': 400,
    'held: too_large': 800,
    'held: encoding_broken': 800,
    'refused: grant': 100,
    'refused: client': 400,
    'refused: unknown': 100,
    'refused: throttled': 200,
    'a whole token stands': 30,
    'a numeric token stands': 800,
  },
});

/** What must follow from the body alone. */
export function checkAnswer({ canaries, raw, text, truth }: MadeAnswer, answer: Answer): void {
  if (answer.kind === 'notUnderstood' && answer.why === 'reader_failed') throw new Broken('other', 'the reader failed');
  const success = raw.status >= 200 && raw.status < 300;
  if (answer.kind === 'granted') {
    if (!success) throw new Broken('other', `granted by status ${raw.status}`);
    const token = answer.refreshToken?.reveal();
    if (token === canaries.sent) throw new Broken('other', 'the token that was sent was taken for a new one');
    if (token !== undefined && !holdsWhole(text, token))
      throw new Broken('lostTokens', 'a token was granted that does not stand in the body as it is');
  }
  const refusedByClient = raw.status >= 400 && raw.status < 500;
  if (truth?.stands !== undefined && !refusedByClient) {
    const granted = answer.kind === 'granted' && answer.refreshToken?.reveal() === truth.stands;
    if (!granted && answer.kind !== 'notUnderstood')
      throw new Broken(
        'lostTokens',
        `a whole refresh token stands in the body, and the answer was read as ${wordFor(answer)}`,
      );
  }
  if (truth?.numeric === true && success && answer.kind === 'granted' && answer.refreshToken !== undefined)
    throw new Broken('lostTokens', 'a numeric token was granted as text');
  if (truth?.numeric === true && success && answer.kind !== 'notUnderstood')
    throw new Broken(
      'lostTokens',
      `a numeric refresh token stands in the body, and the answer was read as ${wordFor(answer)}`,
    );
  if (answer.kind === 'refused' && answer.means === 'grant' && !success && !refusedByClient)
    throw new Broken('falseReconsents', `status ${raw.status} was taken for a refusal of the token`);
}

/** No time a provider states may park a connection or make it spin. */
function checkTimes({ provider }: AnswerCase, answer: Answer): void {
  const within = (what: string, ms: number | undefined, least: number, most: number) => {
    if (ms !== undefined && !(ms >= least && ms <= most)) throw new Broken('other', `${what} is ${ms} ms`);
  };
  if (answer.kind === 'refused') within('Retry-After', answer.retryAfterMs, 1_000, 6 * hours);
  if (answer.kind !== 'granted') return;
  within('expires_in', answer.accessTokenLifeMs, 1_000, provider.accessToken.lifeMax);
  within('refresh_token_expires_in', answer.refreshTokenLifeMs, 1_000, 20 * 365 * 24 * hours);
}

/**
 * Everything but what a provider says in plain words. A request id is what it calls one: a token in its place cannot be known
 * for one. The rotations' part sees that neither is shown where it holds a piece of what we sent.
 */
function shownOf(answer: Answer): string {
  const plain = new Set(['requestId', 'scope', 'tokenType', 'kept']);
  const rest = Object.fromEntries(Object.entries(answer).filter(([name]) => !plain.has(name)));
  return `${JSON.stringify(rest)}\n${inspect(rest, { depth: 9, showHidden: true })}`;
}

function laidOpen(answer: Answer): string {
  if (answer.kind !== 'granted') return JSON.stringify(answer);
  return JSON.stringify({
    ...answer,
    refreshToken: answer.refreshToken?.reveal(),
    accessToken: answer.accessToken?.reveal(),
  });
}

function wordFor(answer: Answer): string {
  if (answer.kind === 'granted')
    return answer.refreshToken === undefined ? 'granted without one' : 'granted with another one';
  return answer.kind === 'refused'
    ? `refused (${answer.means}, status ${String(answer.status)[0]}xx)`
    : 'not understood';
}

function noteAnswer({ truth }: MadeAnswer, answer: Answer, note: Note): void {
  if (truth?.stands !== undefined) note('a whole token stands');
  if (truth?.numeric === true) note('a numeric token stands');
  if (answer.kind === 'refused') note(`refused: ${answer.means}`);
  if (answer.kind === 'notUnderstood') note(`held: ${answer.why}`);
  if (answer.kind !== 'granted') return;
  note(answer.refreshToken === undefined ? 'granted, old token kept' : 'granted, new token');
  if (answer.oddities.includes('salvaged') && answer.refreshToken !== undefined)
    note('granted, salvaged from a cut body');
}
