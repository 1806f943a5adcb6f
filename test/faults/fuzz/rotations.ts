/**
 * Whole rotations with a damaged answer: the token that stands in it is current in the store or kept sealed, before and after
 * a recovery; the customer's members stay to the byte; nothing that is shown or kept outside the store holds a token.
 */
import fc from 'fast-check';
import type { RotationReport } from '../../../src/rotation/outcome.ts';
import type { ProviderName } from '../../support/shipped-providers.ts';
import { type AnswerCase, answerCase, type MadeAnswer, makeAnswer, planted, showAnswer } from './answer-case.ts';
import { type Canaries, clearIn, leaksIn } from './canary.ts';
import { customersOwn, goodDocument } from './document-rows.ts';
import { Broken, fuzzPart, type Note } from './part.ts';
import { rawMembers } from './raw-members.ts';
import { type FuzzWorld, metrics, nowAt, openWorld } from './world.ts';

interface RotationCase {
  readonly answer: AnswerCase;
  /** Which members of their own the customer keeps beside ours. */
  readonly own: number;
  readonly asBytes: boolean;
  readonly bom: boolean;
}

/** Members a rotation may write. */
const written = new Set([
  'refresh_token',
  'access_token',
  'token_type',
  'expires_at',
  'refreshed_at',
  'api_access_point',
  'pilotlight',
]);
const triedInRound: Canaries[] = [];

export const rotations = fuzzPart<RotationCase>({
  name: 'rotations',
  share: 5,
  cases: fc.record({
    answer: answerCase,
    own: fc.nat(customersOwn.length - 1),
    asBytes: fc.boolean(),
    bom: fc.boolean(),
  }),
  show: ({ answer, own }) => `customer's own ${own}; ${showAnswer(answer)}`,
  async attempt(one, note) {
    const made = makeAnswer(one.answer);
    const before = documentOf(one, made.canaries);
    const { report, world } = await runOnce(before, one, made);
    await checkWorld(world, made, before, report);
    note(`outcome: ${report.outcome}`);
    noteFate(report, made, note);
    for (const recovered of await world.recover()) checkEntry(recovered);
    await checkWorld(world, made, before, report);
    const leaks = leaksOf(world, made, report);
    if (leaks.length > 0)
      throw new Broken('canaryLeaks', `what is shown holds a stretch of ${leaks.join(', ')} (${report.outcome})`);
    triedInRound.push(made.canaries);
    if (one.answer.n % 8 !== 0) return;
    const again = await runOnce(before, one, made);
    if (
      again.report.outcome !== report.outcome ||
      again.report.reason !== report.reason ||
      again.world.current() !== world.current()
    )
      throw new Broken('other', 'the same answer came to something else the second time');
  },
  reaches: {
    'outcome: rotated': 60,
    'outcome: quarantined': 100,
    'outcome: unknown': 100,
    'outcome: suspect': 200,
    'outcome: misconfigured': 200,
    'outcome: throttled': 300,
    'outcome: retryLater': 200,
    'a token that stands is current': 100,
    'a token that stands is kept sealed': 200,
  },
  async endRound() {
    const { body } = await metrics.render();
    const leaked = triedInRound.some((canaries) => leaksIn(body, canaries).length > 0);
    triedInRound.length = 0;
    if (leaked) throw new Broken('canaryLeaks', 'a metric holds a stretch of a token');
  },
});

/** What a provider calls a request id is shown as one, unless it is a piece of what we sent: nobody could know it for a token. */
function leaksOf(world: FuzzWorld, { canaries }: MadeAnswer, { requestId }: RotationReport): readonly string[] {
  const { sent, clientSecret } = canaries;
  const inId = leaksIn(requestId ?? '', canaries).filter(
    (name) => canaries[name] === sent || canaries[name] === clientSecret,
  );
  const shown = requestId === undefined ? world.shown() : world.shown().replaceAll(requestId, '');
  return [...inId, ...leaksIn(shown, canaries), ...clearIn(world.sealed(), canaries)];
}

function documentOf({ answer, own, bom }: RotationCase, canaries: Canaries): string {
  const text = goodDocument(answer.provider.name as ProviderName, customersOwn[own]);
  return (bom ? '\ufeff' : '') + planted(text, canaries);
}

async function runOnce(before: string, { asBytes }: RotationCase, { raw, canaries }: MadeAnswer) {
  const world = await openWorld(asBytes ? Buffer.from(before, 'utf8') : before);
  const report = await world.rotate({ kind: 'answered', answer: raw }, canaries.clientSecret);
  checkEntry(report);
  return { world, report };
}

function checkEntry({ outcome, reason, entry }: RotationReport): void {
  if (reason === 'internal_error') throw new Broken('other', `a fault of ours: ${outcome}`);
  if (entry === undefined) return;
  const instants = [entry.since, entry.nextAt, entry.deadlineAt, entry.extendedAt].filter((at) => at !== null);
  if (instants.some((at) => !Number.isSafeInteger(at) || Math.abs(at) > 8.64e15))
    throw new Broken('other', `${outcome} leaves an instant that is none`);
  if (outcome !== 'rotated' || entry.state !== 'active' || entry.seen === '') return;
  if (entry.nextAt === null) throw new Broken('silentDeaths', 'a live connection was scheduled for never');
  if (entry.nextAt <= nowAt) throw new Broken('other', 'a connection that was just refreshed is due again at once');
}

async function checkWorld(
  world: FuzzWorld,
  made: MadeAnswer,
  before: string,
  { outcome }: RotationReport,
): Promise<void> {
  const { raw, truth, canaries } = made;
  const text = world.current();
  const token = tokenIn(text);
  const kept = (await world.sealedBodies()).some((body) => body.equals(raw.body));
  if (outcome === 'needsConsent' || world.tags()['pilotlight:state'] !== undefined)
    throw new Broken('falseReconsents', 'one answer was enough to ask for a new consent');
  const refused = raw.status >= 400 && raw.status < 500;
  if (truth?.stands !== undefined && !refused && token !== truth.stands && !kept)
    throw new Broken(
      'lostTokens',
      `a whole refresh token stood in the answer and is neither current nor kept (${outcome})`,
    );
  if (truth?.numeric === true && raw.status >= 200 && raw.status < 300 && !kept)
    throw new Broken('lostTokens', `the digits of a numeric token were not kept (${outcome})`);
  if ((outcome === 'quarantined' || outcome === 'unknown' || outcome === 'sealed') && !kept)
    throw new Broken('lostTokens', `the outcome is ${outcome}, and the answer is not kept`);
  if (outcome === 'sealed') throw new Broken('other', 'the store refused what was made of the answer');
  if (outcome === 'rotated') return checkDocument(before, text);
  if (text !== before) throw new Broken('other', `the secret was changed, and the outcome is ${outcome}`);
  if (token !== canaries.sent) throw new Broken('other', 'the test lost its own token');
}

/** Every member but ours is there in its place, as it was written. */
export function checkDocument(before: string, after: string, ours: ReadonlySet<string> = written): void {
  const [old, now] = [rawMembers(before), rawMembers(after)];
  if (old === undefined || now === undefined) throw new Broken('other', 'the document that was written is no object');
  if (before.startsWith('\ufeff') !== after.startsWith('\ufeff'))
    throw new Broken('other', 'the byte order mark changed');
  for (const [place, { key, raw }] of old.entries()) {
    if (now[place]?.key !== key) throw new Broken('other', 'a member of the document moved or is gone');
    if (!ours.has(key) && now[place]?.raw !== raw) throw new Broken('other', 'a member of the customer was changed');
  }
}

function tokenIn(text: string): unknown {
  return (JSON.parse(text.replace(/^\ufeff/, '')) as Record<string, unknown>).refresh_token;
}

function noteFate({ outcome }: RotationReport, { truth }: MadeAnswer, note: Note): void {
  if (truth?.stands === undefined) return;
  if (outcome === 'rotated') note('a token that stands is current');
  if (outcome === 'quarantined') note('a token that stands is kept sealed');
}
