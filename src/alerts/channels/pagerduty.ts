/**
 * PagerDuty by its Events API v2. An incident is one `dedup_key`: opened, updated and reminded by `trigger` (which on an
 * open key only appends), ended by `resolve`. The routing key travels in the body and is never told.
 */
import type { Clock } from '../../runtime/clock.ts';
import { PilotlightError } from '../../runtime/errors.ts';
import type { Secret } from '../../runtime/secret.ts';
import type { Channel, Delivery } from '../channel.ts';
import type { Severity } from '../kinds.ts';
import type { Message, Notice } from '../notice.ts';
import { deliveryOf, neverThrowing, type Posted, post, safeWords, timeoutMsUsual } from './post.ts';
import { cut, fitting, isoTime, receiverKey } from './shorten.ts';

export interface PagerDutyOptions {
  readonly name: string;
  /** The integration key of an "Events API v2" integration. */
  readonly routingKey: Secret;
  /** Another for the European service region (events.eu.pagerduty.com). */
  readonly url?: URL;
  readonly clock: Clock;
  /** In ms; 15 s where not given. */
  readonly timeoutMs?: number;
  /** Where PagerDuty's "view in Pilotlight" leads: the status page. */
  readonly clientUrl?: URL;
}

const usualUrl = 'https://events.pagerduty.com/v2/enqueue';
const summaryLengthMax = 1_024;
/** The limit is 512 KB; which thousand that is, is not said. */
const bodyBytesMax = 512_000;
/** A sliding minute allows about 120 events a key; what PagerDuty advises when it does not say itself. */
const throttledMs = 30_000;

const severities: Readonly<Record<Severity, string>> = { page: 'critical', warn: 'warning' };

/** Throws `config_invalid` for a routing key that cannot be one, at the start and not at the first page. */
export function createPagerDuty(options: PagerDutyOptions): Channel {
  const { name, routingKey, clock } = options;
  if (!/^[A-Za-z0-9]{32}$/.test(routingKey.reveal()))
    throw new PilotlightError(
      'config_invalid',
      `alert channel ${name}: a PagerDuty routing key has 32 letters and digits`,
    );
  const url = new URL(options.url ?? usualUrl);
  return {
    name,
    kind: 'pagerduty',
    deliver: (notice, _reference, signal) =>
      neverThrowing(async () => {
        const body = pagerDutyBody(notice, { routingKey, now: clock.now(), clientUrl: options.clientUrl });
        const posted = await post({ url, body }, { clock, timeoutMs: options.timeoutMs ?? timeoutMsUsual, signal });
        return judged(posted, routingKey);
      }),
  };
}

export interface EventSettings {
  readonly routingKey: Secret;
  /** Calendar time. */
  readonly now: number;
  readonly clientUrl?: URL | undefined;
}

/** The event as it goes out, shortened until it fits. Pure; the text holds the routing key. */
export function pagerDutyBody(notice: Notice, { routingKey, now, clientUrl }: EventSettings): string {
  const common = { routing_key: routingKey.reveal(), dedup_key: receiverKey(notice.key) };
  if (notice.event === 'resolved') return JSON.stringify({ ...common, event_action: 'resolve' });
  return fitting(notice.message, bodyBytesMax, (message) =>
    JSON.stringify({
      ...common,
      event_action: 'trigger',
      client: 'Pilotlight',
      ...(clientUrl === undefined ? {} : { client_url: clientUrl.href }),
      links: message.links.map(({ label, url }) => ({ href: url, text: label })),
      payload: {
        summary: cut(message.title, summaryLengthMax),
        source: message.connection ?? message.client ?? message.provider ?? message.environment,
        severity: severities[notice.severity],
        timestamp: isoTime(notice.at, now),
        ...(message.provider === undefined ? {} : { component: message.provider }),
        group: message.environment,
        class: message.kind,
        custom_details: detailsOf(notice, message, now),
      },
    }),
  );
}

/** A table PagerDuty shows row by row: what to do first, then the facts under their own labels. */
function detailsOf(notice: Notice, message: Message, now: number): Record<string, unknown> {
  const { action, actor, ends, command, hits, environment, provider, client, connection, owner } = message;
  const rows = Object.entries({
    action,
    actor,
    ends,
    command,
    hits: hits === undefined ? undefined : `${hits.count} of ${hits.of} connections`,
    environment,
    provider,
    client,
    connection,
    owner,
    event: notice.event,
    opened_at: isoTime(notice.openedAt, now),
  }).filter(([, value]) => value !== undefined);
  // A fact never takes the place of a row of ours.
  const taken = new Set(rows.map(([name]) => name));
  const facts = message.facts.filter(({ label }) => !taken.has(label)).map(({ label, value }) => [label, value]);
  return Object.fromEntries([...rows, ...facts]);
}

function judged(posted: Posted, routingKey: Secret): Delivery {
  if (posted.kind !== 'answered') return deliveryOf(posted);
  // Whatever else answers 2xx, a captive proxy above all, has not taken the event.
  if (posted.status >= 200 && posted.status < 300 && posted.status !== 202)
    return { kind: 'retry', why: `HTTP ${posted.status} where PagerDuty answers 202` };
  const delivery = deliveryOf(posted, safeWords(complaintsIn(posted.body).join('; '), [routingKey]));
  if (posted.status === 429 && delivery.kind === 'retry') return { afterMs: throttledMs, ...delivery };
  return delivery;
}

/** PagerDuty's own words: {"status":"invalid event","message":"…","errors":["…"]}. */
function complaintsIn(body: string): string[] {
  try {
    const { message, errors } = Object(JSON.parse(body)) as { message?: unknown; errors?: unknown };
    const all: unknown[] = [message, ...(Array.isArray(errors) ? errors : [errors])];
    return all.filter((one) => typeof one === 'string');
  } catch {
    return [];
  }
}
