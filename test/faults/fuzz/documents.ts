/**
 * Secrets of customers, damaged: reading never throws and never shows what it reads, the token is taken as it stands or not at
 * all, what is written back differs in our members only, and what was said to fit does fit.
 */
import { inspect } from 'node:util';
import fc from 'fast-check';
import type { Provider } from '../../../config/provider.ts';
import { type ConnectionDocument, isPlaceholder, parseDocument } from '../../../src/connection/document.ts';
import { connectionStates, reasons } from '../../../src/connection/entry.ts';
import { flagTags, readFlag, readOverrides } from '../../../src/connection/flag.ts';
import { entryOf, judge, type Sighting, type Standing } from '../../../src/connection/standing.ts';
import { createTokenEndpoint } from '../../../src/oauth/token-endpoint.ts';
import { answerWillFit, type Granted, renewDocument } from '../../../src/rotation/renewal.ts';
import { tokenBytesMax, valueBytesMax } from '../../../src/rotation/settings.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { seededRandom } from '../../../src/runtime/random.ts';
import { Secret } from '../../../src/runtime/secret.ts';
import { documents as anyDocuments } from '../../support/document-arbitraries.ts';
import { canaryNumber, damage, planted } from './answer-case.ts';
import { blanked, type Canaries, canariesOf, leaksIn } from './canary.ts';
import { documentRows } from './document-rows.ts';
import { config, rules } from './install.ts';
import { type Mutation, mutated } from './mutate.ts';
import { Broken, fuzzPart, type Note } from './part.ts';
import { checkDocument } from './rotations.ts';
import { nowAt } from './world.ts';

interface DocumentCase {
  readonly n: number;
  readonly text: string;
  readonly mutations: readonly Mutation[];
  readonly bytes: 'text' | 'utf8' | 'latin1';
  readonly tags: Readonly<Record<string, string>>;
  readonly answer: BigAnswer;
}

/** How large and how strange what comes with the answer is: whatever the reader lets through. */
interface BigAnswer {
  readonly provider: Provider;
  readonly refreshLength: number;
  readonly accessLength: number;
  readonly keptLength: number;
  readonly filler: string;
}

const providers = Object.values(config.providers);
const endpoint = createTokenEndpoint({ clock: systemClock(), random: seededRandom(1) });
const keptNames = ['account_id', 'tenant'];

const tagValues = fc.constantFrom(
  '',
  'production',
  'staging',
  'reauth_required',
  'active',
  'invalid_grant',
  'none',
  'SENT',
  '1m',
  '10d',
  '0s',
  '1e9d',
  '-1d',
  '99999999y',
  'soon',
  '2026-11-20T08:00:00Z',
  '+275760-09-13T00:00:00Z',
  'v-old',
  '\u0000',
  'x'.repeat(256),
);
const tagNames = fc.constantFrom(
  'pilotlight:environment',
  'pilotlight:state',
  'pilotlight:reason',
  'pilotlight:since',
  'pilotlight:version',
  'pilotlight:refresh-every',
  'pilotlight:idle-lifetime',
  'pilotlight:absolute-lifetime',
  'pilotlight:snoozed-until',
  'pilotlight:owner',
  '__proto__',
);
const length = (most: number) =>
  fc.oneof(
    { weight: 11, arbitrary: fc.integer({ min: 1, max: 200 }) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: most }) },
  );

/** A flag of ours, whole or with one tag that is not. */
const flags = fc
  .tuple(
    fc.constantFrom(...connectionStates),
    fc.constantFrom(...reasons),
    fc.dictionary(tagNames, tagValues, { maxKeys: 1 }),
  )
  .map(([state, reason, other]) => ({ ...flagTags({ state, reason, since: nowAt - 1, version: 'v-old' }), ...other }));

const cases: fc.Arbitrary<DocumentCase> = fc.record({
  n: canaryNumber,
  text: fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...documentRows).map(({ text }) => text) },
    { weight: 2, arbitrary: anyDocuments.map(({ text }) => text) },
  ),
  mutations: damage,
  bytes: fc.constantFrom('text', 'text', 'text', 'utf8', 'latin1'),
  tags: fc.oneof(
    { weight: 2, arbitrary: fc.constant({}) },
    { weight: 1, arbitrary: fc.dictionary(tagNames, tagValues, { maxKeys: 5 }) },
    { weight: 1, arbitrary: flags },
  ),
  answer: fc.record({
    provider: fc
      .constantFrom(...providers)
      .map((provider) => ({ ...provider, answer: { ...provider.answer, keep: keptNames } })),
    refreshLength: length(tokenBytesMax),
    accessLength: length(40_000),
    keptLength: length(4_096),
    filler: fc.constantFrom('x', '"', '\\', '/', '\u00e9', '\u{1f511}', '\u0001'),
  }),
});

export const documents = fuzzPart<DocumentCase>({
  name: 'documents',
  share: 12,
  cases,
  show(one) {
    const { canaries, text } = make(one);
    const { answer } = one;
    const sizes = `refresh ${answer.refreshLength}, access ${answer.accessLength}, kept ${answer.keptLength} of ${JSON.stringify(answer.filler)} at ${answer.provider.name}`;
    return blanked(
      `${one.mutations.map(({ kind }) => kind).join('+')} ${JSON.stringify(one.tags)} answer: ${sizes}; ${JSON.stringify(text)}`,
      canaries,
    );
  },
  attempt(one, note) {
    const { canaries, text } = make(one);
    const parsed = parseDocument(text, rules.names, nowAt);
    if (!parsed.ok) {
      if (!reasons.includes(parsed.reason)) throw new Broken('other', 'refused for a reason nobody knows');
      note(`refused: ${parsed.reason}`);
    } else {
      checkToken(text, parsed.document);
      checkHidden(parsed.document, canaries);
      checkRenewal(one, parsed.document, note);
    }
    checkStanding(one, text, canaries, note);
  },
  reaches: {
    'refused: content_not_json': 20,
    'refused: content_not_object': 200,
    'refused: duplicate_key': 200,
    'refused: forbidden_key': 300,
    'judged: usable': 20,
    'judged: provider_unknown': 1_000,
    'judged: environment_unknown': 300,
    'judged: host_not_allowed': 300,
    'judged: refresh_token_missing': 200,
    'judged: binary_not_text': 800,
    'renewed within the limit': 20,
    'said not to fit': 300,
    'a flag is read': 10_000,
  },
});

function make({ n, text, mutations }: DocumentCase): { readonly canaries: Canaries; readonly text: string } {
  const canaries = canariesOf(n);
  const whole = planted(text, canaries);
  const damaged = mutated(whole, mutations).toWellFormed();
  // No secret is larger than the store takes.
  return { canaries, text: Buffer.byteLength(damaged) > valueBytesMax ? whole : damaged };
}

/** The token is what a strict reader finds under its very name, or nothing. */
function checkToken(text: string, { refreshToken }: ConnectionDocument): void {
  const strict = JSON.parse(text.replace(/^\ufeff/, '')) as Record<string, unknown>;
  const said = Object.hasOwn(strict, 'refresh_token') ? strict.refresh_token : undefined;
  const usable = typeof said === 'string' && said !== '' && !isPlaceholder(said);
  const token = refreshToken?.reveal();
  if (usable && token !== said) throw new Broken('lostTokens', 'the refresh token was not taken as it stands');
  if (!usable && said !== undefined && said !== null && token !== undefined)
    throw new Broken('lostTokens', 'something that is no refresh token was taken for one');
}

/** Members that are no secrets are plain; everything else prints nothing. */
function checkHidden(document: ConnectionDocument, canaries: Canaries): void {
  const {
    provider: _p,
    environment: _e,
    client: _c,
    scope: _s,
    apiAccessPoint: _a,
    dataCenter: _d,
    grantType: _g,
    own: _o,
    ...rest
  } = document;
  const leaks = leaksIn(`${JSON.stringify(rest)} ${inspect(rest, { showHidden: true, depth: 9 })}`, canaries);
  if (leaks.length > 0) throw new Broken('canaryLeaks', `a document that is printed shows ${leaks.join(', ')}`);
}

/** What the reader makes of an answer of the sizes asked for; undefined where it would not grant it. */
function grantedBy(
  { provider, refreshLength, accessLength, keptLength, filler }: BigAnswer,
  canaries: Canaries,
): Granted | undefined {
  const ascii = /^[\x21-\x7e]$/.test(filler);
  const long = (start: string, most: number) => start + (ascii ? filler : 'x').repeat(Math.max(0, most - start.length));
  const body = JSON.stringify({
    access_token: long(canaries.access, accessLength),
    refresh_token: long(canaries.fresh, refreshLength),
    token_type: 'Bearer',
    expires_in: 3_600,
    ...Object.fromEntries(
      keptNames.map((name) => [name, [...filler.repeat(keptLength)].slice(0, keptLength).join('')]),
    ),
  });
  const raw = {
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(body),
    complete: true,
    receivedAt: nowAt,
  };
  const answer = endpoint.read(provider, raw, { refreshToken: new Secret(canaries.sent) });
  return answer.kind === 'granted' ? answer : undefined;
}

function checkRenewal(one: DocumentCase, document: ConnectionDocument, note: Note): void {
  const canaries = canariesOf(one.n);
  const granted = grantedBy(one.answer, canaries);
  if (granted === undefined) return;
  const fits = answerWillFit(document, one.answer.provider, rules.names);
  if (!fits) note('said not to fit');
  const renewed = (of: ConnectionDocument) =>
    renewDocument(
      {
        document: of,
        granted,
        versionId: 'v-new',
        versionOld: 'v-old',
        fingerprintOld: 'aaaaaaaaaaaa',
        sealedAt: nowAt,
        extendsLife: true,
        foreignSpender: false,
      },
      rules.names,
      rules.fingerprint,
    ).reveal();
  const text = renewed(document);
  if (renewed(document) !== text) throw new Broken('other', 'two writers make different bytes of the same answer');
  const bytes = Buffer.byteLength(text);
  if (fits && bytes > valueBytesMax)
    throw new Broken('other', `said to fit before the token was spent, and is ${bytes} bytes`);
  if (fits) note('renewed within the limit');
  checkDocument(document.source.reveal(), text, writtenIn(document));
  const again = parseDocument(text, rules.names, nowAt);
  if (!again.ok || again.document.refreshToken?.reveal() !== granted.refreshToken?.reveal())
    throw new Broken('lostTokens', 'the token that was written cannot be read back');
}

/** Names of members that are ours under the spelling they have in this document. */
function writtenIn({ source }: ConnectionDocument): ReadonlySet<string> {
  const plain = (name: string) => name.toLowerCase().replaceAll(/[_-]/g, '');
  const ours = [
    'refresh_token',
    'access_token',
    'token_type',
    'expires_at',
    'refreshed_at',
    'pilotlight',
    ...keptNames,
  ];
  const keys = Object.keys(JSON.parse(source.reveal().replace(/^\ufeff/, '')) as object);
  // An exact name leaves others that are only alike to the customer.
  return new Set(
    ours.flatMap((name) => (keys.includes(name) ? [name] : keys.filter((key) => plain(key) === plain(name)))),
  );
}

function checkStanding({ bytes, tags }: DocumentCase, text: string, canaries: Canaries, note: Note): void {
  const value = bytes === 'text' ? { text: new Secret(text) } : { binary: Buffer.from(text, bytes) };
  const shownTags = Object.fromEntries(Object.entries(tags).map(([name, tag]) => [name, planted(tag, canaries)]));
  const sighting: Sighting = {
    id: 'customers/1',
    tags: shownTags,
    stages: { 'v-old': ['AWSCURRENT'] },
    version: { versionId: 'v-old', createdAt: nowAt - 86_400_000, value },
    known: undefined,
  };
  const standing = judge(sighting, rules, nowAt);
  const entry = entryOf(sighting, standing, nowAt);
  if (JSON.stringify(entryOf(sighting, judge(sighting, rules, nowAt), nowAt)) !== JSON.stringify(entry))
    throw new Broken('other', 'the same secret was judged in two ways');
  note(`judged: ${standing.usable ? 'usable' : standing.reason}`);
  checkInstants(standing, entry);
  const leaks = leaksIn(JSON.stringify(entry), canaries);
  if (leaks.length > 0) throw new Broken('canaryLeaks', `the index entry of a secret shows ${leaks.join(', ')}`);
  const flag = readFlag(shownTags);
  if (flag === undefined) return;
  note('a flag is read');
  if (JSON.stringify(readFlag(flagTags(flag))) !== JSON.stringify(flag))
    throw new Broken('other', 'a flag is not written as it was read');
  const overrides = Object.values(readOverrides(shownTags, rules.readDuration));
  if (overrides.some((ms) => !(ms >= 60_000 && ms <= 20 * 365 * 86_400_000)))
    throw new Broken('other', 'a tag set a time out of bounds');
}

function checkInstants(standing: Standing, entry: ReturnType<typeof entryOf>): void {
  const instants = [entry.since, entry.nextAt, entry.deadlineAt, entry.extendedAt].filter((at) => at !== null);
  if (instants.some((at) => !Number.isSafeInteger(at) || Math.abs(at) > 8.64e15))
    throw new Broken('other', 'a secret leads to an instant that is none');
  const flagged = standing.usable && standing.flag?.state === 'reauth_required';
  // Without a provider there is no queue to wait in: its secret or the configuration must change, and inventory sees both.
  const isNobodys = entry.state === 'invalid' && entry.at.provider === '';
  if (entry.nextAt === null && !flagged && !isNobodys && entry.state !== 'reauth_required')
    throw new Broken('silentDeaths', `a connection in state ${entry.state} is scheduled for never`);
}
