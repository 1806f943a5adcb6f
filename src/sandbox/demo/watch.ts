/**
 * The judge's eyes during the run: what the service reported, what stood in its index, which flags hung on which secret,
 * and when the operator could first know of an end. Nothing is believed here; the sandbox's oracle is asked at each look.
 */
import type { IndexEntry, Reason } from '../../connection/entry.ts';
import { readFlag } from '../../connection/flag.ts';
import { dayMs } from './calendar.ts';
import type { Fate, Member } from './cast.ts';
import type { ServiceReport } from './ports.ts';
import { currentDocument, type World } from './world.ts';

/** A flag that said `needs a new consent` of the version that was current. */
export interface Flagged {
  readonly connection: string;
  readonly provider: string;
  readonly reason: Reason;
  /** Calendar instant at which it was first seen. */
  readonly at: number;
  /** Gone again: a new consent made it void. */
  cleared: boolean;
}

export interface Watch {
  hear(report: ServiceReport): void;
  /** Takes in a look at the index and at every secret, made now. */
  look(entries: readonly IndexEntry[]): void;
  readonly entries: () => ReadonlyMap<string, IndexEntry>;
  readonly flagged: () => readonly Flagged[];
  /** Connections flagged although their stored token lived. */
  readonly wronglyFlagged: ReadonlySet<string>;
  /** Connections that were dead for a day while nothing said so. */
  readonly unnoticed: ReadonlySet<string>;
  /** How the operator was first told of an end, by connection. */
  readonly told: ReadonlyMap<string, { readonly at: number; readonly how: string }>;
  /** How often each outcome was reported, by connection: `rotated`, `suspect/invalid_grant`. */
  readonly outcomes: (connection: string) => ReadonlyMap<string, number>;
  readonly breakersOpened: () => number;
  /** Since when a connection has been turned away as busy and has come to nothing else. */
  readonly busySince: ReadonlyMap<string, number>;
}

/** States that say of a connection that it ends or has ended. */
const endings = new Set<IndexEntry['state']>(['unkeepable', 'reauth_required', 'suspect']);
/** Secrets of these fates hold nothing that could die unnoticed. */
const lifeless = new Set<Fate>(['gone', 'unusable']);

export function createWatch(world: World): Watch {
  const { double, sandbox, calendar, cast } = world;
  const told = new Map<string, { at: number; how: string }>();
  const flagged: Flagged[] = [];
  const wronglyFlagged = new Set<string>();
  const unnoticed = new Set<string>();
  const outcomes = new Map<string, Map<string, number>>();
  const busySince = new Map<string, number>();
  let entries: ReadonlyMap<string, IndexEntry> = new Map();
  let breakersOpened = 0;

  function tell(member: Member, how: string): void {
    if (!told.has(member.id)) told.set(member.id, { at: calendar.now(), how });
  }

  function lookAtFlag(member: Member): void {
    const open = flagged.find(({ connection, cleared }) => connection === member.id && !cleared);
    const current = double.secrets.current(member.id);
    const flag = readFlag(double.secrets.tags(member.id));
    const holds = flag?.state === 'reauth_required' && flag.version === current?.versionId;
    if (!holds) {
      if (open !== undefined) open.cleared = true;
      return;
    }
    tell(member, `flagged ${flag.reason}`);
    if (open === undefined) {
      const { id: connection, provider } = member;
      flagged.push({ connection, provider, reason: flag.reason, at: calendar.now(), cleared: false });
    }
    const token = currentDocument(double, member.id)?.refresh_token;
    if (typeof token === 'string' && sandbox.oracle.isLive(token)) wronglyFlagged.add(member.id);
  }

  function lookAtEnd(member: Member): void {
    const entry = entries.get(member.id);
    const endsAt = sandbox.oracle.diesAt(member.id);
    if (entry !== undefined && endings.has(entry.state)) tell(member, `shown as ${entry.state}`);
    const foretold = entry?.clock === 'absolute' && Math.abs((entry.deadlineAt ?? 0) - endsAt) < dayMs;
    if (foretold) tell(member, 'its end shown as its deadline');
    const death = sandbox.oracle.death(member.id);
    // Only the customer knows of a withdrawn consent before the token is shown again: that is judged at the end.
    if (death === undefined || death.why === 'revoked') return;
    const at = told.get(member.id)?.at ?? calendar.now();
    if (at > death.at + dayMs) unnoticed.add(member.id);
  }

  return {
    wronglyFlagged,
    unnoticed,
    told,
    busySince,
    entries: () => entries,
    flagged: () => flagged,
    outcomes: (connection) => outcomes.get(connection) ?? new Map(),
    breakersOpened: () => breakersOpened,
    hear({ connection, outcome, reason, breakerOpened }) {
      const counts = outcomes.get(connection) ?? new Map<string, number>();
      outcomes.set(connection, counts);
      for (const key of [outcome, `${outcome}/${reason}`]) counts.set(key, (counts.get(key) ?? 0) + 1);
      if (breakerOpened === true) breakersOpened += 1;
      if (outcome !== 'busy') busySince.delete(connection);
      else if (!busySince.has(connection)) busySince.set(connection, calendar.now());
    },
    look(seen) {
      entries = new Map(seen.map((entry) => [entry.id, entry]));
      for (const member of cast.members) {
        if (lifeless.has(member.fate)) continue;
        lookAtFlag(member);
        lookAtEnd(member);
      }
    },
  };
}
