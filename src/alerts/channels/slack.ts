/**
 * Slack as a channel, in two forms. An incoming webhook needs one secret URL and says "resolved" in a second message. A
 * bot edits its message in place and reminds in its thread. Tries once per notice; neither URL nor token is ever said.
 *
 * Slack offers no idempotency key: where the answer to a message is lost, the next try may say it twice.
 */
import type { Clock } from '../../runtime/clock.ts';
import { PilotlightError } from '../../runtime/errors.ts';
import type { Secret } from '../../runtime/secret.ts';
import type { Channel, Delivery } from '../channel.ts';
import type { Notice } from '../notice.ts';
import { type Answered, deliveryOf, type Posted, post, timeoutMsUsual } from './post.ts';
import { slackMessage } from './slack-blocks.ts';

export interface SlackWebhookOptions {
  readonly name: string;
  /** `https://hooks.slack.com/services/...`: who holds it may post. */
  readonly url: Secret;
  readonly clock: Clock;
  /** For one whole try, in ms; 15 s where absent. */
  readonly timeoutMs?: number;
}

export interface SlackBotOptions {
  readonly name: string;
  /** A bot token (`xoxb-`) with the scope `chat:write`. */
  readonly token: Secret;
  /** The channel's id, not its name: `C0123456789`. The bot must be a member. */
  readonly channelId: string;
  readonly clock: Clock;
  /** For one call of the API, in ms; 15 s where absent. A delivery makes two calls at most. */
  readonly timeoutMs?: number;
  /** `https://slack.com/api/` where absent. */
  readonly apiUrl?: URL;
}

/** Throws `config_invalid` for a URL that is none or would carry the secret in clear. */
export function createSlackWebhook(options: SlackWebhookOptions): Channel {
  const url = postingUrl(options.name, options.url.reveal());
  return {
    name: options.name,
    kind: 'slack',
    async deliver(notice, _reference, signal) {
      const posted = await postJson(url, { ...slackMessage(notice), ...quiet }, options, signal);
      if (posted.kind !== 'answered') return deliveryOf(posted);
      const said = errorWord(posted.body, url.href);
      if (posted.status === 410) return { kind: 'disabled', why: because('HTTP 410', said) };
      // Something between us and Slack that answers 200 to everything must not pass for Slack.
      if (succeeded(posted) && posted.body.trim() !== 'ok')
        return { kind: 'refused', why: `HTTP ${posted.status} without "ok": this is no Slack webhook` };
      return deliveryOf(posted, said);
    },
  };
}

/** Throws `config_invalid` for a token or channel id that can be none, or an API address that would carry the token in clear. */
export function createSlackBot(options: SlackBotOptions): Channel {
  // A line end that came with the file would fail each delivery as if the network did.
  if (!/^[\x21-\x7e]+$/.test(options.token.reveal()))
    throw invalid(options.name, 'its Slack token holds spaces or more.');
  // A name would do to post and fail at the first change.
  if (!/^[A-Z][A-Z0-9]{2,31}$/.test(options.channelId))
    throw invalid(options.name, 'it needs the id of the Slack channel (C0123456789), not its name.');
  const apiUrl = options.apiUrl ?? new URL('https://slack.com/api/');
  const base = postingUrl(options.name, `${apiUrl.href.replace(/\/+$/, '')}/`);

  async function call(method: string, body: object, signal: AbortSignal): Promise<Called> {
    const token = options.token.reveal();
    const posted = await postJson(new URL(method, base), body, options, signal, { authorization: `Bearer ${token}` });
    return posted.kind === 'answered' ? readCalled(posted, token) : { delivery: deliveryOf(posted) };
  }

  async function say(notice: Notice, signal: AbortSignal): Promise<Delivery> {
    const body = { channel: options.channelId, ...slackMessage(notice), ...quiet, ...unparsed };
    return (await call('chat.postMessage', body, signal)).delivery;
  }

  /**
   * The message of this incident, changed; a reminder in its thread, shown in the channel as well. Slack tells nobody of a
   * change: where a page grew worse, it is both.
   */
  async function follow(notice: Notice, { channel, ts }: Place, signal: AbortSignal): Promise<Called> {
    const message = slackMessage(notice);
    if (notice.event !== 'reminder') {
      const changed = await call('chat.update', { channel, ts, ...message, ...unparsed }, signal);
      const isNews = notice.event === 'updated' && notice.severity === 'page';
      if (!isNews || changed.delivery.kind !== 'accepted') return changed;
    }
    const thread = { thread_ts: ts, reply_broadcast: true };
    return call('chat.postMessage', { channel, ...thread, ...message, ...quiet, ...unparsed }, signal);
  }

  return {
    name: options.name,
    kind: 'slack',
    async deliver(notice, reference, signal) {
      const place = notice.event === 'opened' ? undefined : readReference(reference);
      if (place === undefined) return say(notice, signal);
      const { delivery, error = '' } = await follow(notice, place, signal);
      // The incident keeps its first message: that is the one to change when it ends.
      if (delivery.kind === 'accepted') return { kind: 'accepted', reference: `${place.channel}:${place.ts}` };
      const moved = place.channel !== options.channelId && channelGone.has(error);
      return moved || messageGone.has(error) ? say(notice, signal) : delivery;
    },
  };
}

interface Place {
  readonly channel: string;
  readonly ts: string;
}

interface Called {
  readonly delivery: Delivery;
  /** Slack's own word for what is wrong. */
  readonly error?: string | undefined;
}

/** Slack's robot must not open the links: one of them may be meant for a customer. */
const quiet = { unfurl_links: false, unfurl_media: false };
/** chat.update links names unless told not to, other than chat.postMessage (docs.slack.dev, methods/chat.update). */
const unparsed = { parse: 'none', link_names: false };

/** The message cannot be changed or answered any more; a new one can still be said. */
const messageGone = new Set([
  'message_not_found',
  'cant_update_message',
  'edit_window_closed',
  'thread_not_found',
  'cannot_reply_to_message',
]);
const channelGone = new Set(['channel_not_found', 'is_archived', 'not_in_channel']);
/** What Slack says of itself and not of us. Everything else stays wrong until somebody changes something. */
const passing = new Set([
  'ratelimited',
  'rate_limited',
  'message_limit_exceeded',
  'internal_error',
  'fatal_error',
  'service_unavailable',
  'request_timeout',
  'team_added_to_org',
]);

function postJson(
  url: URL,
  body: object,
  { clock, timeoutMs = timeoutMsUsual }: { readonly clock: Clock; readonly timeoutMs?: number },
  signal: AbortSignal,
  headers: Readonly<Record<string, string>> = {},
): Promise<Posted> {
  const contentType = 'application/json; charset=utf-8';
  return post({ url, body: JSON.stringify(body), contentType, headers }, { clock, timeoutMs, signal });
}

function readCalled(answer: Answered, token: string): Called {
  if (!succeeded(answer)) return { delivery: deliveryOf(answer, errorWord(answer.body, token)) };
  const said = objectIn(answer.body);
  if (said === undefined)
    return { delivery: { kind: 'retry', why: `HTTP ${answer.status} without an answer of Slack` } };
  if (said.ok === true) {
    const reference = `${said.channel}:${said.ts}`;
    return { delivery: readReference(reference) ? { kind: 'accepted', reference } : { kind: 'accepted' } };
  }
  const error = errorWord(answer.body, token);
  const why = because('Slack refuses', error);
  if (error === undefined || !passing.has(error)) return { delivery: { kind: 'refused', why }, error };
  const { afterMs } = answer;
  return { delivery: { kind: 'retry', why, ...(afterMs === undefined ? {} : { afterMs }) }, error };
}

function succeeded({ status }: Answered): boolean {
  return status >= 200 && status < 300;
}

function because(what: string, said: string | undefined): string {
  return said === undefined ? what : `${what}: ${said}`;
}

/** Slack's errors are words like `channel_not_found`. Nothing else of an answer is shown: it may echo the secret. */
function errorWord(text: string, secret: string): string | undefined {
  const word = text.startsWith('{') ? objectIn(text)?.error : text.trim();
  if (typeof word !== 'string') return undefined;
  return /^[a-z]+(?:_[a-z]+)*$/.test(word) && word.length <= 60 && !secret.includes(word) ? word : undefined;
}

function objectIn(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function readReference(reference: string | undefined): Place | undefined {
  const [, channel, ts] = /^([A-Z0-9]{2,32}):(\d{1,16}\.\d{1,10})$/.exec(reference ?? '') ?? [];
  return channel === undefined || ts === undefined ? undefined : { channel, ts };
}

function postingUrl(name: string, text: string): URL {
  const url = URL.parse(text);
  const loopback = url !== null && /^(?:localhost|127\.0\.0\.1|\[::1\])$/.test(url.hostname);
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && loopback)) return url;
  throw invalid(name, 'its Slack address must be an https:// URL.');
}

function invalid(name: string, what: string): PilotlightError {
  return new PilotlightError('config_invalid', `Alert channel ${name}: ${what}`);
}
