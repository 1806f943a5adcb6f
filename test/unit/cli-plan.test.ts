/** Commands that look ahead and around: plan and doctor. What runs when and why, and what is wrong with the surroundings. */
import { describe, expect, it } from 'vitest';
import { whyNext } from '../../src/cli/why-next.ts';
import { connectionStates, type IndexEntry, reasons } from '../../src/connection/entry.ts';
import { day, documentOf, now } from '../support/cli.ts';
import { four, iso, look } from '../support/cli-look.ts';
import { entryFor } from '../support/fakes/index.ts';

describe('plan', () => {
  it('shows what runs when and why, soonest first, with the ticks', async () => {
    const { code, out } = await look(['plan', '--within', '30d']);
    expect(code).toBe(0);
    const lines = out.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^Ticks \(cron, UTC\): sweep \*\/10 \* \* \* \* \*, inventory /);
    expect(lines[1]).toBe('Due until 2026-12-20 08:00 UTC: 2, 1 of them now (docusign 2)');
    expect(lines[3]).toMatch(/^WHEN +AT +CONNECTION +STATE +WHY$/);
    expect(lines[4]).toMatch(/^now .*globex\/esign +Retrying +tried again after 2 failures: The provider could not/);
    expect(lines[5]).toMatch(
      /acme\/esign +Active +\d+ days.* after it was last extended, \d+ days.* before its deadline/,
    );
  });

  it('looks only as far as it is told, and says so where nothing is due', async () => {
    const { out } = await look(['plan', '--within', '1h', '--provider', 'esignglobal']);
    expect(out).toContain('Nothing is due before 2026-11-20 09:00 UTC.');
  });

  it('warns that nothing runs without a service', async () => {
    expect((await look(['plan'], { ...four, serviceRuns: false })).out).toContain('No service is running');
    expect((await look(['plan'])).out).not.toContain('No service is running');
  });

  it('as JSON counts everything and shows as much as asked for', async () => {
    const plan = documentOf(await look(['plan', '--within', '30d', '--limit', '1', '-o', 'json']));
    expect(plan).toMatchObject({
      until: iso(now + 30 * day),
      serviceRuns: true,
      matching: 2,
      dueNow: 1,
      perProvider: { docusign: 2 },
      runs: [{ id: 'globex/esign', why: expect.stringContaining('tried again') }],
    });
    expect(plan.runs).toHaveLength(1);
  });

  it.each(connectionStates)('has words for why one that is %s is looked at', (state) => {
    for (const reason of reasons) {
      const entry: IndexEntry = entryFor('a', { state, reason, nextAt: now, extendedAt: null });
      expect(whyNext(entry, undefined, now)).toMatch(/^[a-z].{10,}/);
    }
  });

  it('says which rule makes a connection due', () => {
    const entry = entryFor('a', { nextAt: now, extendedAt: now - 10 * day, deadlineAt: now + 20 * day });
    expect(whyNext(entry, undefined, now)).toBe('10 days after it was last extended, 20 days before its deadline');
    expect(whyNext(entry, { keep: 'refresh-token', refreshEvery: 10 * day }, now)).toContain('(set interval)');
    expect(whyNext(entry, { keep: 'access-token' }, now)).toMatch(/^before its access token ends/);
    expect(whyNext({ ...entry, estimated: true, extendedAt: null }, undefined, now)).toContain('so at once');
  });
});

describe('doctor', () => {
  const ok = { name: 'redis', state: 'ok', detail: 'answers in 1 ms' } as const;
  const warn = {
    name: 'scheduler',
    state: 'warn',
    detail: 'no sweep seen',
    fix: 'start the service: npm start',
  } as const;
  const fail = { name: 'store: read', state: 'fail', detail: 'store_denied', fix: 'allow GetSecretValue' } as const;

  it('exits 0 where nothing fails, warnings shown', async () => {
    const { code, out } = await look(['doctor'], { diagnoses: [ok, warn] });
    expect(code).toBe(0);
    expect(out).toMatch(/^redis +ok +answers in 1 ms$/m);
    expect(out).toContain('scheduler: start the service: npm start\n2 checks, none failed, 1 warning\n');
  });

  it('exits 1 where a check fails, with its fix', async () => {
    const { code, out } = await look(['doctor'], { diagnoses: [ok, fail] });
    expect(code).toBe(1);
    expect(out).toContain('store: read: allow GetSecretValue\n1 of 2 checks failed\n');
  });

  it('as JSON says the same', async () => {
    const answer = await look(['doctor', '-o', 'json'], { diagnoses: [ok, fail] });
    expect([answer.code, documentOf(answer)]).toEqual([1, { ok: false, checks: [ok, fail] }]);
  });
});
