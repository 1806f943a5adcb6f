/**
 * Any receiver, by Standard Webhooks 1.0 (https://www.standardwebhooks.com): three headers, an HMAC over id, time of this
 * attempt and the very bytes of the body. The body is that specification's, or a CloudEvent 1.0 in structured mode; the
 * headers sign either. What the receiver says is not repeated: nobody knows what it echoes.
 */
import { createHash, createHmac } from 'node:crypto';
import type { Clock } from '../../runtime/clock.ts';
import { PilotlightError } from '../../runtime/errors.ts';
import type { Secret } from '../../runtime/secret.ts';
import type { Channel, Delivery } from '../channel.ts';
import type { Message, Notice } from '../notice.ts';
import { deliveryOf, neverThrowing, type Posted, post, timeoutMsUsual } from './post.ts';
import { fitting, isoTime, receiverKey } from './shorten.ts';

export type WebhookFormat = 'standard' | 'cloudevents';

export interface WebhookOptions {
  readonly name: string;
  readonly url: URL;
  /**
   * Each `whsec_` and the base64 of 24 to 64 bytes. Every one signs, so that a receiver may change over at its leisure:
   * the new one first, the old one until all know the new.
   */
  readonly secrets: readonly Secret[];
  readonly clock: Clock;
  readonly format?: WebhookFormat;
  /** In ms; 15 s where not given. */
  readonly timeoutMs?: number;
}

/** Receivers are told to expect less than 20 kB. */
const bodyBytesMax = 20_000 - 1;
const secretPrefix = 'whsec_';
const secretBytesMin = 24;
const secretBytesMax = 64;

const contentTypes: Readonly<Record<WebhookFormat, string>> = {
  standard: 'application/json',
  cloudevents: 'application/cloudevents+json',
};

/** Throws `config_invalid` for a secret that cannot sign; the error does not quote it. */
export function createWebhook(options: WebhookOptions): Channel {
  const { name, clock, secrets } = options;
  const format = options.format ?? 'standard';
  const url = new URL(options.url);
  if (secrets.length === 0)
    throw new PilotlightError('config_invalid', `alert channel ${name}: no secret to sign with`);
  for (const secret of secrets) {
    if (keyOf(secret) === undefined) {
      const form = `${secretPrefix} and the base64 of ${secretBytesMin} to ${secretBytesMax} random bytes`;
      throw new PilotlightError('config_invalid', `alert channel ${name}: a secret is not ${form}`);
    }
  }
  return {
    name,
    kind: 'webhook',
    deliver: (notice, _reference, signal) =>
      neverThrowing(async () => {
        const now = clock.now();
        const body = webhookBody(notice, format, now);
        const headers = signedHeaders(notice.id, now, body, secrets);
        const request = { url, body, headers, contentType: contentTypes[format] };
        return judged(await post(request, { clock, timeoutMs: options.timeoutMs ?? timeoutMsUsual, signal }));
      }),
  };
}

function judged(posted: Posted): Delivery {
  if (posted.kind === 'answered' && posted.status === 410)
    return { kind: 'disabled', why: 'HTTP 410: the receiver asks for no more messages' };
  return deliveryOf(posted);
}

/** The bytes of a `whsec_` secret; undefined where it is none. */
function keyOf(secret: Secret): Buffer | undefined {
  const text = secret.reveal();
  if (!text.startsWith(secretPrefix)) return undefined;
  const base64 = text.slice(secretPrefix.length);
  const key = Buffer.from(base64, 'base64');
  // Buffer skips what is no base64; a receiver's library does not.
  if (key.toString('base64') !== base64) return undefined;
  return key.length >= secretBytesMin && key.length <= secretBytesMax ? key : undefined;
}

/** The three headers of an attempt made at `now` (epoch ms). */
export function signedHeaders(
  noticeId: string,
  now: number,
  body: string,
  secrets: readonly Secret[],
): Record<string, string> {
  const id = headerId(noticeId);
  const seconds = Math.floor(now / 1_000);
  const signatures = secrets.map((secret) => {
    const key = keyOf(secret) ?? Buffer.alloc(0);
    return `v1,${createHmac('sha256', key).update(`${id}.${seconds}.${body}`, 'utf8').digest('base64')}`;
  });
  return { 'webhook-id': id, 'webhook-timestamp': String(seconds), 'webhook-signature': signatures.join(' ') };
}

/** The id itself where a header can carry it; a full stop would let one signed text be read as another. */
function headerId(id: string): string {
  if (/^[\x21-\x2d\x2f-\x7e]{1,255}$/.test(id)) return id;
  return `msg_${createHash('sha256').update(id, 'utf16le').digest('hex')}`;
}

/** The body, shortened until it is below 20 kB. Pure: the same on every try but for a time that cannot be written. */
export function webhookBody(notice: Notice, format: WebhookFormat, now: number): string {
  const type = `incident.${notice.event}`;
  const timestamp = isoTime(notice.at, now);
  return fitting(notice.message, bodyBytesMax, (message) => {
    const data = dataOf(notice, message, now);
    if (format === 'standard') return JSON.stringify({ type, timestamp, data });
    return JSON.stringify({
      specversion: '1.0',
      id: headerId(notice.id),
      source: `/pilotlight/${encodeURIComponent(message.environment)}`,
      type,
      subject: message.connection ?? message.client ?? message.provider ?? data.key,
      time: timestamp,
      datacontenttype: 'application/json',
      data,
    });
  });
}

function dataOf(notice: Notice, message: Message, now: number) {
  const { kind, title, environment, provider, client, connection, owner } = message;
  const { actor, action, ends, facts, links, command, hits } = message;
  return {
    key: receiverKey(notice.key),
    kind,
    severity: notice.severity,
    opened_at: isoTime(notice.openedAt, now),
    title,
    environment,
    provider,
    client,
    connection,
    owner,
    actor,
    action,
    ends,
    facts,
    links,
    command,
    hits,
  };
}
