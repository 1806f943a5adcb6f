/** When on-call hears of a deadline: for everybody, for a provider, for one connection. */
import { expect, it } from 'vitest';
import { parseDuration } from '../../config/duration.ts';
import type { IndexEntry } from '../../src/connection/entry.ts';
import { readThresholds } from '../../src/connection/flag.ts';
import { entryAlarms, entryUrgency } from '../../src/derive-settings.ts';
import { entryCodec } from '../../src/queue/entry-codec.ts';
import { accepted } from '../support/load-config.ts';

const day = 86_400_000;
const now = 1_800_000_000_000;
const at = { provider: 'docusign', environment: 'production', client: 'main', host: 'account.docusign.com' };
const entry = (leftDays: number, more: Partial<IndexEntry> = {}): IndexEntry => ({
  id: 'acme',
  at,
  state: 'retrying',
  reason: 'network',
  since: now,
  seen: 's',
  fingerprint: '',
  nextAt: now,
  deadlineAt: now + leftDays * day,
  clock: 'idle',
  estimated: false,
  extendedAt: now - (30 - leftDays) * day,
  failures: 1,
  ...more,
});

it('is a share of the life, capped, and otherwise what a provider’s own setting says', () => {
  const usual = entryUrgency(accepted());
  expect([10, 8, 2.9].map((left) => usual(entry(left), now))).toEqual(['none', 'warn', 'page']);
  const own = entryUrgency(
    accepted({ yaml: 'thresholds: { providers: { docusign: { warn: { left: 20d, share: 0.9 } } } }' }),
  );
  expect([21, 19, 2.9].map((left) => own(entry(left), now))).toEqual(['none', 'warn', 'page']);
  const other = { ...at, provider: 'esignglobal' };
  expect(own(entry(19, { at: other }), now)).toBe('none');
});

it('comes before both where the connection’s tags say it, for an idle and for a final deadline', () => {
  const usual = entryUrgency(accepted());
  const tagged = { warnMs: 25 * day, pageMs: 12 * day };
  expect([26, 24, 11].map((left) => usual(entry(left, tagged), now))).toEqual(['none', 'warn', 'page']);
  const final = { ...tagged, warnMs: 14 * day, pageMs: 5 * day, clock: 'absolute' as const };
  expect([15, 13, 4].map((left) => usual(entry(left, final), now))).toEqual(['none', 'warn', 'page']);
});

it('is a share of the life the provider stated for this very token, where that is shorter than its rule', () => {
  const usual = entryUrgency(accepted());
  const short = { extendedAt: now - day / 2 };
  expect(usual(entry(0.5, short), now)).toBe('none');
  expect(usual(entry(0.5, { extendedAt: now - 29.5 * day }), now)).toBe('page');
});

it('is known for a final limit that only a tag of the secret sets', () => {
  const tagged = { at: { ...at, provider: 'adobe-acrobat-sign' }, state: 'unkeepable', clock: 'absolute' } as const;
  const usual = entryUrgency(accepted());
  expect([31, 13, 0.9].map((left) => usual(entry(left, tagged), now))).toEqual(['none', 'warn', 'page']);
  expect(usual(entry(4, { ...tagged, pageMs: 5 * day }), now)).toBe('page');
  expect(entryAlarms(accepted())(entry(4, tagged))).toEqual({ warnAt: now - 26 * day, pageAt: now + 3 * day });
});

it('is read from tags that can be meant, and from no others', () => {
  const read = (warn: string) => readThresholds({ 'pilotlight:warn-before': warn }, parseDuration);
  expect(read('5d')).toEqual({ warnMs: 5 * day });
  for (const odd of ['', 'soon', '1s', '90000d']) expect(read(odd)).toEqual({});
});

it('is kept in the index for the few that have one, and costs the others nothing', () => {
  const codec = entryCodec();
  const written = (one: IndexEntry) => codec.encode(one).tail;
  const back = (one: IndexEntry) => codec.decode(one.id, `17,${written(one)}`, () => at);
  for (const more of [{}, { warnMs: day }, { pageMs: day }, { warnMs: 2 * day, pageMs: day }])
    expect(back(entry(5, more))).toEqual(entry(5, more));
  expect(written(entry(5)).split(',')).toHaveLength(7);
  expect(written(entry(5, { pageMs: day })).split(',')).toHaveLength(9);
});
