/** Both forms of the Slack channel against a Slack on loopback: what is sent, what answers mean, and what is never said. */
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createSlackBot, createSlackWebhook } from '../../src/alerts/channels/slack.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { hostileTexts, sampleNotice } from '../support/sample-notice.ts';
import {
  type Scripted,
  type SlackServer,
  slackChannel,
  slackToken,
  startSlackServer,
  webhookSecret,
} from '../support/slack-server.ts';

let slack: SlackServer;
beforeEach(async () => {
  slack = await startSlackServer();
});
afterEach(() => slack.stop());

const clock = systemClock();
const running = () => new AbortController().signal;
const webhook = (url = slack.webhookUrl, timeoutMs = 5_000) =>
  createSlackWebhook({ name: 'ops', url: new Secret(url), clock, timeoutMs });
const bot = (change: { token?: string; channelId?: string; timeoutMs?: number } = {}) => {
  const { token = slackToken, channelId = slackChannel, timeoutMs = 5_000 } = change;
  return createSlackBot({ name: 'ops', token: new Secret(token), channelId, clock, timeoutMs, apiUrl: slack.apiUrl });
};
const methods = () => slack.calls.map(({ path }) => path.split('/').at(-1));
const headers = () =>
  [...slack.messages.values()].map(({ payload }) => /"text":"([A-Z ]+): /.exec(JSON.stringify(payload.blocks))?.[1]);

const opened = sampleNotice();
const resolved = sampleNotice({ id: 'notice-2', event: 'resolved' });

describe('an incoming webhook', () => {
  test('takes a notice, and its end as a second message', async () => {
    expect(await webhook().deliver(opened, undefined, running())).toEqual({ kind: 'accepted' });
    expect(await webhook().deliver(resolved, undefined, running())).toEqual({ kind: 'accepted' });
    expect(headers()).toEqual(['PAGE', 'RESOLVED']);
    expect(slack.problems).toEqual([]);
  });

  test('is told not to open the links', async () => {
    await webhook().deliver(opened, undefined, running());
    expect(slack.calls[0]?.payload).toMatchObject({ unfurl_links: false, unfurl_media: false });
  });

  test.for(hostileTexts)('takes a notice with %j in it', async (text) => {
    const notice = sampleNotice({ message: { title: text, owner: text, facts: [{ label: 'Why', value: text }] } });
    expect(await webhook().deliver(notice, undefined, running())).toEqual({ kind: 'accepted' });
    expect(slack.problems).toEqual([]);
  });

  test.for<[Scripted, object]>([
    [
      { status: 429, headers: { 'retry-after': '30' } },
      { kind: 'retry', afterMs: 30_000 },
    ],
    [
      { status: 429, headers: { 'retry-after': '0' } },
      { kind: 'retry', afterMs: 1_000 },
    ],
    [
      { status: 429, headers: { 'retry-after': '86400' } },
      { kind: 'retry', afterMs: 3_600_000 },
    ],
    [
      { status: 429, headers: { 'retry-after': 'soon' } },
      { kind: 'retry', why: 'HTTP 429' },
    ],
    [
      { status: 500, body: 'rollup_error' },
      { kind: 'retry', why: 'HTTP 500: rollup_error' },
    ],
    [{ status: 503 }, { kind: 'retry' }],
    [
      { status: 400, body: 'invalid_payload' },
      { kind: 'refused', why: expect.stringMatching(/^HTTP 400.*: invalid_payload$/) },
    ],
    [
      { status: 403, body: 'action_prohibited' },
      { kind: 'refused', why: expect.stringMatching(/403.*: action_prohibited$/) },
    ],
    [
      { status: 404, body: 'channel_not_found' },
      { kind: 'refused', why: expect.stringMatching(/404.*channel_not_found/) },
    ],
    [
      { status: 410, body: 'channel_is_archived' },
      { kind: 'disabled', why: 'HTTP 410: channel_is_archived' },
    ],
    [{ status: 302, headers: { location: 'https://evil.example.com/' } }, { kind: 'refused' }],
    [{ status: 200, body: '<html>Please log in</html>' }, { kind: 'refused' }],
    [{ status: 204 }, { kind: 'refused' }],
    [{ instead: 'reset' }, { kind: 'retry' }],
  ])('answering %o means %o', async ([scripted, meaning]) => {
    slack.script.push(scripted);
    expect(await webhook().deliver(opened, undefined, running())).toMatchObject(meaning);
    expect(slack.calls).toHaveLength(1);
    expect(slack.script).toEqual([]);
  });

  test('says nothing of a wait where Slack asks for none', async () => {
    slack.script.push({ status: 429 });
    expect(await webhook().deliver(opened, undefined, running())).toEqual({ kind: 'retry', why: 'HTTP 429' });
  });

  test('is given up after its time limit', async () => {
    slack.script.push({ instead: 'hang' });
    expect(await webhook(slack.webhookUrl, 80).deliver(opened, undefined, running())).toMatchObject({
      kind: 'retry',
      why: expect.stringContaining('timeout'),
    });
    expect(slack.calls).toHaveLength(1);
  });

  test('is given up when the process stops', async () => {
    const stopping = new AbortController();
    stopping.abort(new Error('stopping'));
    expect(await webhook().deliver(opened, undefined, stopping.signal)).toMatchObject({ kind: 'retry' });
    expect(slack.calls).toHaveLength(0);
  });

  test('that nobody listens at is tried again', async () => {
    const { webhookUrl } = slack;
    await slack.stop();
    const delivery = await webhook(webhookUrl).deliver(opened, undefined, running());
    expect(delivery).toMatchObject({ kind: 'retry', why: expect.stringContaining('ECONNREFUSED') });
    slack = await startSlackServer();
  });

  test.for([
    'http://hooks.example.com/services/x',
    'hooks.slack.com/services/x',
    '',
  ])('is not made of the address %j, and the address is not told', (url) => {
    let said = '';
    try {
      webhook(url);
    } catch (error) {
      said = inspect(error);
    }
    expect(said).toContain('must be an https:// URL');
    expect(said).not.toContain('services/x');
  });
});

describe('a bot', () => {
  test('posts, changes its message in place, and ends it there', async () => {
    const first = await bot().deliver(opened, undefined, running());
    expect(first).toEqual({ kind: 'accepted', reference: expect.stringMatching(/^C0123456789:\d+\.\d+$/) });
    const reference = first.kind === 'accepted' ? first.reference : undefined;
    const updated = sampleNotice({ event: 'updated', severity: 'warn' });
    expect(await bot().deliver(updated, reference, running())).toEqual(first);
    expect(await bot().deliver(resolved, reference, running())).toEqual(first);
    expect(methods()).toEqual(['chat.postMessage', 'chat.update', 'chat.update']);
    expect([...slack.messages.values()]).toMatchObject([{ edits: 2 }]);
    expect(headers()).toEqual(['RESOLVED']);
    expect(slack.problems).toEqual([]);
  });

  test('lets Slack turn no name into a mention, at a change either', async () => {
    await bot().deliver(opened, undefined, running());
    await bot().deliver(resolved, `${slackChannel}:1763625600.000001`, running());
    for (const { payload } of slack.calls) expect(payload).toMatchObject({ parse: 'none', link_names: false });
  });

  test('reminds in the thread, shown in the channel, and still ends the first message', async () => {
    const first = await bot().deliver(opened, undefined, running());
    const reference = first.kind === 'accepted' ? first.reference : undefined;
    expect(await bot().deliver(sampleNotice({ event: 'reminder' }), reference, running())).toEqual(first);
    expect(slack.calls[1]).toMatchObject({
      path: '/api/chat.postMessage',
      payload: { thread_ts: '1763625600.000001', reply_broadcast: true, unfurl_links: false },
    });
    await bot().deliver(resolved, reference, running());
    expect(headers()).toEqual(['RESOLVED', 'STILL OPEN']);
  });

  test('tells a page that grew worse as a reminder does, for Slack tells nobody of a changed message', async () => {
    const first = await bot().deliver(opened, undefined, running());
    const reference = first.kind === 'accepted' ? first.reference : undefined;
    const worse = sampleNotice({ event: 'updated', severity: 'page' });
    expect(await bot().deliver(worse, reference, running())).toEqual(first);
    expect(methods()).toEqual(['chat.postMessage', 'chat.update', 'chat.postMessage']);
    expect(slack.calls[2]).toMatchObject({ payload: { thread_ts: '1763625600.000001', reply_broadcast: true } });
    expect(slack.problems).toEqual([]);
  });

  test('opens anew what was opened before', async () => {
    const first = await bot().deliver(opened, undefined, running());
    const again = await bot().deliver(opened, first.kind === 'accepted' ? first.reference : undefined, running());
    expect(again).toEqual({ kind: 'accepted', reference: `${slackChannel}:1763625600.000002` });
  });

  test.for(['updated', 'reminder', 'resolved'] as const)('posts %s anew where the reference is lost', async (event) => {
    const delivery = await bot().deliver(sampleNotice({ event }), undefined, running());
    expect(delivery).toEqual({ kind: 'accepted', reference: `${slackChannel}:1763625600.000001` });
    expect(methods()).toEqual(['chat.postMessage']);
  });

  test.for([
    'nonsense',
    'C0123456789:',
    '../C0123456789:1.1',
    'C0123456789:1.1\r\nX: y',
  ])('posts anew where the reference is %j', async (reference) => {
    expect(await bot().deliver(resolved, reference, running())).toMatchObject({ kind: 'accepted' });
    expect(methods()).toEqual(['chat.postMessage']);
  });

  test.for([
    ['updated', 'chat.update'],
    ['resolved', 'chat.update'],
    ['reminder', 'chat.postMessage'],
  ] as const)('posts %s anew where somebody deleted the message', async ([event, method]) => {
    const gone = `${slackChannel}:1700000000.000001`;
    const delivery = await bot().deliver(sampleNotice({ event }), gone, running());
    expect(methods()).toEqual([method, 'chat.postMessage']);
    expect(delivery).toEqual({ kind: 'accepted', reference: `${slackChannel}:1763625600.000001` });
  });

  test('posts anew where the channel was changed and the old one is closed to it', async () => {
    const delivery = await bot().deliver(resolved, 'C0OLD00000:1700000000.000001', running());
    expect(delivery).toMatchObject({ kind: 'accepted', reference: `${slackChannel}:1763625600.000001` });
  });

  const failed = (error: string): Scripted => ({ body: JSON.stringify({ ok: false, error }) });
  test.for<[Scripted, object]>([
    [
      { ...failed('ratelimited'), status: 429, headers: { 'retry-after': '12' } },
      { kind: 'retry', why: 'HTTP 429: ratelimited', afterMs: 12_000 },
    ],
    [
      { ...failed('ratelimited'), headers: { 'retry-after': '12' } },
      { kind: 'retry', why: 'Slack refuses: ratelimited', afterMs: 12_000 },
    ],
    [failed('internal_error'), { kind: 'retry' }],
    [failed('invalid_auth'), { kind: 'refused', why: 'Slack refuses: invalid_auth' }],
    [failed('token_revoked'), { kind: 'refused' }],
    [failed('channel_not_found'), { kind: 'refused', why: 'Slack refuses: channel_not_found' }],
    [failed('an_error_of_next_year'), { kind: 'refused', why: 'Slack refuses: an_error_of_next_year' }],
    [{ body: '{"ok":false}' }, { kind: 'refused', why: 'Slack refuses' }],
    [{ body: 'null' }, { kind: 'retry' }],
    [{ body: '<html>' }, { kind: 'retry' }],
    [{ status: 502, body: '<html>' }, { kind: 'retry' }],
    [{ status: 403 }, { kind: 'refused' }],
    [{ status: 307, headers: { location: 'https://evil.example.com/' } }, { kind: 'refused' }],
    [{ instead: 'reset' }, { kind: 'retry' }],
  ])('answered %o says %o', async ([scripted, meaning]) => {
    slack.script.push(scripted);
    expect(await bot().deliver(opened, undefined, running())).toMatchObject(meaning);
    expect(slack.script).toEqual([]);
    expect(slack.calls).toHaveLength(1);
  });

  test('is refused with a wrong token or channel by a Slack that looks', async () => {
    expect(await bot({ token: 'xoxb-wrong' }).deliver(opened, undefined, running())).toEqual({
      kind: 'refused',
      why: 'Slack refuses: invalid_auth',
    });
    expect(await bot({ channelId: 'C0WRONG000' }).deliver(opened, undefined, running())).toMatchObject({
      kind: 'refused',
    });
  });

  test('has a message Slack took even where the answer names none', async () => {
    slack.script.push({ body: '{"ok":true}' });
    expect(await bot().deliver(opened, undefined, running())).toEqual({ kind: 'accepted' });
  });

  test.for(['#alerts', 'alerts', '', 'c0123456789'])('is not made for a channel called %j', (channelId) =>
    expect(() => bot({ channelId })).toThrow('it needs the id of the Slack channel'));

  test('does not send its token in clear to another machine', () => {
    const apiUrl = new URL('http://slack.example.com/api/');
    expect(() =>
      createSlackBot({ name: 'ops', token: new Secret(slackToken), channelId: slackChannel, clock, apiUrl }),
    ).toThrow('must be an https:// URL');
  });
});

describe('no secret of the channel is ever told', () => {
  const echoes: Scripted[] = [200, 302, 400, 403, 404, 410, 429, 500].flatMap((status) =>
    [slackToken, webhookSecret, webhookSecret.toLowerCase(), `/services/T0/B0/${webhookSecret}`].flatMap((secret) => [
      { status, body: secret, headers: { location: `https://example.com/${secret}` } },
      { status, body: JSON.stringify({ ok: false, error: secret }) },
      { status, body: JSON.stringify({ ok: true, channel: secret, ts: secret }) },
    ]),
  );
  test('by a server that echoes it in every place there is', async () => {
    for (const scripted of echoes) {
      slack.script.push(scripted, scripted);
      const told = inspect([
        webhook(),
        bot(),
        await webhook().deliver(opened, undefined, running()),
        await bot().deliver(opened, undefined, running()),
      ]).toLowerCase();
      expect(told).not.toContain('canary');
      expect(told).not.toContain('4711');
    }
    expect(slack.script).toEqual([]);
    expect(slack.calls).toHaveLength(echoes.length * 2);
  });

  test('by a server that echoes one made of plain words', async () => {
    const words = 'xoxb-canary_of_plain_words';
    for (const body of ['canary_of_plain_words', '{"ok":false,"error":"canary_of_plain_words"}']) {
      slack.script.push({ body }, { status: 400, body }, { status: 400, body });
      const told = [
        await bot({ token: words }).deliver(opened, undefined, running()),
        await bot({ token: words }).deliver(opened, undefined, running()),
        await webhook(`${slack.webhookUrl}/canary_of_plain_words`).deliver(opened, undefined, running()),
      ];
      expect(inspect(told)).not.toContain('canary');
    }
    expect(slack.script).toEqual([]);
  });

  test.for([`${slackToken}\n`, `${slackToken} x`, '', `${slackToken}\u2028`])('by the refusal of token %#', (token) => {
    let said = '';
    try {
      bot({ token });
    } catch (error) {
      said = inspect(error);
    }
    expect(said).toContain('its Slack token holds spaces or more');
    expect(said).not.toContain('canary');
  });
});
