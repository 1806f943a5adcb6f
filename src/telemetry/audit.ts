/**
 * The audit trail: one JSON line for each attempt to spend a refresh token, on a stream of its own. Versions and keyed
 * fingerprints say which token became which, never what it was. Each line carries the hash of the one before, so that a
 * line changed, dropped or put in between shows; a cut at the end shows only against a copy, so ship the lines off the host.
 */
import { createHash } from 'node:crypto';
import type { ConsentEvent } from '../reconsent/ports.ts';
import type { Clock } from '../runtime/clock.ts';
import { errorLabel } from '../runtime/errors.ts';
import { refusedMark, scrubValue } from './scrub.ts';

/** One attempt, as the rotation (or recovery) settles it. */
export interface AuditEvent {
  readonly attempt: string;
  readonly connection: string;
  readonly provider: string;
  readonly environment: string;
  readonly client: string;
  /** Why the attempt was made: due, probe, canary, manual, recover. */
  readonly reason: string;
  readonly versionOld: string;
  /** The version written, where one was. */
  readonly versionNew?: string | undefined;
  /** Keyed fingerprints, 12 hex digits. */
  readonly fingerprintOld: string;
  readonly fingerprintNew?: string | undefined;
  readonly outcome: string;
  /** HTTP status of the provider's answer. */
  readonly status?: number | undefined;
  /** OAuth error code, scrubbed. */
  readonly error?: string | undefined;
  /** Duration of each phase in ms, by its name. */
  readonly phasesMs: Readonly<Record<string, number>>;
  /** When the attempt began (epoch ms); it is settled when the line is written. */
  readonly startedAt: number;
}

export interface Audit {
  /** Writes one line. Never throws: a full disk must not stop a token from reaching the store. */
  record(event: AuditEvent): void;
  /** The same for a customer who authorises: that it began, and how it ended. */
  recordConsent(event: ConsentEvent): void;
  /** Lines that could not be written since the start. */
  failures(): number;
}

export interface AuditOptions {
  /** Appends one line (its end included). */
  readonly write: (line: string) => void;
  readonly clock: Pick<Clock, 'now'>;
  /** Hash of the last line already on the stream; absent on a new one. */
  readonly previous?: string | undefined;
  /** Told once for each line that could not be written, with the error's class and code. */
  readonly onFailure?: (label: string) => void;
}

/** What the first line of a stream refers to. */
export const auditGenesis = '0'.repeat(64);

/** Makes an audit trail on one stream. Two writers on one stream break the chain: give each process its own. */
export function createAudit(options: AuditOptions): Audit {
  let previous = options.previous ?? auditGenesis;
  let failed = 0;
  const write = (fields: Record<string, unknown>) => {
    try {
      const body = JSON.stringify({ ...fields, prev: previous });
      const hash = hashOf(body);
      options.write(`${body.slice(0, -1)},"hash":"${hash}"}\n`);
      previous = hash;
    } catch (error) {
      failed += 1;
      options.onFailure?.(errorLabel(error));
    }
  };
  return {
    record: (event) => write(auditFields(event, options.clock.now())),
    recordConsent: (event) => write(consentFields(event, options.clock.now())),
    failures: () => failed,
  };
}

function consentFields(event: ConsentEvent, at: number): Record<string, unknown> {
  const text = (field: string, value: string | undefined) =>
    value === undefined ? undefined : scrubValue(field, value);
  return {
    time: new Date(at).toISOString(),
    event: 'consent',
    connection: text('connection', event.connection),
    provider: text('provider', event.provider),
    outcome: text('outcome', event.outcome),
    account: text('account', event.account),
    error: text('error', event.error),
    versionOld: text('versionOld', event.versionOld),
    versionNew: text('versionNew', event.versionNew),
  };
}

function auditFields(event: AuditEvent, settledAt: number): Record<string, unknown> {
  const text = (field: string, value: string | number | undefined) =>
    value === undefined ? undefined : scrubValue(field, value);
  return {
    time: new Date(settledAt).toISOString(),
    event: 'rotation.attempt',
    attempt: text('attempt', event.attempt),
    connection: text('connection', event.connection),
    provider: text('provider', event.provider),
    environment: text('environment', event.environment),
    client: text('client', event.client),
    reason: text('reason', event.reason),
    outcome: text('outcome', event.outcome),
    status: text('status', event.status),
    error: text('error', event.error),
    versionOld: text('versionOld', event.versionOld),
    versionNew: text('versionNew', event.versionNew),
    fingerprintOld: fingerprint(event.fingerprintOld),
    fingerprintNew: event.fingerprintNew === undefined ? undefined : fingerprint(event.fingerprintNew),
    startedAt: new Date(event.startedAt).toISOString(),
    settledAt: new Date(settledAt).toISOString(),
    durationMs: Math.max(0, settledAt - event.startedAt),
    phasesMs: phases(event.phasesMs),
  };
}

/** Twelve hex digits or nothing: a token handed over in its place must not be written. */
function fingerprint(value: string): string {
  return value === '' || /^[0-9a-f]{12}$/.test(value) ? value : refusedMark;
}

function phases(phasesMs: Readonly<Record<string, number>>): Record<string, number> {
  const named = Object.entries(phasesMs).filter(([name, ms]) => /^[a-zA-Z]{1,32}$/.test(name) && Number.isFinite(ms));
  return Object.fromEntries(named.map(([name, ms]) => [name, Math.round(ms * 10) / 10]));
}

function hashOf(body: string): string {
  return createHash('sha256').update(body).digest('hex');
}

/** What is wrong with a trail, by line number from 1. Empty: the chain holds from the first line to the last. */
export function verifyAudit(
  lines: Iterable<string>,
  start: string = auditGenesis,
): readonly { readonly line: number; readonly problem: string }[] {
  const problems: { line: number; problem: string }[] = [];
  let previous = start;
  let number = 0;
  for (const line of lines) {
    number += 1;
    const read = readAuditLine(line);
    if (read === undefined) {
      problems.push({ line: number, problem: 'is not an audit line (cut short or not ours)' });
      continue;
    }
    if (!read.whole) problems.push({ line: number, problem: 'was changed after it was written' });
    if (read.prev !== previous) problems.push({ line: number, problem: 'does not follow the line before it' });
    previous = read.hash;
  }
  return problems;
}

/** The hash a line carries, what it refers to, and whether it is what was written. */
export function readAuditLine(
  line: string,
): { readonly hash: string; readonly prev: string; readonly whole: boolean } | undefined {
  const match = /^(\{.*,"prev":"([0-9a-f]{64})"),"hash":"([0-9a-f]{64})"\}$/.exec(line.trimEnd());
  const [, body, prev, hash] = match ?? [];
  if (body === undefined || prev === undefined || hash === undefined) return undefined;
  return { hash, prev, whole: hashOf(`${body}}`) === hash };
}
