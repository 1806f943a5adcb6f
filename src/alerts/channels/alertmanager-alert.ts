/**
 * An incident as an Alertmanager alert (API v2). Labels are its identity, the incident's key among them, without which
 * two failing channels would be one alert. Where a label changes while the incident is open, the alert under the former
 * ones is ended. Annotations inform. Pure.
 */
import type { IncidentKind, Severity } from '../kinds.ts';
import type { Link, Message, Notice } from '../notice.ts';
import { isoTime, receiverKey, shortened } from './shorten.ts';

export type Labels = Readonly<Record<string, string>>;

export interface Alert {
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly startsAt: string;
  readonly endsAt: string;
  readonly generatorURL?: string;
}

export interface AlertTimes {
  /** Calendar time. */
  readonly now: number;
  /** How long a firing alert stands if nobody repeats it, in ms. */
  readonly standsMs: number;
}

/** An annotation is read in a message: 1,000 characters of each text, and as many facts as fit a screen. */
const lengths = { text: 1_000, facts: 25, links: 10 };

const severities: Readonly<Record<Severity, string>> = { page: 'critical', warn: 'warning' };

/** The alert that says what the notice says. */
export function alertOf(notice: Notice, { now, standsMs }: AlertTimes, generatorUrl?: URL): Alert {
  const message = shortened(notice.message, lengths);
  const start = Math.min(notice.openedAt, now);
  return {
    labels: labelsOf(notice, message),
    annotations: annotationsOf(message),
    startsAt: isoTime(start, now),
    // Never before its start, which Alertmanager refuses.
    endsAt: isoTime(notice.event === 'resolved' ? now : now + standsMs, now),
    ...(generatorUrl === undefined ? {} : { generatorURL: generatorUrl.href }),
  };
}

/** The end of an alert under labels it had before: the severity rose, or the connection has another owner. */
export function endOf(labels: Labels, startsAt: string, now: number): Alert {
  return { labels, annotations: {}, startsAt, endsAt: isoTime(now, now) };
}

function labelsOf({ key, severity }: Notice, message: Message): Labels {
  const { kind, environment, provider, client, connection, owner } = message;
  return withoutEmpty({
    alertname: alertName(kind),
    severity: severities[severity],
    incident: receiverKey(key),
    environment,
    provider,
    client,
    connection,
    owner,
  });
}

/** `reauth_required` is `ReauthRequired`. */
export function alertName(kind: IncidentKind): string {
  return kind.replaceAll(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function annotationsOf(message: Message): Labels {
  const { title, actor, action, ends, facts, links, command, hits } = message;
  const lines = facts.map(({ label, value }) => `${label}: ${value}`);
  return withoutEmpty({
    summary: title,
    description: [action, ends, ...lines].join('\n'),
    action,
    actor,
    command,
    hits: hits === undefined ? undefined : `${hits.count} of ${hits.of} connections`,
    reauth_url: urlOf(links, /consent|authori[sz]e/i),
    runbook_url: urlOf(links, /runbook/i),
    dashboard_url: urlOf(links, /dashboard|details/i),
  });
}

function urlOf(links: readonly Link[], label: RegExp): string | undefined {
  return links.find((link) => label.test(link.label))?.url;
}

/** Alertmanager drops empty values silently, and would then know the alert by other labels than we do. */
function withoutEmpty(values: Readonly<Record<string, string | undefined>>): Labels {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== ''),
  );
}

/**
 * Why Alertmanager would refuse the alert; undefined where it would not. Asked before posting: of a list with one bad
 * alert it takes the good ones and answers 400 all the same.
 */
export function problemOf({ labels, annotations, startsAt, endsAt }: Alert): string | undefined {
  if (labels.alertname === undefined) return 'no alertname';
  for (const [name, value] of Object.entries({ ...annotations, ...labels })) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return 'a label has a bad name';
    if (typeof value !== 'string' || !value.isWellFormed()) return 'a label is no text';
  }
  if (!(Date.parse(startsAt) <= Date.parse(endsAt))) return 'it ends before it starts';
  return undefined;
}
