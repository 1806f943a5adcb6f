/** Commands that look at connections: list and show. What they find, in what order, and that they show no token. */
import { describe, expect, it } from 'vitest';
import { type Called, day, document, documentOf, type Given, now } from '../support/cli.ts';
import { four, iso, look } from '../support/cli-look.ts';

const at = { provider: 'docusign', environment: 'production', client: 'docusign-main', host: 'account.docusign.com' };

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
    const { out } = await look(['show', 'globex/esign'], { ...four, health: [[at, health]] });
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

  it('of a token in doubt says that nothing comes by itself, who has to act and how', async () => {
    const inDoubt: Given = {
      secrets: { a: { document: document({}) } },
      entries: { a: { state: 'suspect', reason: 'unknown_outcome', nextAt: null } },
    };
    const { out } = await look(['show', 'a'], inDoubt);
    expect(out).toMatch(/^Reason: +unknown_outcome: .*may be spent, and is not sent again\.$/m);
    expect(out).toMatch(/^Who can act: +Operator: Read which token its application holds\./m);
    expect(out).toMatch(/^Next step: +Read which token its application holds\. A newer one: store it\./m);
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
