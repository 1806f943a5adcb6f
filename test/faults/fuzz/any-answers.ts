/** Answers out of nothing, by the generator the unit tests use, as far from the catalogue as it goes: no throw, no two readings, no echo. */
import { inspect } from 'node:util';
import { createTokenEndpoint } from '../../../src/oauth/token-endpoint.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { seededRandom } from '../../../src/runtime/random.ts';
import { Secret } from '../../../src/runtime/secret.ts';
import { type AnswerCase, answerCases } from '../../support/answer-arbitraries.ts';
import { Broken, fuzzPart } from './part.ts';

const endpoint = createTokenEndpoint({ clock: systemClock(), random: seededRandom(1) });

export const anyAnswers = fuzzPart<AnswerCase>({
  name: 'any-answers',
  share: 6,
  cases: answerCases,
  show: ({ sent, provider, body, ...rest }) =>
    JSON.stringify({ provider: provider.name, ...rest, body: body.toString('base64') }).replaceAll(sent, '<sent>'),
  attempt({ sent, provider, status, headers, body, complete }, note) {
    const raw = { status, headers, body, complete, receivedAt: 1_800_000_000_000 };
    const read = () => endpoint.read(provider, raw, { refreshToken: new Secret(sent) });
    const answer = read();
    const shown = `${JSON.stringify(answer)} ${inspect(answer, { depth: 9, showHidden: true })}`;
    if (answer.kind === 'notUnderstood' && answer.why === 'reader_failed')
      throw new Broken('other', 'the reader failed');
    if (JSON.stringify(read()) !== JSON.stringify(answer))
      throw new Broken('other', 'the same answer was read in two ways');
    // A word may be a token here, and scope and kept members are plain words: only refusals are held against it.
    const holds =
      answer.kind === 'refused' &&
      [answer.error, answer.description, answer.requestId].some((text) => text?.includes(sent));
    if (holds || (answer.kind === 'notUnderstood' && shown.includes(sent)))
      throw new Broken('canaryLeaks', 'the token that was sent is shown');
    note(answer.kind);
  },
  reaches: { granted: 40, refused: 8, notUnderstood: 20 },
});
