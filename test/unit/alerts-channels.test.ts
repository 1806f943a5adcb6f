/** What channels write and how they read answers, without a network: formats, limits, and what must never be said. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createAlertmanager } from '../../src/alerts/channels/alertmanager.ts';
import { alertName, alertOf, problemOf } from '../../src/alerts/channels/alertmanager-alert.ts';
import { createPagerDuty, pagerDutyBody } from '../../src/alerts/channels/pagerduty.ts';
import { type Answered, deliveryOf, retryAfterMs, safeWords } from '../../src/alerts/channels/post.ts';
import { cut, isoTime, openable, receiverKey, shortened } from '../../src/alerts/channels/shorten.ts';
import { createWebhook, signedHeaders, webhookBody } from '../../src/alerts/channels/webhook.ts';
import { incidentKinds } from '../../src/alerts/kinds.ts';
import type { Message, Notice } from '../../src/alerts/notice.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { at, going, message, notice, turnedClock } from '../support/channel-notice.ts';
import { isRfc3339, pagerDutyErrors } from '../support/channel-servers.ts';

const routingKey = new Secret('R0UTINGKEYabcdef0123456789abcdef');
const whsec = new Secret(`whsec_${Buffer.alloc(32, 7).toString('base64')}`);
const clock = turnedClock();

const anyText = (max: number) =>
  fc.string({
    unit: fc.oneof(
      fc.constantFrom('\u0000', '"', '\ud83d', '漢', '\n'),
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
    ),
    maxLength: max,
  });
const anyMessage: fc.Arbitrary<Message> = fc
  .record({
    kind: fc.constantFrom(...incidentKinds),
    text: anyText(60),
    times: fc.integer({ min: 1, max: 500 }),
    facts: fc.integer({ min: 0, max: 300 }),
    links: fc.integer({ min: 0, max: 40 }),
  })
  .map(({ kind, text, times, facts, links }) => {
    const long = `x${text}`.repeat(times);
    const fact = { label: long.slice(0, 300), value: long };
    const link = { label: long.slice(0, 300), url: `https://pilotlight.example/${'a'.repeat(1_900)}` };
    return message({
      kind,
      title: long.slice(0, 400),
      environment: long,
      connection: long,
      owner: long,
      action: long,
      ends: long,
      command: long,
      facts: Array.from({ length: facts }, () => fact),
      links: Array.from({ length: links }, () => link),
    });
  });

describe('what an answer means', () => {
  const answered = (status: number, over: Partial<Answered> = {}): Answered => ({
    kind: 'answered',
    status,
    body: '',
    html: false,
    ...over,
  });

  it.each([
    [200, 'accepted'],
    [202, 'accepted'],
    [204, 'accepted'],
    [301, 'refused'],
    [307, 'refused'],
    [400, 'refused'],
    [401, 'refused'],
    [403, 'refused'],
    [404, 'refused'],
    [408, 'retry'],
    [413, 'refused'],
    [429, 'retry'],
    [500, 'retry'],
    [502, 'retry'],
    [503, 'retry'],
    [504, 'retry'],
  ] as const)('HTTP %d is %s', (status, kind) => {
    expect(deliveryOf(answered(status)).kind).toBe(kind);
  });

  it('waits as long as the receiver asks, and only where it is tried again', () => {
    expect(deliveryOf(answered(429, { afterMs: 7_000 }))).toEqual({ kind: 'retry', why: 'HTTP 429', afterMs: 7_000 });
    expect(deliveryOf(answered(400, { afterMs: 7_000 }))).toEqual({ kind: 'refused', why: 'HTTP 400' });
  });

  it('tries again where no answer came, and never where nothing can be sent', () => {
    expect(deliveryOf({ kind: 'unanswered', label: 'ECONNRESET' })).toEqual({
      kind: 'retry',
      why: 'no answer: ECONNRESET',
    });
    expect(deliveryOf({ kind: 'unsendable', label: 'no HTTP' })).toEqual({ kind: 'refused', why: 'no HTTP' });
  });

  it.each([
    ['7', null, 7_000],
    ['0', null, 1_000],
    ['86400', null, 3_600_000],
    ['999999999999', null, 3_600_000],
    ['Fri, 20 Nov 2026 08:01:00 GMT', null, 60_000],
    ['Fri, 20 Nov 2026 08:01:00 GMT', 'Fri, 20 Nov 2026 08:00:50 GMT', 10_000],
    ['Fri, 20 Nov 2020 08:01:00 GMT', null, 1_000],
    ['Fri, 20 Nov 2999 08:01:00 GMT', null, 3_600_000],
    ['soon', null, undefined],
    ['-5', null, undefined],
    ['', null, undefined],
    [null, null, undefined],
  ])('reads Retry-After %s (Date: %s) as %s ms', (header, date, ms) => {
    expect(retryAfterMs(header, date, at)).toBe(ms);
  });

  it('says nothing of words that hold any part of a key', () => {
    const key = routingKey.reveal();
    expect(safeWords(`unknown key ${key}`, [routingKey])).toBe('');
    expect(safeWords(`unknown key ${key.slice(4, 13)}…`, [routingKey])).toBe('');
    expect(safeWords(`unknown key ${key.toUpperCase()}`, [routingKey])).toBe('');
  });

  it('takes addresses, key-like runs and line ends out of a receiver’s words, and cuts them', () => {
    expect(safeWords('bad\r\nlevel=error at https://a.example/T0/B1 for abcdefghijklmnopqrstuvwx', [])).toBe(
      'bad level=error at [hidden] for [hidden]',
    );
    expect(safeWords('word '.repeat(100), [])).toHaveLength(200);
  });
});

describe('shortening', () => {
  it('keeps an incident’s key as it is up to 255 characters, and hashes longer ones the same way each time', () => {
    expect(receiverKey('k'.repeat(255))).toBe('k'.repeat(255));
    const long = receiverKey('k'.repeat(256));
    expect(long).toHaveLength(255);
    expect(long).toBe(receiverKey('k'.repeat(256)));
    expect(long).not.toBe(receiverKey('k'.repeat(257)));
    expect(receiverKey(`${'😀'.repeat(200)}`).isWellFormed()).toBe(true);
  });

  it('gives keys that differ in a control character different names without one', () => {
    expect(receiverKey('a\nb')).toMatch(/^a b~[0-9a-f]{64}$/);
    expect(receiverKey('a\nb')).not.toBe(receiverKey('a\tb'));
  });

  it('cuts between characters and says so', () => {
    expect(cut('abc', 3)).toBe('abc');
    expect(cut('abcd', 3)).toBe('ab…');
    expect(cut('a😀bc', 3)).toBe('a…');
    expect(cut('a\u0000b\nc\ud83d', 10)).toBe('a b\nc\ufffd');
  });

  it('leaves out links nobody can or should open', () => {
    const urls = [
      'javascript:alert(1)',
      'https://user@a.example/',
      'https://:pass@a.example/',
      'no url',
      `https://a.example/${'a'.repeat(3_000)}`,
    ];
    expect(openable(urls.map((url) => ({ label: 'Runbook', url })))).toEqual([]);
    expect(openable([{ label: 'Runbook', url: 'https://a.example' }])).toEqual([
      { label: 'Runbook', url: 'https://a.example/' },
    ]);
  });

  it('leaves a command out rather than cutting it, and counts the facts left out', () => {
    const facts = Array.from({ length: 5 }, (_, index) => ({ label: `Fact ${index}`, value: 'v' }));
    const short = shortened(message({ command: 'c'.repeat(51), facts }), { text: 50, facts: 2, links: 1 });
    expect(short.command).toBeUndefined();
    expect(short.facts.map(({ label, value }) => `${label}: ${value}`)).toEqual([
      'Fact 0: v',
      'Fact 1: v',
      'Left out: 3 more',
    ]);
    expect(short.links).toHaveLength(1);
  });

  it('writes now where a time cannot be written', () => {
    for (const odd of [Number.NaN, Number.POSITIVE_INFINITY, -1, 9e15]) expect(isoTime(odd, at)).toBe(isoTime(at, 0));
  });
});

describe('formats', () => {
  const request = (body: string) => ({
    method: 'POST',
    path: '/v2/enqueue',
    headers: { 'content-type': 'application/json' },
    body,
  });

  it('an event of PagerDuty keeps its limits whatever the message holds', () => {
    fc.assert(
      fc.property(anyMessage, anyText(400), (one, key) => {
        const body = pagerDutyBody(notice({ key: `k${key}`, message: one }), { routingKey, now: at });
        expect(pagerDutyErrors(request(body), routingKey.reveal())).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  it('a fact of PagerDuty’s table takes no row of ours', () => {
    const facts = [
      { label: 'action', value: 'Call this number' },
      { label: '__proto__', value: 'x' },
    ];
    const body = pagerDutyBody(notice({ message: message({ facts }) }), { routingKey, now: at });
    const { custom_details } = JSON.parse(body).payload;
    expect(custom_details.action).toBe(message().action);
    expect(Object.keys(custom_details)).toContain('__proto__');
  });

  it('a webhook stays below 20 kB whatever the message holds, with the connection whole', () => {
    const id = 'c'.repeat(512);
    fc.assert(
      fc.property(anyMessage, fc.constantFrom('standard' as const, 'cloudevents' as const), (one, format) => {
        const body = webhookBody(notice({ message: { ...one, connection: id } }), format, at);
        expect(Buffer.byteLength(body)).toBeLessThan(20_000);
        const { data } = JSON.parse(body);
        expect(data.connection).toBe(id);
        expect(body.isWellFormed()).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('a webhook’s bytes are the same on every try', () => {
    expect(webhookBody(notice(), 'standard', at)).toBe(webhookBody(notice(), 'standard', at + 90_000));
  });

  it('a webhook is signed as the specification’s own example', () => {
    const secret = new Secret('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw');
    expect(signedHeaders('msg_p5jXN8AQM9LWM0D4loKWxJek', 1_614_265_330_999, '{"test": 2432232314}', [secret])).toEqual({
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    });
  });

  it.each([
    'a.b',
    'a b',
    'a\r\nx-evil: 1',
    'ü',
    '',
  ])('a webhook’s id %j is hashed, as no header or signed text can carry it', (id) => {
    const [first, again] = [1, 2].map(() => signedHeaders(id, at, '{}', [whsec])['webhook-id']);
    expect(first).toMatch(/^msg_[0-9a-f]{64}$/);
    expect(again).toBe(first);
  });

  it('an alert is one Alertmanager takes whatever the message holds', () => {
    fc.assert(
      fc.property(
        anyMessage,
        fc.double(),
        fc.constantFrom<Notice['event']>('opened', 'resolved'),
        (one, opened, event) => {
          const alert = alertOf(notice({ message: one, openedAt: opened, event }), { now: at, standsMs: 1_000 });
          expect(problemOf(alert)).toBeUndefined();
          expect([alert.startsAt, alert.endsAt].every(isRfc3339)).toBe(true);
          expect([...Object.values(alert.labels), ...Object.values(alert.annotations)]).not.toContain('');
        },
      ),
      { numRuns: 60 },
    );
  });

  it('an alert opened by a clock ahead of ours starts now and ends no earlier', () => {
    const ahead = notice({ openedAt: at + 5_000, event: 'resolved' });
    expect(alertOf(ahead, { now: at, standsMs: 1_000 })).toMatchObject({
      startsAt: isoTime(at, at),
      endsAt: isoTime(at, at),
    });
  });

  it('two incidents of one kind are two alerts', () => {
    const bare = { ...message({ kind: 'channel_failing' }), connection: '', client: '', provider: '', owner: '' };
    const [one, other] = ['mail', 'chat'].map((key) =>
      alertOf(notice({ key, message: bare }), { now: at, standsMs: 1 }),
    );
    expect(one?.labels).not.toEqual(other?.labels);
    expect(one?.labels).toEqual({
      alertname: 'ChannelFailing',
      severity: 'critical',
      incident: 'mail',
      environment: 'production',
    });
  });

  it('an alert’s name is its kind in CamelCase', () => {
    expect(incidentKinds.map(alertName)).toSatisfy((names: string[]) =>
      names.every((name) => /^([A-Z][a-z]+)+$/.test(name)),
    );
    expect(alertName('reauth_required')).toBe('ReauthRequired');
  });

  it('says before posting what Alertmanager would refuse', () => {
    const alert = alertOf(notice(), { now: at, standsMs: 1_000 });
    expect(problemOf(alert)).toBeUndefined();
    expect(problemOf({ ...alert, labels: {} })).toBe('no alertname');
    expect(problemOf({ ...alert, labels: { ...alert.labels, 'a-b': 'x' } })).toBe('a label has a bad name');
    expect(problemOf({ ...alert, labels: { ...alert.labels, a: '\ud83d' } })).toBe('a label is no text');
    expect(problemOf({ ...alert, endsAt: isoTime(at - 1, at) })).toBe('it ends before it starts');
    expect(problemOf({ ...alert, startsAt: 'yesterday' })).toBe('it ends before it starts');
  });
});

describe('making a channel', () => {
  const url = new URL('https://receiver.example/path-secret');
  const refusal = (make: () => unknown) => {
    try {
      make();
    } catch (error) {
      return String(error);
    }
    return 'taken';
  };

  it.each([
    '',
    'short',
    `${routingKey.reveal()}0`,
    'R0UTINGKEY-bcdef0123456789abcdef',
  ])('refuses the routing key %j without quoting it', (key) => {
    const said = refusal(() => createPagerDuty({ name: 'oncall', routingKey: new Secret(key), clock }));
    expect(said).toMatch(/oncall: a PagerDuty routing key has 32/);
    if (key !== '') expect(said).not.toContain(key);
  });

  it.each([
    'plain-text-secret-of-many-bytes',
    'whsec_',
    `whsec_${Buffer.alloc(23).toString('base64')}`,
    `whsec_${Buffer.alloc(65).toString('base64')}`,
    `whsec_ ${Buffer.alloc(32).toString('base64')}`,
  ])('refuses the webhook secret %j without quoting it', (text) => {
    const said = refusal(() => createWebhook({ name: 'hook', url, secrets: [whsec, new Secret(text)], clock }));
    expect(said).toMatch(/hook: a secret is not whsec_/);
    expect(said.slice(said.indexOf('whsec_') + 6)).not.toContain(text.slice(6) || 'nothing');
  });

  it('refuses a webhook without a secret, and an interval in which no alert stands', () => {
    expect(refusal(() => createWebhook({ name: 'hook', url, secrets: [], clock }))).toMatch(/no secret to sign with/);
    for (const repeatEveryMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY])
      expect(refusal(() => createAlertmanager({ name: 'am', url, clock, repeatEveryMs }))).toMatch(/repeat interval/);
  });

  it('refuses, without throwing, a notice of another form', async () => {
    const odd = { ...notice(), message: { kind: 'reauth_required' } } as unknown as Notice;
    const channels = [
      createPagerDuty({ name: 'a', routingKey, url, clock }),
      createWebhook({ name: 'b', url, secrets: [whsec], clock }),
      createAlertmanager({ name: 'c', url, clock, repeatEveryMs: 60_000 }),
    ];
    for (const channel of channels) expect((await channel.deliver(odd, undefined, going)).kind).toBe('refused');
    expect(await channels[2]?.repeat?.deliver([odd], going)).toMatchObject({ kind: 'refused' });
  });
});
