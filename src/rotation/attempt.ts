/** What every step of one attempt shares, and how a report is made of it. */
import type { IndexEntry, Reason } from '../connection/entry.ts';
import { entryOf, type JudgeRules, type Sighting, type Standing } from '../connection/standing.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Random } from '../runtime/random.ts';
import type { Outcome, RotationReport } from './outcome.ts';
import type {
  ClientRegistry,
  Clients,
  ConnectionIndex,
  Leases,
  Permits,
  SecretStore,
  Spool,
  TokenEndpoint,
} from './ports.ts';
import { retryAt } from './retry.ts';
import type { RotationSettings } from './settings.ts';
import type { StoreTrust } from './store-trust.ts';

export interface RotationPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly store: SecretStore;
  readonly registry: ClientRegistry;
  readonly endpoint: TokenEndpoint;
  readonly spool: Spool;
  readonly leases: Leases;
  readonly permits: Permits;
  readonly clients: Clients;
  readonly index: ConnectionIndex;
  readonly rules: JudgeRules;
  readonly trust: StoreTrust;
  /** The secret's full name for a connection id. */
  readonly nameOf: (id: string) => string;
}

export interface Rotation {
  readonly id: string;
  readonly asked: RotationReport['asked'];
  /** Monotonic instant it began. */
  readonly startedMs: number;
  readonly ports: RotationPorts;
  readonly settings: RotationSettings;
}

export type Usable = Extract<Standing, { usable: true }>;

/** A connection whose secret was read and judged usable. */
export interface Subject {
  readonly sighting: Sighting;
  readonly standing: Usable;
  readonly known: IndexEntry | undefined;
}

type ReportDetails = Partial<Omit<RotationReport, 'connection' | 'asked' | 'outcome' | 'reason' | 'totalMs'>>;

export function report(
  rotation: Rotation,
  outcome: Outcome,
  reason: Reason,
  details: ReportDetails = {},
): RotationReport {
  const { id, asked, startedMs, ports } = rotation;
  return {
    connection: id,
    asked,
    outcome,
    reason,
    at: undefined,
    ...details,
    totalMs: ports.clock.monotonic() - startedMs,
  };
}

/** What the index is to hold after an attempt that did not renew the connection. */
export function entryAfter(
  subject: Subject,
  now: number,
  change: Partial<IndexEntry> & Pick<IndexEntry, 'state' | 'reason'>,
): IndexEntry {
  const { known } = subject;
  const base = entryOf(subject.sighting, subject.standing, now);
  const same =
    known !== undefined && known.state === change.state && known.fingerprint === subject.standing.fingerprint;
  return { ...base, since: same ? known.since : now, ...change };
}

/** The entry of a connection whose attempt failed in a way that passes. */
export function entryRetrying(rotation: Rotation, subject: Subject, reason: Reason, notBefore = 0): IndexEntry {
  const { ports, settings } = rotation;
  const { known, standing } = subject;
  const now = ports.clock.now();
  const failures = (known?.state === 'retrying' && known.fingerprint === standing.fingerprint ? known.failures : 0) + 1;
  const nextAt = retryAt({
    failures,
    now,
    deadlineAt: standing.life.deadlineAt,
    ...settings,
    fraction: ports.random.fraction(),
  });
  // A suspicion outlives a failure on the way to its confirmation.
  if (known?.state === 'suspect' && known.fingerprint === standing.fingerprint)
    return { ...known, nextAt: Math.max(nextAt, notBefore) };
  return entryAfter(subject, now, { state: 'retrying', reason, failures, nextAt: Math.max(nextAt, notBefore) });
}

/** The entry of a connection that could not even be looked at; undefined leaves things as they are. */
export function entryStalled(
  { ports, settings }: Rotation,
  known: IndexEntry | undefined,
  reason: Reason,
): IndexEntry | undefined {
  if (known === undefined || known.nextAt === null) return undefined;
  const now = ports.clock.now();
  const failures = (known.state === 'retrying' ? known.failures : 0) + 1;
  const nextAt = retryAt({
    failures,
    now,
    deadlineAt: known.deadlineAt,
    ...settings,
    fraction: ports.random.fraction(),
  });
  // Whatever else is known of it (a suspicion, a refusal) outlives a store that does not answer.
  if (known.state !== 'active' && known.state !== 'retrying') return { ...known, nextAt };
  return {
    ...known,
    state: 'retrying',
    reason,
    since: known.state === 'retrying' ? known.since : now,
    failures,
    nextAt,
  };
}

/** So near its death that waiting for its client to be mended could cost it. */
export function isUrgent({ standing }: Subject, now: number, { urgentMs }: RotationSettings): boolean {
  const { deadlineAt } = standing.life;
  return deadlineAt !== null && deadlineAt - now < urgentMs;
}
