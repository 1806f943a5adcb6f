/** Commands that act: refresh and revoke. What is done, what is said of it, and what is not done without being asked twice. */
import { describe, expect, it } from 'vitest';
import { outcomes, type RotationReport } from '../../src/rotation/outcome.ts';
import { PilotlightError } from '../../src/runtime/errors.ts';
import { canary, day, document, documentOf, type Given, loaded, now, pilotlight } from '../support/cli.ts';

const report = (
  connection: string,
  change: Partial<RotationReport> = {},
): { connection: string; report: RotationReport } => ({
  connection,
  report: { connection, asked: 'manual', outcome: 'rotated', reason: 'none', at: undefined, totalMs: 12.5, ...change },
});
const secrets = { a: { document: document() }, b: { document: document({ refresh_token: `${canary}-b` }) } };
const given: Given = { secrets, refreshes: { a: report('a'), b: report('b') } };

describe('refresh', () => {
  it('refreshes what it is told, once each, and says what came of it', async () => {
    const { code, out, acts } = await pilotlight(['refresh', 'a', 'b', 'a'], given);
    expect([code, out]).toEqual([0, 'a: refreshed\nb: refreshed\n']);
    expect(acts).toMatchObject({ refreshed: ['a', 'b'], closed: 1 });
  });

  it('exits 1 where one was not refreshed, and says why', async () => {
    const refused = report('b', {
      outcome: 'misconfigured',
      reason: 'client_rejected',
      status: 401,
      error: 'invalid_client',
    });
    const answer = await pilotlight(['refresh', 'a', 'b'], { secrets, refreshes: { a: report('a'), b: refused } });
    expect(answer.code).toBe(1);
    expect(answer.out).toContain(
      'b: not refreshed: the client is rejected (The provider rejects our client id or secret. HTTP 401 invalid_client)\n',
    );
  });

  it('exits 1 where one could not be tried', async () => {
    const { code, out } = await pilotlight(['refresh', 'a'], { secrets });
    expect([code, out]).toEqual([1, 'a: its secret cannot be used\n']);
  });

  it.each(outcomes)('has words and an exit code for %s', async (outcome) => {
    const { code, out } = await pilotlight(['refresh', 'a'], { secrets, refreshes: { a: report('a', { outcome }) } });
    expect(out).toMatch(/^a: .{9,}\n$/);
    expect(code).toBe(outcome === 'rotated' || outcome === 'notDue' ? 0 : 1);
  });

  it('as JSON says the same', async () => {
    const refreshes = { a: report('a', { status: 200 }) };
    expect(documentOf(await pilotlight(['refresh', 'a', 'c', '-o', 'json'], { secrets, refreshes }))).toEqual({
      refreshes: [
        { id: 'a', ok: true, outcome: 'rotated', reason: 'none', status: 200, error: null, totalMs: 13 },
        { id: 'c', ok: false, outcome: null, problem: 'its secret cannot be used' },
      ],
    });
  });

  it('stops after the one under way when interrupted, and says what was not tried', async () => {
    const interrupt = new AbortController();
    interrupt.abort();
    const { code, err, acts } = await pilotlight(['refresh', 'a', 'b'], given, {
      interruption: () => interrupt.signal,
    });
    expect([code, acts.refreshed, acts.closed]).toEqual([1, ['a'], 1]);
    expect(err).toBe('pilotlight: interrupted; 1 not tried\n');
  });

  it('shows progress on a terminal, and who does it', async () => {
    const { out } = await pilotlight(
      ['refresh', 'a', 'b'],
      { ...given, serviceRuns: false },
      { terminal: true, columns: 80 },
    );
    expect(out).toContain('1 of 2, by this process ...');
  });

  it('refuses to refresh nothing in particular', async () => {
    expect((await pilotlight(['refresh'], given)).code).toBe(64);
    expect((await pilotlight(['refresh', '--all'], given)).code).toBe(64);
  });

  it('only explains with --dry-run, all that can be explained', async () => {
    const { code, out, acts } = await pilotlight(['refresh', '--dry-run', 'nobody', 'a'], given);
    expect([code, acts.refreshed]).toEqual([1, []]);
    expect(out).toBe(
      'nobody\n  there is no connection nobody: pilotlight list shows all\na\n  would be refreshed at token.test with client main (current secret)\nNothing was sent or changed.\n',
    );
    expect((await pilotlight(['refresh', '-n', 'a'], given)).code).toBe(0);
    expect(documentOf(await pilotlight(['refresh', '-n', 'a', '-o', 'json'], given))).toMatchObject({
      dryRun: true,
      refreshes: [{ id: 'a', explanation: [expect.stringContaining('would be refreshed')] }],
    });
  });
});

describe('revoke', () => {
  it('does nothing without --yes but say what it would do', async () => {
    const { code, err, acts } = await pilotlight(['revoke', 'a'], {
      secrets: { a: { document: document({ provider: 'oauth2', client: 'plain-main' }) } },
    });
    expect([code, acts.revoked, acts.released]).toEqual([64, [], []]);
    expect(err).toMatch(/would revoke the token of a at OAuth 2\.0 server and stop keeping it alive.*say --yes/);
  });

  it('says beforehand where the provider has no revocation endpoint', async () => {
    const { code, err } = await pilotlight(['revoke', 'a'], given);
    expect(code).toBe(64);
    expect(err).toMatch(/has no revocation endpoint: revoke would only stop keeping a alive/);
  });

  it('revokes, then releases', async () => {
    const { code, out, acts } = await pilotlight(['revoke', 'a', '--yes'], given);
    expect([code, out]).toEqual([0, 'a: revoked at its provider, and no longer kept alive\n']);
    expect(acts).toMatchObject({ revoked: ['a'], released: ['a'], closed: 1 });
  });

  it('releases what was dead already', async () => {
    const answer = await pilotlight(['revoke', 'a', '--yes'], {
      ...given,
      revocation: { kind: 'already_dead', error: 'INVALID_TOKEN' },
    });
    expect([answer.code, answer.acts.released]).toEqual([0, ['a']]);
    expect(answer.out).toContain('dead already (INVALID_TOKEN)');
  });

  it('where there is no revocation endpoint says clearly that nothing was ended, and until when the token works', async () => {
    const { config } = loaded();
    const provider = config.providers.docusign;
    if (provider === undefined) throw new Error('no provider file');
    const at = { provider: 'docusign', environment: 'production', client: 'docusign-main', host: 'x.test' };
    const revocation = { kind: 'not_offered', provider, at } as const;
    const words = await pilotlight(['revoke', 'a', '--yes'], { ...given, revocation });
    expect([words.code, words.acts.released]).toEqual([0, ['a']]);
    expect(words.out).toMatch(
      /has no revocation endpoint, so nothing was ended there: the token works until 2026-12-18 08:00 UTC/,
    );
    const json = await pilotlight(['revoke', 'a', '--yes', '-o', 'json'], { ...given, revocation });
    expect(documentOf(json)).toEqual({ id: 'a', revoked: false, released: true });
  });

  it.each([
    [
      { kind: 'refused', error: 'invalid_client' } as const,
      /refused to revoke a \(invalid_client\); it is still kept alive/,
    ],
    [{ kind: 'not_sent' } as const, /could not be reached: nothing was revoked.*still kept alive/],
    [{ kind: 'unanswered' } as const, /no answer came .*still kept alive; call revoke again/],
  ])('keeps the connection alive where the answer is %j', async (revocation, says) => {
    const { code, err, acts } = await pilotlight(['revoke', 'a', '--yes'], { ...given, revocation });
    expect([code, acts.released]).toEqual([1, []]);
    expect(err).toMatch(says);
  });

  it('says what is left to do where the token is revoked and the tag stays', async () => {
    const onRelease = () => {
      throw new PilotlightError('store_denied', 'UntagResource is denied: allow it');
    };
    const { code, err, acts } = await pilotlight(['revoke', 'a', '--yes'], { ...given, onRelease });
    expect([code, acts.revoked]).toEqual([1, ['a']]);
    expect(err).toBe(
      'pilotlight: a: its token is revoked, but it is still managed: UntagResource is denied: allow it\n',
    );
  });

  it('neither revokes nor names what is not there', async () => {
    const { code, acts } = await pilotlight(['revoke', 'nobody', '--yes'], given);
    expect([code, acts.revoked]).toEqual([1, []]);
  });
});

it('no command that acts shows a token', async () => {
  const secrets = { a: { document: document({ consented_at: new Date(now - day).toISOString() }) } };
  for (const argv of [
    ['refresh', 'a'],
    ['refresh', 'a', '-n'],
    ['revoke', 'a'],
    ['revoke', 'a', '--yes'],
  ]) {
    for (const format of ['table', 'json']) {
      const { out, err } = await pilotlight([...argv, '-o', format], { secrets, refreshes: { a: report('a') } });
      expect(out + err).not.toContain('canary');
      expect(out + err).not.toBe('');
    }
  }
});
