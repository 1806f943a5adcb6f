/** The judge's eyes: what they see in a world where the service did wrong, or nothing at all. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { IndexEntry } from '../../src/connection/entry.ts';
import { flagTags } from '../../src/connection/flag.ts';
import { consentAgain } from '../../src/sandbox/demo/application.ts';
import { dayMs } from '../../src/sandbox/demo/calendar.ts';
import type { Member } from '../../src/sandbox/demo/cast.ts';
import { gatherFacts } from '../../src/sandbox/demo/facts.ts';
import { judge } from '../../src/sandbox/demo/judge.ts';
import { createWatch, type Watch } from '../../src/sandbox/demo/watch.ts';
import { type DemoBench, openDemoBench } from '../support/demo-bench.ts';

let bench: DemoBench;
let watch: Watch;
beforeEach(async () => {
  bench = await openDemoBench();
  watch = createWatch(bench.world);
});
afterEach(() => bench.close());

function flag(member: Member, reason: 'expired' | 'invalid_grant', version?: string): void {
  const { double, calendar } = bench.world;
  const current = double.secrets.current(member.id)?.versionId ?? '';
  const made = { state: 'reauth_required', reason, since: calendar.now(), version: version ?? current } as const;
  double.secrets.tag(member.id, flagTags(made));
}

function entry(member: Member, change: Partial<IndexEntry>): IndexEntry {
  const { id, provider, client } = member;
  const at = { provider, environment: 'production', client, host: 'host' };
  const times = { since: 0, nextAt: null, deadlineAt: null, clock: null, estimated: false, extendedAt: null };
  return { id, at, state: 'active', reason: 'none', seen: '', fingerprint: '', failures: 0, ...times, ...change };
}

const verdict = () => judge(gatherFacts(bench.world, watch, []));
const withFate = (fate: Member['fate']) => bench.world.cast.members.find((one) => one.fate === fate) as Member;

test('a flag on a connection whose stored token works is a wrong one', () => {
  const { revoked } = bench.world.cast.leads;
  flag(revoked, 'invalid_grant');
  watch.look([]);
  expect([...watch.wronglyFlagged]).toEqual([revoked.id]);
  expect(verdict().wronglyFlagged).toEqual([revoked.id]);
});

test('a flag on a withdrawn consent is right, and void after a new one', () => {
  const { returning } = bench.world.cast.leads;
  bench.world.sandbox.grants.revoke(returning.id);
  flag(returning, 'invalid_grant');
  watch.look([]);
  consentAgain(bench.world, returning);
  watch.look([]);
  expect(watch.wronglyFlagged.size).toBe(0);
  expect(watch.flagged()).toMatchObject([{ connection: returning.id, reason: 'invalid_grant', cleared: true }]);
});

test('a flag that judged another version is none', () => {
  const { revoked } = bench.world.cast.leads;
  flag(revoked, 'invalid_grant', 'another-version-of-this-secret-0000');
  watch.look([]);
  expect(watch.flagged()).toEqual([]);
});

test('whoever dies with nothing said of it within a day died unnoticed, although a flag comes later', () => {
  const member = withFate('expires');
  bench.turn(50 * dayMs);
  flag(member, 'expired');
  watch.look([]);
  expect([...watch.unnoticed]).toContain(member.id);
  expect(verdict().diedUnnoticed).toContain(member.id);
});

test.for<[how: string, change: (endsAt: number) => Partial<IndexEntry>]>([
  ['a state that says so', () => ({ state: 'unkeepable' })],
  ['its absolute end shown as deadline', (endsAt) => ({ clock: 'absolute', deadlineAt: endsAt })],
])('whoever was foretold by %s died noticed', ([, change]) => {
  const member = withFate('expires');
  watch.look([entry(member, change(bench.world.sandbox.oracle.diesAt(member.id)))]);
  bench.turn(50 * dayMs);
  watch.look([]);
  expect([...watch.unnoticed]).not.toContain(member.id);
});

test('a withdrawn consent that nobody ever noticed counts at the end', () => {
  const { revoked } = bench.world.cast.leads;
  bench.world.sandbox.grants.revoke(revoked.id);
  watch.look([]);
  expect(verdict().diedUnnoticed).toEqual([revoked.id]);
});

test('a live token that no current version holds is lost, unless it is sealed', () => {
  const { ownRefresh } = bench.world.cast.leads;
  bench.world.sandbox.oracle.applicationRefresh(ownRefresh.id);
  watch.look([]);
  expect(verdict().lostTokens).toEqual([ownRefresh.id]);
  watch.look([entry(ownRefresh, { state: 'sealed' })]);
  expect(verdict().lostTokens).toEqual([]);
  expect(verdict().invariants.find(({ name }) => name === 'every new token reached the store')?.held).toBe(false);
});

test('a member of the customer’s own that is gone is seen', () => {
  const { revoked } = bench.world.cast.leads;
  bench.world.double.secrets.put(revoked.id, '{"provider":"docusign"}');
  const found = verdict().invariants.find(({ name }) => name.includes('own fields'));
  expect(found?.broken).toContain(revoked.id);
});
