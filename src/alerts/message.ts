/** An incident in words: what, until when, why, who can act, and with what. Pure; nothing in it can be a token. */
import { relativeInWords, spanInWords, utcInWords } from '../connection/time-words.ts';
import { describeReason } from '../connection/words.ts';
import type { Incident } from './incident.ts';
import { kindWords } from './kinds.ts';
import type { Fact, Link, Message } from './notice.ts';
import type { AttemptNote } from './ports.ts';

export interface MessageContext {
  readonly now: number;
  /** Name of the installation. */
  readonly install: string;
  /** The provider's title, such as its product's name. */
  readonly providerTitle?: string;
  /** The last attempt that did not succeed, where one is remembered. */
  readonly lastAttempt?: AttemptNote;
  /** Where the customer consents; only for what a consent mends. */
  readonly consentLink?: string;
  /** The runbook's address, without an anchor. */
  readonly runbook: string;
  /** The operator's page of it, where one is served. */
  readonly page?: string;
}

const titleMax = 250;
const valueMax = 500;

const clockWords = { idle: 'unused for too long', absolute: 'final limit, no refresh moves it' } as const;

export function messageOf(incident: Incident, context: MessageContext): Message {
  const { kind, about, hits, owner } = incident;
  const words = kindWords(kind);
  const links: Link[] = [];
  if (context.consentLink !== undefined) links.push({ label: 'Re-consent', url: context.consentLink });
  links.push({ label: 'Runbook', url: `${context.runbook}#${kind}` });
  if (context.page !== undefined) links.push({ label: 'Details', url: context.page });
  const command = commandOf(incident);
  return {
    kind,
    title: cut(`${words.title}: ${subjectOf(incident, context)}`, titleMax),
    environment: context.install,
    ...pick('provider', about.provider),
    ...pick('client', about.client),
    ...pick('connection', about.connection),
    ...pick('owner', owner),
    actor: words.actor,
    action: words.action,
    ends: words.ends,
    facts: factsOf(incident, context).map(({ label, value }) => ({ label, value: cut(value, valueMax) })),
    links,
    ...pick('command', command),
    ...pick('hits', hits),
  };
}

function subjectOf({ about, detail }: Incident, { install, providerTitle }: MessageContext): string {
  const provider = providerTitle ?? about.provider;
  const what = about.connection ?? about.client ?? about.channel ?? (about.provider === undefined ? detail : undefined);
  const place = [what === undefined ? undefined : provider, install].filter((one) => one !== undefined).join(', ');
  return `${what ?? provider ?? 'this installation'} (${place})`;
}

function factsOf(incident: Incident, { now, lastAttempt }: MessageContext): Fact[] {
  const facts: Fact[] = [];
  const say = (label: string, value: string | undefined) => {
    if (value !== undefined && value !== '') facts.push({ label, value });
  };
  const { deadlineAt, clock, estimated, extendedAt, failures, reason, hits, detail, endedAt } = incident;
  if (endedAt !== undefined) say('Ended', `${utcInWords(endedAt)}, after ${spanInWords(endedAt - incident.openedAt)}`);
  if (deadlineAt !== undefined) {
    const why = clock === undefined ? '' : `; ${clockWords[clock]}`;
    const sure = estimated === true ? '; estimated for the worst' : '';
    say('Deadline', `${utcInWords(deadlineAt)} (${relativeInWords(deadlineAt, now)}${why}${sure})`);
  }
  say('Since', `${utcInWords(incident.since)} (${relativeInWords(incident.since, now)})`);
  if (extendedAt !== undefined) say('Last success', `${utcInWords(extendedAt)} (${relativeInWords(extendedAt, now)})`);
  if (failures !== undefined) say('Attempts', `${failures} failed in a row`);
  if (hits !== undefined) say('Hits', `${hits.count} of ${hits.of} connections`);
  if (reason !== undefined && reason !== 'none') say('Why', `${reason}: ${describeReason(reason).meaning}`);
  if (detail !== undefined) say('Detail', detail);
  if (lastAttempt !== undefined && endedAt === undefined) say('Provider said', attemptWords(lastAttempt, now));
  if (incident.snoozedUntil !== undefined && incident.snoozedUntil > now)
    say('Snoozed', `until ${utcInWords(incident.snoozedUntil)}: ${incident.snoozeReason ?? ''}`);
  return facts;
}

function attemptWords({ at, status, error, description, requestId }: AttemptNote, now: number): string {
  const words = [
    status === undefined ? undefined : `HTTP ${status}`,
    error,
    description === undefined ? undefined : `“${description}”`,
    requestId === undefined ? undefined : `request ${requestId}`,
    relativeInWords(at, now),
  ];
  return words.filter((word) => word !== undefined).join(', ');
}

function commandOf({ about, kind, key }: Incident): string | undefined {
  if (kind === 'mass_revocation') return `pilotlight alerts confirm ${quoted(about.provider ?? '')}`;
  if (kind === 'spool_not_empty') return 'pilotlight spool list';
  if (kind === 'channel_failing') return `pilotlight alerts test ${quoted(about.channel ?? '')}`;
  if (about.connection !== undefined) return `pilotlight show ${quoted(about.connection)}`;
  if (about.client !== undefined) return `pilotlight list --state blocked`;
  return key === '' ? undefined : 'pilotlight status';
}

/** Fit for a shell: names may hold what a shell acts on. */
function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function cut(text: string, max: number): string {
  const line = text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ');
  return line.length <= max
    ? line
    : `${line
        .slice(0, max - 1)
        .toWellFormed()
        .replace(/�$/, '')}…`;
}

function pick<K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [P in K]: V });
}
