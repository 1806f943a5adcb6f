/**
 * Times a provider states, from the header to the next refresh: whatever it says, a wait is bounded, a life is bounded, and a
 * connection that was refreshed is neither due again at once nor scheduled for never.
 */
import fc from 'fast-check';
import type { Provider } from '../../../config/provider.ts';
import { parseDocument } from '../../../src/connection/document.ts';
import { entryOf, judge, type Sighting } from '../../../src/connection/standing.ts';
import { createTokenEndpoint } from '../../../src/oauth/token-endpoint.ts';
import type { RawAnswer } from '../../../src/rotation/ports.ts';
import { renewDocument } from '../../../src/rotation/renewal.ts';
import { retryAt } from '../../../src/rotation/retry.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { seededRandom } from '../../../src/runtime/random.ts';
import { Secret } from '../../../src/runtime/secret.ts';
import type { ProviderName } from '../../support/shipped-providers.ts';
import { canaryNumber, planted } from './answer-case.ts';
import { canariesOf } from './canary.ts';
import { goodDocument } from './document-rows.ts';
import { config, rules, settings } from './install.ts';
import { Broken, fuzzPart, type Note } from './part.ts';
import { nowAt } from './world.ts';

const endpoint = createTokenEndpoint({ clock: systemClock(), random: seededRandom(1) });
const hour = 3_600_000;

/** As JSON says it. */
const stated = fc.oneof(
  fc.constantFrom(
    '0',
    '-0',
    '-1',
    '1',
    '0.5',
    '59',
    '300',
    '3600',
    '1e3',
    '1e15',
    '1e308',
    '1e999',
    '-1e999',
    '1596346168704',
    '2147483647',
    '2147483648',
    '9007199254740993',
    '"3600"',
    '"-5"',
    '"1e3"',
    '" 60"',
    '"60s"',
    '""',
    'null',
    'true',
    '[]',
    '{}',
    '5e-324',
  ),
  fc.double().map((n) => (Number.isFinite(n) ? JSON.stringify(n) : '1e999')),
  fc.integer().map(String),
  fc.bigInt({ min: 0n, max: 10n ** 30n }).map(String),
);
const header = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    '0',
    '-5',
    '120',
    '120.5',
    '120, 120',
    '1e9',
    '999999999999999999999',
    '0x10',
    'soon',
    'Fri, 20 Nov 2026 08:05:00 GMT',
    'Fri, 20 Nov 2026 08:05:00',
    'Friday, 20-Nov-26 08:05:00 GMT',
    'Fri Nov 20 08:05:00 2026',
    'Fri, 31 Feb 2026 25:61:61 GMT',
    'Sun, 13 Sep 275760 00:00:00 GMT',
    'Thu, 01 Jan 1970 00:00:00 GMT',
    'Mon, 01 Jan 0001 00:00:00 GMT',
  ),
  fc.integer().map(String),
  fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
  fc.string({ maxLength: 40 }),
);

interface TimesCase {
  readonly n: number;
  readonly provider: Provider;
  readonly expiresIn: string;
  readonly refreshExpiresIn: string;
  readonly retryAfter: string;
  readonly retryInBody: string;
  readonly date: string;
  readonly keepAccess: boolean;
  readonly failures: number;
}

export const times = fuzzPart<TimesCase>({
  name: 'times',
  share: 9,
  cases: fc.record({
    n: canaryNumber,
    provider: fc.constantFrom(...Object.values(config.providers)),
    expiresIn: stated,
    refreshExpiresIn: stated,
    retryAfter: header,
    retryInBody: stated,
    date: header,
    keepAccess: fc.boolean(),
    failures: fc.oneof(fc.nat(40), fc.maxSafeNat()),
  }),
  show: ({ n: _, provider, ...one }) => JSON.stringify({ provider: provider.name, ...one }),
  attempt(one, note) {
    checkWait(one, note);
    checkSchedule(one, note);
  },
  reaches: {
    'a wait was stated': 2,
    'a wait at its least': 12,
    'a wait at its most': 12,
    'scheduled again': 2,
    'life cut to the provider’s most': 8,
  },
});

function answer({ date, retryAfter }: TimesCase, status: number, body: string): RawAnswer {
  return {
    status,
    headers: { 'content-type': 'application/json', date, 'retry-after': retryAfter },
    body: Buffer.from(body),
    complete: true,
    receivedAt: nowAt,
  };
}

function checkWait(one: TimesCase, note: Note): void {
  const raw = answer(one, 429, `{"error":"slow_down","retryAfter":${one.retryInBody}}`);
  const read = endpoint.read(one.provider, raw, { refreshToken: new Secret('none') });
  if (read.kind !== 'refused' || read.means !== 'throttled')
    throw new Broken('other', 'a 429 was not read as throttling');
  const wait = read.retryAfterMs;
  if (wait !== undefined && !(wait >= 1_000 && wait <= 6 * hour)) throw new Broken('other', `a wait of ${wait} ms`);
  if (wait !== undefined) note('a wait was stated');
  if (wait === 1_000) note('a wait at its least');
  if (wait === 6 * hour) note('a wait at its most');
  const facts = {
    failures: one.failures,
    now: nowAt,
    deadlineAt: one.keepAccess ? nowAt + (wait ?? 0) : null,
    fraction: 0.5,
  };
  const at = retryAt({ ...settings, ...facts });
  if (!(at > nowAt && at <= nowAt + 2 * settings.retryMaxMs))
    throw new Broken('other', `tried again after ${at - nowAt} ms`);
}

function checkSchedule(one: TimesCase, note: Note): void {
  const { provider, keepAccess } = one;
  const canaries = canariesOf(one.n);
  const body = `{"access_token":"ACCESS","refresh_token":"FRESH","expires_in":${one.expiresIn},"refresh_token_expires_in":${one.refreshExpiresIn}}`;
  const read = endpoint.read(provider, answer(one, 200, planted(body, canaries)), {
    refreshToken: new Secret(canaries.sent),
  });
  if (read.kind !== 'granted') throw new Broken('lostTokens', 'an answer with a strange time in it was not granted');
  if (!(read.accessTokenLifeMs >= 1_000 && read.accessTokenLifeMs <= provider.accessToken.lifeMax))
    throw new Broken('other', `an access token that lives ${read.accessTokenLifeMs} ms`);
  if (read.oddities.includes('expires_in_unusable') && read.accessTokenLifeMs === provider.accessToken.lifeMax)
    note('life cut to the provider’s most');
  const parsed = parseDocument(planted(goodDocument(provider.name as ProviderName), canaries), rules.names, nowAt);
  if (!parsed.ok) throw new Broken('other', `the good document of ${provider.name} is refused`);
  const text = renewDocument(
    {
      document: parsed.document,
      granted: read,
      versionId: 'v-new',
      versionOld: 'v-old',
      fingerprintOld: rules.fingerprint(new Secret(canaries.sent)),
      sealedAt: nowAt,
      extendsLife: true,
      foreignSpender: false,
    },
    rules.names,
    rules.fingerprint,
  );
  const sighting: Sighting = {
    id: 'customers/1',
    tags: {},
    stages: { 'v-new': ['AWSCURRENT'] },
    version: { versionId: 'v-new', createdAt: nowAt, value: { text } },
    known: undefined,
  };
  const standing = judge(sighting, { ...rules, keepAccessToken: () => keepAccess }, nowAt);
  const entry = entryOf(sighting, standing, nowAt);
  if (!standing.usable) throw new Broken('silentDeaths', 'a refreshed connection cannot be used');
  const { nextAt, deadlineAt } = entry;
  if (nextAt === null || !Number.isSafeInteger(nextAt))
    throw new Broken('silentDeaths', 'a refreshed connection is scheduled for never');
  if (nextAt <= nowAt)
    throw new Broken('other', `a refreshed connection is due again at once (expires_in ${one.expiresIn})`);
  if (deadlineAt !== null && nextAt > deadlineAt)
    throw new Broken('silentDeaths', 'a refreshed connection is due after its death');
  if (nextAt > nowAt + 61 * 24 * hour)
    throw new Broken('silentDeaths', 'a refreshed connection is parked for longer than any window');
  note('scheduled again');
}
