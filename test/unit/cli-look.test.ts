/** Commands that look: list, show, plan, doctor. What they find, in what order, and that they show no token. */
import { describe, expect, it } from 'vitest';
import { whyNext } from '../../src/cli/why-next.ts';
import { connectionStates, type IndexEntry, reasons } from '../../src/connection/entry.ts';
import { type Called, canary, day, document, documentOf, type Given, now, pilotlight } from '../support/cli.ts';
import { entryFor } from '../support/fakes/index.ts';

const iso = (at: number) => new Date(at).toISOString();
const at = { provider: 'docusign', environment: 'production', client: 'docusign-main', host: 'account.docusign.com' };

/** Four connections: fine, near its end, dead, and broken. */
const given: Given = {
  secrets: {
    'acme/esign': { document: document(), tags: { 'pilotlight:owner': 'team-a' } },
    'globex/esign': { document: document({ refresh_token: `${canary}-2`, refreshed_at: iso(now - 28 * day) }) },
    'initech/esign': { document: document({ refresh_token: `${canary}-3` }), tags: { 'pilotlight:owner': 'team-a' } },
    'umbrella/esign': { document: `${canary} is no JSON` },
  },
  entries: {
    'globex/esign': { state: 'retrying', reason: 'network', failures: 2, nextAt: now - 1_000 },
    'initech/esign': { state: 'reauth_required', reason: 'invalid_grant', nextAt: null, deadlineAt: now - day },
  },
};

/** Looks, and sees to it that nothing was done, everything is closed and no token is shown. */
async function look(argv: readonly string[], given_: Given = given, context = {}): Promise<Called> {
  const called = await pilotlight(argv, given_, context);
  expect(called.out + called.err).not.toContain('canary');
  expect(called.acts).toEqual({ created: [], refreshed: [], revoked: [], released: [], adopted: [], closed: 1 });
  return called;
}

const idsOf = (answer: Called) => (documentOf(answer).connections as { id: string }[]).map(({ id }) => id);

describe('list', () => {
  it('shows the nearest deadline first, unknown ones behind it, and the dead at the end', async () => {
    const { code, out } = await look(['list']);
    expect(code).toBe(0);
    const lines = out.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^CONNECTION +PROVIDER +STATE +DEADLINE +AT +NEXT LOOK$/);
    expect(lines.slice(1).map((line) => line.split(' ')[0])).toEqual([
      'globex/esign',
      'acme/esign',
      'umbrella/esign',
      'initech/esign',
    ]);
    expect(lines[1]).toMatch(/Retrying +in 2 days +2026-11-22 08:00 UTC +now$/);
    expect(lines[2]).toMatch(/Active +in 28 days +2026-12-18 08:00 UTC +in \d+ days/);
    expect(lines[3]).toMatch(/Invalid +unknown +-/);
    expect(lines[4]).toMatch(/Needs consent +1 day ago .*when it changes$/);
  });

  it.each<[string[], string[]]>([
    [['--provider', 'docusign', '--state', 'active'], ['acme/esign']],
    [['--text', 'GLOBEX'], ['globex/esign']],
    [['--text', 'docusign-main', '--deadline-within', '72h'], ['globex/esign']],
    [['--due-within', '0s'], ['globex/esign']],
    [
      ['--owner', 'team-a'],
      ['acme/esign', 'initech/esign'],
    ],
    [['--owner', 'nobody'], []],
    [
      ['--limit', '2'],
      ['globex/esign', 'acme/esign'],
    ],
    [
      ['--limit', '0'],
      ['globex/esign', 'acme/esign', 'umbrella/esign', 'initech/esign'],
    ],
  ])('with %j finds %j', async (argv, ids) => {
    const answer = await look(['list', ...argv, '-o', 'json']);
    expect(idsOf(answer)).toEqual(ids);
    expect(answer.code).toBe(0);
  });

  it('says how many it leaves out', async () => {
    expect((await look(['list', '--limit', '1'])).out).toContain('1 of 4 shown; --limit 0 shows all');
    expect(documentOf(await look(['list', '--limit', '1', '-o', 'json'])).matching).toBe(4);
  });

  it('as JSON has one shape, with instants in ISO 8601 and without any fingerprint', async () => {
    const answer = await look(['list', '--text', 'acme', '-o', 'json']);
    const { connections } = documentOf(answer) as { connections: Record<string, unknown>[] };
    expect(connections).toEqual([
      {
        id: 'acme/esign',
        ...at,
        state: 'active',
        reason: 'none',
        since: iso(now),
        deadlineAt: iso(now + 28 * day),
        clock: 'idle',
        estimated: false,
        nextAt: expect.stringMatching(/^2026-11-2\dT/),
        extendedAt: iso(now - 2 * day),
        failures: 0,
      },
    ]);
  });

  it('tells a newcomer how to add one, and others that nothing matches', async () => {
    expect((await look(['list'], {})).out).toBe('No connection yet: pilotlight import adds one.\n');
    expect((await look(['list', '--text', 'nothing-like-it'])).out).toBe('No connection matches.\n');
  });

  it('cannot be commanded by an id', async () => {
    const id = 'a\u001b[2J\u202eb';
    const hostile: Given = { secrets: { [id]: { document: document() } } };
    const { out } = await look(['list'], hostile, { terminal: true, columns: 120, plain: true });
    expect(out).toContain('a\\u{1b}[2J\\u{202e}b');
  });
});

describe('show', () => {
  it('says state, deadline and clock, owner, versions, client and what happens next', async () => {
    const { code, out } = await look(['show', 'acme/esign']);
    expect(code).toBe(0);
    for (const words of [
      /^Connection: +acme\/esign$/m,
      /^State: +Active, since /m,
      /^Deadline: +2026-12-18 08:00 UTC \(in 28 days\)$/m,
      /^ +idle: dies when unused$/m,
      /^Extended: +2026-11-18 08:00 UTC \(2 days ago\)$/m,
      /^Provider: +DocuSign.* \(docusign\), production$/m,
      /^Client: +docusign-main at account\.docusign\.com$/m,
      /^Owner: +team-a$/m,
      /^Version: +v-acme\/esign, made /m,
      /^ +v-older, AWSPREVIOUS, made 2 days ago$/m,
      /^Next step: +Nothing to do: it is refreshed in /m,
    ])
      expect(out).toMatch(words);
    expect(out).not.toMatch(/Reason|Failures|Same token/);
  });

  it('says why it failed, who can act, that its client is rejected and how often it failed', async () => {
    const health = {
      breaker: 'open',
      breakerReason: 'invalid_client',
      openedAt: now - 7_200_000,
      nextProbeAt: now + 60_000,
    } as const;
    const { out } = await look(['show', 'globex/esign'], { ...given, health: [[at, health]] });
    expect(out).toMatch(/^State: +Retrying/m);
    expect(out).toMatch(/^Reason: +network: The provider could not be reached\.$/m);
    expect(out).toMatch(/^Who can act: +Nobody$/m);
    expect(out).toMatch(/^Failures: +2 in a row$/m);
    expect(out).toMatch(/rejected by the provider \(invalid_client\) since 2 hours ago; next try in 1 minute$/m);
  });

  it('says that a deadline is estimated, that another holds the same token, and that the secret changed', async () => {
    const twin = document({ refreshed_at: undefined, consented_at: undefined });
    const twins: Given = {
      secrets: { a: { document: twin }, b: { document: twin } },
      entries: { a: { seen: 'of an older version' } },
    };
    const { out } = await look(['show', 'a'], twins);
    expect(out).toMatch(/estimated, because its start or its rule is not known/);
    expect(out).toMatch(/^Same token: +held by b too$/m);
    expect(out).toMatch(/The secret changed since the service last looked/);
    expect(out).toMatch(/^Next step: +Keep one of the two/m);
  });

  it('judges a secret that cannot be used, without showing any of it', async () => {
    const { out } = await look(['show', 'umbrella/esign']);
    expect(out).toMatch(/^Reason: +content_not_json: The secret is not JSON\.$/m);
    expect(out).toMatch(/^Who can act: +Owner of the secret: Store a JSON object\.$/m);
  });

  it('as JSON says the same', async () => {
    expect(documentOf(await look(['show', 'initech/esign', '-o', 'json']))).toMatchObject({
      id: 'initech/esign',
      state: 'reauth_required',
      reason: 'invalid_grant',
      actor: 'customer',
      owner: 'team-a',
      sameTokenAs: null,
      changedSinceLastLook: false,
      clientHealth: { breaker: 'closed', secret: 'current' },
      version: { id: 'v-initech/esign' },
      nextStep: expect.stringContaining('authorise again'),
    });
  });

  it('of one that is not there says how to find those that are', async () => {
    const { code, err } = await look(['show', 'nobody']);
    expect([code, err]).toEqual([1, 'pilotlight: there is no connection nobody: pilotlight list shows all\n']);
  });
});

describe('plan', () => {
  it('shows what runs when and why, soonest first, with the ticks', async () => {
    const { code, out } = await look(['plan', '--within', '30d']);
    expect(code).toBe(0);
    const lines = out.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^Ticks \(cron, UTC\): sweep \*\/10 \* \* \* \* \*, inventory /);
    expect(lines[1]).toBe('Due until 2026-12-20 08:00 UTC: 3, 1 of them now (docusign 2, no provider 1)');
    expect(lines[3]).toMatch(/^WHEN +AT +CONNECTION +STATE +WHY$/);
    expect(lines[4]).toMatch(/^now .*globex\/esign +Retrying +tried again after 2 failures: The provider could not/);
    expect(lines[5]).toMatch(/umbrella\/esign +Invalid +its secret is looked at again: The secret is not JSON/);
    expect(lines[6]).toMatch(
      /acme\/esign +Active +\d+ days.* after it was last extended, \d+ days.* before its deadline/,
    );
  });

  it('looks only as far as it is told, and says so where nothing is due', async () => {
    const { out } = await look(['plan', '--within', '1h', '--provider', 'esignglobal']);
    expect(out).toContain('Nothing is due before 2026-11-20 09:00 UTC.');
  });

  it('warns that nothing runs without a service', async () => {
    expect((await look(['plan'], { ...given, serviceRuns: false })).out).toContain('No service is running');
    expect((await look(['plan'])).out).not.toContain('No service is running');
  });

  it('as JSON counts everything and shows as much as asked for', async () => {
    const plan = documentOf(await look(['plan', '--within', '30d', '--limit', '1', '-o', 'json']));
    expect(plan).toMatchObject({
      until: iso(now + 30 * day),
      serviceRuns: true,
      matching: 3,
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
