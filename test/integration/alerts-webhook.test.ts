/** The generic webhook against a receiver that verifies each request with the library of Standard Webhooks. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createWebhook, type WebhookOptions } from '../../src/alerts/channels/webhook.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { going, message, notice, turnedClock } from '../support/channel-notice.ts';
import { type Receiver, startReceiver, startWebhookReceiver, verifies } from '../support/channel-servers.ts';

const whsec = (byte: number) => `whsec_${Buffer.alloc(32, byte).toString('base64')}`;
const [old, young] = [whsec(1), whsec(2)];
let receiver: Receiver;
let clock: ReturnType<typeof turnedClock>;

beforeEach(async () => {
  receiver = await startWebhookReceiver(old);
  clock = turnedClock();
});
afterEach(() => receiver.stop());

const channel = (over: Partial<WebhookOptions> = {}) =>
  createWebhook({ name: 'hook', url: receiver.url, secrets: [new Secret(old)], clock, ...over });

describe('the webhook channel', () => {
  it('tells each change of an incident, signed, with the notice’s id', async () => {
    for (const event of ['opened', 'updated', 'reminder', 'resolved'] as const)
      expect(await channel().deliver(notice({ event, id: `n-${event}` }), undefined, going)).toEqual({
        kind: 'accepted',
      });
    expect(receiver.received.map(({ met }) => met)).toEqual([204, 204, 204, 204]);
    expect(receiver.received.map(({ body }) => JSON.parse(body).type)).toEqual([
      'incident.opened',
      'incident.updated',
      'incident.reminder',
      'incident.resolved',
    ]);
    expect(receiver.received.map(({ headers }) => headers['webhook-id'])).toEqual([
      'n-opened',
      'n-updated',
      'n-reminder',
      'n-resolved',
    ]);
  });

  it('says all there is to know, and the time of the change', async () => {
    await channel().deliver(notice(), undefined, going);
    const [one] = receiver.received;
    expect(one?.headers['content-type']).toBe('application/json');
    const { hits, ...rest } = message();
    expect(JSON.parse(one?.body ?? '')).toEqual({
      type: 'incident.opened',
      timestamp: '2026-11-20T08:00:00.000Z',
      data: { ...rest, hits, key: notice().key, severity: 'page', opened_at: '2026-11-20T08:00:00.000Z' },
    });
  });

  it('keeps id and body on every try, and signs each with the time of that try', async () => {
    receiver.next({ status: 503 });
    expect((await channel().deliver(notice(), undefined, going)).kind).toBe('retry');
    clock.turn(120_000);
    expect((await channel().deliver(notice(), undefined, going)).kind).toBe('accepted');
    const [first, second] = receiver.received;
    expect(second?.body).toBe(first?.body);
    expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id']);
    const seconds = [first, second].map((one) => Number(one?.headers['webhook-timestamp']));
    expect((seconds[1] ?? 0) - (seconds[0] ?? 0)).toBeGreaterThanOrEqual(120);
    expect(second?.headers['webhook-signature']).not.toBe(first?.headers['webhook-signature']);
  });

  it('signs with every secret, the first one first, so that a receiver changes over when it likes', async () => {
    const both = { secrets: [new Secret(young), new Secret(old)] };
    await channel(both).deliver(notice(), undefined, going);
    const [one] = receiver.received;
    expect(one?.met).toBe(204);
    const { body = '', headers = {} } = one ?? {};
    expect([young, old, whsec(3)].map((secret) => verifies(secret, body, headers))).toEqual([true, true, false]);
    const [first] = String(headers['webhook-signature']).split(' ');
    expect(verifies(young, body, { ...headers, 'webhook-signature': first })).toBe(true);
  });

  it('is refused by a receiver that knows another secret, and by one an hour behind', async () => {
    const refused = { kind: 'refused', why: 'HTTP 401 (credentials refused)' };
    expect(await channel({ secrets: [new Secret(young)] }).deliver(notice(), undefined, going)).toEqual(refused);
    clock.turn(3_600_000);
    expect(await channel().deliver(notice(), undefined, going)).toEqual(refused);
  });

  it('a body changed on the way is not verified', async () => {
    await channel().deliver(notice(), undefined, going);
    const { body = '', headers = {} } = receiver.received[0] ?? {};
    expect(verifies(old, body, headers)).toBe(true);
    expect(verifies(old, body.replace('page', 'warn'), headers)).toBe(false);
    expect(verifies(old, body, { ...headers, 'webhook-id': 'other' })).toBe(false);
  });

  it('speaks CloudEvents under the same signature', async () => {
    await channel({ format: 'cloudevents' }).deliver(notice(), undefined, going);
    const [one] = receiver.received;
    expect(one?.met).toBe(204);
    expect(one?.headers['content-type']).toBe('application/cloudevents+json');
    const { data, ...attributes } = JSON.parse(one?.body ?? '');
    expect(attributes).toEqual({
      specversion: '1.0',
      id: 'notice-1',
      source: '/pilotlight/production',
      type: 'incident.opened',
      subject: 'acme/esign',
      time: '2026-11-20T08:00:00.000Z',
      datacontenttype: 'application/json',
    });
    expect(data).toMatchObject({ key: notice().key, title: message().title });
  });

  it('is off after 410', async () => {
    receiver.next({ status: 410 });
    expect(await channel().deliver(notice(), undefined, going)).toEqual({
      kind: 'disabled',
      why: 'HTTP 410: the receiver asks for no more messages',
    });
  });

  it.each([
    [429, '10', 10_000],
    [502, undefined, undefined],
    [504, '1', 1_000],
  ])('tries again after %d with Retry-After %s', async (status, wait, afterMs) => {
    receiver.next({ status, headers: wait === undefined ? {} : { 'retry-after': wait } });
    const expected = { kind: 'retry', why: `HTTP ${status}`, ...(afterMs === undefined ? {} : { afterMs }) };
    expect(await channel().deliver(notice(), undefined, going)).toEqual(expected);
    expect(receiver.received.map(({ met }) => met)).toEqual([status]);
  });

  it('repeats nothing a receiver says: neither its address nor its secret, however they are echoed', async () => {
    const said: string[] = [];
    const echo = `${receiver.url.href} ${old} ${old.slice(6)} path-is-a-secret`;
    for (const status of [400, 404, 422, 500]) {
      receiver.next({
        status,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ message: echo }),
      });
      said.push(JSON.stringify(await channel().deliver(notice(), undefined, going)));
    }
    receiver.next('reset');
    said.push(JSON.stringify(await channel().deliver(notice(), undefined, going)));
    await receiver.stop();
    said.push(JSON.stringify(await channel().deliver(notice(), undefined, going)));
    expect(receiver.received.map(({ met }) => met)).toEqual([400, 404, 422, 500, 'reset']);
    expect(said).toHaveLength(6);
    for (const secret of ['path-is-a-secret', 'query-is-a-secret', 'T000', old.slice(6)])
      expect(said.join()).not.toContain(secret);
  });

  it('sends the user and password of an address as authorization, and never in the address', async () => {
    const plain = await startReceiver('/hook', () => ({ status: 200 }));
    try {
      const url = new URL(plain.url);
      url.username = 'pilot';
      url.password = 'p@ss word';
      expect(await channel({ url }).deliver(notice(), undefined, going)).toEqual({ kind: 'accepted' });
      const [one] = plain.received;
      expect(one?.path).toBe('/hook');
      expect(one?.headers.authorization).toBe(`Basic ${Buffer.from('pilot:p@ss word').toString('base64')}`);
    } finally {
      await plain.stop();
    }
  });

  it('says at once that a port can never be used', async () => {
    const url = new URL('http://127.0.0.1:6000/');
    expect(await channel({ url }).deliver(notice(), undefined, going)).toEqual({
      kind: 'refused',
      why: 'no HTTP is spoken to this port',
    });
  });
});
