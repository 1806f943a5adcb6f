/** `pilotlight status`: what is healthy, a warning or critical, as words, JSON and exit code; and watching. */
import { describe, expect, it } from 'vitest';
import { connectionStates, type IndexEntry } from '../../src/connection/entry.ts';
import type { Overview } from '../../src/web/ports.ts';
import { canary, day, document, documentOf, type Given, now, pilotlight } from '../support/cli.ts';

const one: Given = { secrets: { 'acme/esign': { document: document() } } };
const at = { provider: 'docusign', environment: 'production', client: 'docusign-main', host: 'account.docusign.com' };
const lamps = (sweptAt: number | null): Overview['lamps'] => [{ name: 'sweep', lastAt: sweptAt, everyMs: 10_000 }];
const inState = (state: IndexEntry['state']): Given => ({ ...one, entries: { 'acme/esign': { state } } });
const unreadable = { records: 1, answered: 0, unreadable: 1, oldestAt: now - day };
const breaker = { at, reason: 'invalid_client', openedAt: now - 60_000, nextProbeAt: now + 60_000 };

describe('the exit code', () => {
  it.each<[string, number, Given, string?]>([
    ['all is well', 0, one],
    ['all is well and a first run has not ended', 0, { ...one, overview: { lamps: lamps(null) } }],
    ['a run is only slow', 0, { ...one, overview: { lamps: lamps(now - 30_000) } }],
    ['a run is late', 2, { ...one, overview: { lamps: lamps(now - 30_001) } }, 'run_late'],
    ['no service keeps connections', 2, { ...one, serviceRuns: false }, 'service_not_running'],
    ['no service runs, with nothing to keep', 1, { serviceRuns: false }, 'service_not_running'],
    ['nothing is there yet', 0, {}],
    ['a deadline is near', 1, { ...one, urgency: { 'acme/esign': 'warn' } }, 'deadline_near'],
    ['a deadline pages', 2, { ...one, urgency: { 'acme/esign': 'page' } }, 'deadline_near'],
    ['a deadline is over', 2, { ...one, urgency: { 'acme/esign': 'over' } }, 'deadline_over'],
    ['what is dead is past its deadline', 1, { ...inState('reauth_required'), urgency: { 'acme/esign': 'over' } }],
    ['a client is rejected', 2, { ...one, overview: { breakers: [breaker] } }, 'client_rejected'],
    ['a spool record cannot be opened', 2, { ...one, overview: { spool: unreadable } }, 'record_unreadable'],
  ])('when %s is %i', async (_, code, given, finding) => {
    const words = await pilotlight(['status'], given);
    const json = await pilotlight(['status', '-o', 'json'], given);
    expect([words.code, json.code]).toEqual([code, code]);
    const health = ['healthy', 'warning', 'critical'][code];
    expect(words.out).toMatch(new RegExp(`^Pilotlight +${health}, 2026-11-20 08:00 UTC`));
    expect(documentOf(json).health).toBe(health);
    if (finding !== undefined) expect(documentOf(json).findings).toMatchObject([{ code: finding }]);
    expect(words.out + json.out).not.toContain(canary);
  });

  it.each(connectionStates)('with a connection that is %s', async (state) => {
    const codes: Partial<Record<IndexEntry['state'], number>> = { active: 0, retrying: 0, quarantined: 2 };
    const { code, out } = await pilotlight(['status'], inState(state));
    expect(code).toBe(codes[state] ?? 1);
    expect(out.includes(`pilotlight list --state ${state}`)).toBe(code !== 0);
  });

  it('is told in its help', async () => {
    const { out } = await pilotlight(['status', '--help']);
    for (const rule of ['2  critical: ', '1  warnings: ', '0  healthy']) expect(out).toContain(rule);
  });
});

describe('the screen', () => {
  it('shows scheduler, backlog, spool, clients, states, deadlines and what is nearest', async () => {
    const { out } = await pilotlight(['status'], { ...one, overview: { breakers: [breaker] } });
    for (const words of [
      /^Scheduler +sweep 4 seconds ago, every 10 seconds$/m,
      /^ +inventory 1 minute ago, every 5 minutes$/m,
      /^Backlog +1 due, 2 ready, 3 queued$/m,
      /^Spool +0 connections waiting for the store$/m,
      /^Clients +docusign-main rejected at account\.docusign\.com \(invalid_client\) since 1 minute ago, next try in 1 minute$/m,
      /^Connections +1: 1 active$/m,
      /^Deadlines +0 in 1h, .*, 1 in 30d$/m,
      /^CONNECTION +PROVIDER/m,
      /^acme\/esign +docusign +Active +in 28 days/m,
    ])
      expect(out).toMatch(words);
  });

  it('tells a newcomer how to begin', async () => {
    expect((await pilotlight(['status'])).out).toContain('pilotlight import adds a connection');
  });

  it('fits one terminal, however many connections there are', async () => {
    const secrets = Object.fromEntries(
      Array.from({ length: 50 }, (_, i) => [
        `customers/${i}`,
        { document: document({ refresh_token: `${canary}${i}` }) },
      ]),
    );
    const { out } = await pilotlight(['status'], { secrets }, { terminal: true, columns: 100, plain: true });
    expect(out.split('\n').length).toBeLessThanOrEqual(24);
  });
});

describe('as JSON', () => {
  it('holds everything with instants in ISO 8601', async () => {
    const answer = await pilotlight(['status', '-o', 'json'], one);
    expect(documentOf(answer)).toMatchObject({
      now: '2026-11-20T08:00:00.000Z',
      health: 'healthy',
      findings: [],
      serviceRuns: true,
      runs: [
        { name: 'sweep', lastAt: '2026-11-20T07:59:56.000Z', everyMs: 10_000, late: false },
        { name: 'inventory', late: false },
      ],
      backlog: { due: 1, ready: 2, queued: 3 },
      spool: { records: 0, answered: 0, unreadable: 0, oldestAt: null },
      breakers: [],
      connections: { total: 1, states: { active: 1 }, providers: { docusign: { within: { '30d': 1 } } } },
      nearest: [{ id: 'acme/esign', urgency: 'none' }],
    });
    expect(answer.out).not.toContain('fingerprint');
  });
});

describe('watching', () => {
  it('looks again until it is interrupted, then closes and answers the last exit code', async () => {
    const interrupt = new AbortController();
    const sleeps: number[] = [];
    const clock = {
      now: () => now,
      monotonic: () => 0,
      sleep: async (ms: number, signal?: AbortSignal) => {
        sleeps.push(ms);
        if (sleeps.length === 3) interrupt.abort();
        signal?.throwIfAborted();
      },
    };
    const context = { terminal: true, columns: 100, clock, interruption: () => interrupt.signal };
    const { code, out, acts } = await pilotlight(
      ['status', '--watch', '--every', '2'],
      { ...one, serviceRuns: false },
      context,
    );
    expect([code, acts.closed]).toEqual([2, 1]);
    expect(sleeps).toEqual([2_000, 2_000, 2_000]);
    expect(out.split('\u001b[H\u001b[2J')).toHaveLength(4);
  });

  it.each([
    [['status', '--watch'], false],
    [['status', '--watch', '-o', 'json'], true],
  ])('is refused with %j where terminal is %s', async (argv, terminal) => {
    const { code, err, acts } = await pilotlight(argv, one, { terminal, columns: 80 });
    expect([code, acts.closed]).toEqual([64, 0]);
    expect(err).toContain('--watch needs a terminal');
  });
});
