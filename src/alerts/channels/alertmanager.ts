/**
 * Prometheus Alertmanager by its API v2. It forgets what is not repeated: a firing alert stands for four repeat intervals
 * and ends by itself when we fall silent. One channel for each peer of a cluster; never a load balancer before them.
 */
import type { Clock } from '../../runtime/clock.ts';
import { PilotlightError } from '../../runtime/errors.ts';
import type { Secret } from '../../runtime/secret.ts';
import type { Channel, Delivery } from '../channel.ts';
import type { Notice } from '../notice.ts';
import { type Alert, alertOf, endOf, type Labels, problemOf } from './alertmanager-alert.ts';
import { basic, deliveryOf, type Posted, post, safeWords, timeoutMsUsual } from './post.ts';

export interface AlertmanagerOptions {
  readonly name: string;
  /** Where Alertmanager is: `http://alertmanager:9093`, with its path prefix where it has one. */
  readonly url: URL;
  readonly clock: Clock;
  /** How often open incidents are said again, in ms; one to two minutes are usual. */
  readonly repeatEveryMs: number;
  readonly basicAuth?: { readonly user: string; readonly password: Secret };
  /** What `generatorURL` leads to: the status page. */
  readonly generatorUrl?: URL;
  /** In ms; 15 s where not given. */
  readonly timeoutMs?: number;
}

/** As Prometheus does: three lost repeats in a row do not end an alert. */
const intervalsStanding = 4;
const path = '/api/v2/alerts';

/** Throws `config_invalid` for an interval that would leave no alert standing. */
export function createAlertmanager(options: AlertmanagerOptions): Channel {
  const { name, clock, repeatEveryMs, generatorUrl } = options;
  if (!(repeatEveryMs > 0 && Number.isFinite(repeatEveryMs)))
    throw new PilotlightError('config_invalid', `alert channel ${name}: the repeat interval is no length of time`);
  const url = alertsUrl(options.url);
  const secrets = options.basicAuth === undefined ? [] : [options.basicAuth.password];

  async function send(alerts: readonly Alert[], signal: AbortSignal): Promise<Delivery> {
    const authorization = options.basicAuth && basic(options.basicAuth.user, options.basicAuth.password.reveal());
    const request = {
      url,
      body: JSON.stringify(alerts),
      ...(authorization === undefined ? {} : { headers: { authorization } }),
    };
    return judged(await post(request, { clock, timeoutMs: options.timeoutMs ?? timeoutMsUsual, signal }), secrets);
  }

  const told = (notice: Notice) => {
    try {
      const alert = alertOf(notice, { now: clock.now(), standsMs: intervalsStanding * repeatEveryMs }, generatorUrl);
      const problem = problemOf(alert);
      return problem === undefined ? { alert } : { problem };
    } catch {
      // Kept by an older release, in a form of its own.
      return { problem: 'it has another form' };
    }
  };

  return {
    name,
    kind: 'alertmanager',
    async deliver(notice, reference, signal) {
      const { alert, problem } = told(notice);
      if (alert === undefined) return { kind: 'refused', why: `not an alert: ${problem}` };
      const before = labelsFrom(reference);
      const known = before === undefined || sameLabels(before, alert.labels);
      const ended = known ? [] : [endOf(before, alert.startsAt, clock.now())];
      const delivery = await send([alert, ...ended.filter((one) => problemOf(one) === undefined)], signal);
      return delivery.kind === 'accepted' ? { kind: 'accepted', reference: JSON.stringify(alert.labels) } : delivery;
    },
    repeat: {
      everyMs: repeatEveryMs,
      async deliver(open, signal) {
        const all = open.map(told);
        const alerts = all.flatMap(({ alert }) => alert ?? []);
        const delivery: Delivery = alerts.length === 0 ? { kind: 'accepted' } : await send(alerts, signal);
        const bad = all.find(({ problem }) => problem !== undefined);
        if (bad === undefined || delivery.kind !== 'accepted') return delivery;
        const count = all.length - alerts.length;
        return { kind: 'refused', why: `${count} of ${all.length} are not alerts: ${bad.problem}; the others stand` };
      },
    },
  };
}

function alertsUrl(base: URL): URL {
  const url = new URL(base);
  const prefix = url.pathname.replace(/\/+$/, '');
  url.pathname = prefix.endsWith(path) ? prefix : `${prefix}${path}`;
  return url;
}

function judged(posted: Posted, secrets: readonly Secret[]): Delivery {
  if (posted.kind === 'answered' && posted.html && posted.status < 300)
    return { kind: 'refused', why: `HTTP ${posted.status} with a page for people: a login stands before it` };
  return deliveryOf(posted, posted.kind === 'answered' ? safeWords(complaintIn(posted.body), secrets) : undefined);
}

/** Alertmanager says what is wrong as a JSON text; its frameworks, as {"message": …}. */
function complaintIn(body: string): string {
  try {
    const said: unknown = JSON.parse(body);
    if (typeof said === 'string') return said;
    const { message } = Object(said) as { message?: unknown };
    return typeof message === 'string' ? message : '';
  } catch {
    return '';
  }
}

/** The labels last sent, as this channel wrote them into its reference. */
function labelsFrom(reference: string | undefined): Labels | undefined {
  if (reference === undefined) return undefined;
  try {
    const read: unknown = JSON.parse(reference);
    if (typeof read !== 'object' || read === null || Array.isArray(read)) return undefined;
    return Object.values(read).every((value) => typeof value === 'string') ? (read as Labels) : undefined;
  } catch {
    return undefined;
  }
}

function sameLabels(a: Labels, b: Labels): boolean {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].every((name) => a[name] === b[name]);
}
