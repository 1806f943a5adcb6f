/** PagerDuty's channel against a server that checks each event as the Events API v2 does. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPagerDuty } from '../../src/alerts/channels/pagerduty.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { going, message, notice, turnedClock } from '../support/channel-notice.ts';
import { type PagerDutyServer, startPagerDuty, startReceiver } from '../support/channel-servers.ts';

const key = 'R0UTINGKEYabcdef0123456789abcdef';
const routingKey = new Secret(key);
const clientUrl = new URL('https://pilotlight.example/');
let server: PagerDutyServer;
let clock: ReturnType<typeof turnedClock>;

beforeEach(async () => {
  server = await startPagerDuty(key);
  clock = turnedClock();
});
afterEach(() => server.stop());

const channel = (url = server.url, secret = routingKey) =>
  createPagerDuty({ name: 'oncall', routingKey: secret, url, clock, clientUrl });
const sent = () => server.received.map(({ body }) => JSON.parse(body));

describe('the PagerDuty channel', () => {
  it('opens, updates, reminds and ends one incident under one key', async () => {
    const { key: incident } = notice();
    for (const event of ['opened', 'updated', 'reminder'] as const)
      expect(await channel().deliver(notice({ event, id: event }), undefined, going)).toEqual({ kind: 'accepted' });
    expect([...server.incidents]).toEqual([[incident, { open: true, triggers: 3 }]]);
    expect(await channel().deliver(notice({ event: 'resolved' }), undefined, going)).toEqual({ kind: 'accepted' });
    expect([...server.incidents]).toEqual([[incident, { open: false, triggers: 3 }]]);
    expect(server.received.map(({ met }) => met)).toEqual([202, 202, 202, 202]);
  });

  it('says what, who can act, until when and where to click', async () => {
    await channel().deliver(notice(), undefined, going);
    expect(sent()).toEqual([
      {
        routing_key: key,
        event_action: 'trigger',
        dedup_key: notice().key,
        client: 'Pilotlight',
        client_url: 'https://pilotlight.example/',
        links: message().links.map(({ label, url }) => ({ href: url, text: label })),
        payload: {
          summary: message().title,
          source: 'acme/esign',
          severity: 'critical',
          timestamp: '2026-11-20T08:00:00.000Z',
          component: 'oauth2',
          group: 'production',
          class: 'reauth_required',
          custom_details: {
            action: message().action,
            actor: 'customer',
            ends: message().ends,
            command: 'pilotlight show acme/esign',
            hits: '3 of 40 connections',
            environment: 'production',
            provider: 'oauth2',
            client: 'oauth2-main',
            connection: 'acme/esign',
            owner: 'team-contracts',
            event: 'opened',
            opened_at: '2026-11-20T08:00:00.000Z',
            Deadline: '2026-11-23T08:00:00Z, in 3 days',
            Why: 'invalid_grant (HTTP 400)',
          },
        },
      },
    ]);
  });

  it('a warning is a warning, and an incident without a connection is about its client, provider or environment', async () => {
    const about = { connection: undefined, client: undefined, provider: undefined, owner: undefined, hits: undefined };
    const bare = { ...message(), ...about } as unknown as ReturnType<typeof message>;
    await channel().deliver(notice({ severity: 'warn', message: bare }), undefined, going);
    const [{ payload }] = sent() as [{ payload: Record<string, unknown> }];
    expect(payload).toMatchObject({ severity: 'warning', source: 'production' });
    expect(payload).not.toHaveProperty('component');
    expect(server.received[0]?.met).toBe(202);
  });

  it('ends with the same hash of a key too long for PagerDuty as it began', async () => {
    const long = notice({ key: `pilotlight:production:conn:${'c'.repeat(500)}` });
    await channel().deliver(long, undefined, going);
    await channel().deliver({ ...long, event: 'resolved' }, undefined, going);
    expect([...server.incidents.values()]).toEqual([{ open: false, triggers: 1 }]);
  });

  it('does not try again what PagerDuty refuses, says why, and never says the key', async () => {
    const other = 'R0UTINGKEYffffff0123456789ffffff';
    const delivery = await channel(server.url, new Secret(other)).deliver(notice(), undefined, going);
    // This server quotes the key it was given.
    expect(server.received[0]?.met).toBe(400);
    expect(delivery).toEqual({ kind: 'refused', why: 'HTTP 400' });

    const body = JSON.stringify({ message: 'Event object is invalid', errors: ["'payload.source' is blank"] });
    server.next({ status: 400, body });
    expect(await channel().deliver(notice(), undefined, going)).toEqual({
      kind: 'refused',
      why: "HTTP 400: Event object is invalid; 'payload.source' is blank",
    });
  });

  it.each([
    [{ status: 429 }, 30_000],
    [{ status: 429, headers: { 'retry-after': '45' } }, 45_000],
    [{ status: 503, headers: { 'retry-after': '86400' } }, 3_600_000],
    [{ status: 500, body: 'null' }, undefined],
    [{ status: 502, body: '<html>' }, undefined],
  ])('tries again after %j', async (answer, afterMs) => {
    server.next(answer);
    const delivery = await channel().deliver(notice(), undefined, going);
    expect(delivery).toEqual({
      kind: 'retry',
      why: `HTTP ${answer.status}`,
      ...(afterMs === undefined ? {} : { afterMs }),
    });
    expect(server.incidents.size).toBe(0);
    expect(await channel().deliver(notice(), undefined, going)).toEqual({ kind: 'accepted' });
  });

  it('believes nobody else’s 200: a proxy in between has not taken the event', async () => {
    server.next({ status: 200, headers: { 'content-type': 'text/html' }, body: '<h1>Log in</h1>' });
    const delivery = await channel().deliver(notice(), undefined, going);
    expect(delivery).toEqual({ kind: 'retry', why: 'HTTP 200 where PagerDuty answers 202' });
  });

  it('follows no redirect: the key goes to one host only', async () => {
    const elsewhere = await startReceiver('/', () => ({ status: 202 }));
    try {
      for (const status of [301, 302, 307, 308]) {
        server.next({ status, headers: { location: elsewhere.url.href } });
        expect(await channel().deliver(notice(), undefined, going)).toEqual({
          kind: 'refused',
          why: `HTTP ${status} (a redirect, which is not followed)`,
        });
      }
      expect(server.received.map(({ met }) => met)).toEqual([301, 302, 307, 308]);
      expect(elsewhere.received).toEqual([]);
    } finally {
      await elsewhere.stop();
    }
  });

  it('gives up on a server that does not answer within the limit', async () => {
    server.next('silence');
    const delivering = channel().deliver(notice(), undefined, going);
    await server.until(({ met }) => met === 'silence');
    expect(clock.limits).toEqual([15_000]);
    clock.endLimits();
    expect(await delivering).toEqual({ kind: 'retry', why: 'no answer: timeout' });
  });

  it('stops when it is told to', async () => {
    server.next('silence');
    const drain = new AbortController();
    const delivering = channel().deliver(notice(), undefined, drain.signal);
    await server.until(({ met }) => met === 'silence');
    drain.abort();
    expect(await delivering).toEqual({ kind: 'retry', why: 'no answer: stopped' });
    expect(await channel().deliver(notice(), undefined, drain.signal)).toEqual({
      kind: 'retry',
      why: 'no answer: stopped',
    });
    expect(server.received).toHaveLength(1);
  });

  it('tries again after a connection that broke, and one that was refused', async () => {
    server.next('reset');
    expect(await channel().deliver(notice(), undefined, going)).toMatchObject({
      kind: 'retry',
      why: expect.stringMatching(/^no answer: (?:UND_ERR_SOCKET|ECONNRESET)$/),
    });
    expect(server.received.map(({ met }) => met)).toEqual(['reset']);
    await server.stop();
    expect(await channel().deliver(notice(), undefined, going)).toEqual({
      kind: 'retry',
      why: 'no answer: ECONNREFUSED',
    });
  });

  it('reads no more of an answer than it needs', async () => {
    server.next('endless');
    expect(await channel().deliver(notice(), undefined, going)).toEqual({ kind: 'retry', why: 'HTTP 500' });
    expect(server.received.map(({ met }) => met)).toEqual(['endless']);
  });
});
