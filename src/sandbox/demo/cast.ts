/**
 * Who is in the demo: some forty connections, each with the case it stands for and what must become of it. Pure: the same
 * seed and length make the same cast.
 */
import { steadyFraction } from '../../connection/fingerprint.ts';
import type { Random } from '../../runtime/random.ts';
import { dayMs } from './calendar.ts';
import { companies } from './companies.ts';
import type { Plan } from './plan.ts';

/** What must become of a connection. */
export type Fate =
  /** Lives to the end, unflagged, its live token current in the store. */
  | 'lives'
  /** Reaches an end that was known: told ahead, flagged `expired`. */
  | 'expires'
  /** Turns out to be dead: flagged `invalid_grant`. */
  | 'refused'
  /** Flagged after its customer withdrew, and alive again after a new consent. */
  | 'returns'
  /** Its secret is deleted: it leaves the index. */
  | 'gone'
  /** Its secret cannot be used: said to be, never posted, never changed. */
  | 'unusable';

export interface Member {
  readonly id: string;
  readonly provider: string;
  readonly client: string;
  /** The case of the issue it stands for, in words. */
  readonly part: string;
  readonly fate: Fate;
  readonly environment?: string;
  /** Shard or data centre. */
  readonly place?: string;
  readonly scope?: string;
  /** The secret says which scope the consent had. */
  readonly scopeKnown: boolean;
  readonly consentedAt: number;
  readonly refreshedAt: number;
}

/** Connections the story speaks to by name. */
export interface Leads {
  readonly revoked: Member;
  readonly returning: Member;
  readonly deleted: Member;
  readonly ownRefresh: Member;
  readonly savesField: Member;
  readonly unanswered: Member;
  readonly broken: Member;
}

export interface Cast {
  readonly members: readonly Member[];
  readonly leads: Leads;
}

/** The client whose secret is wrong for a while. */
export const blockedClient = 'docusign-north';
/** Our registrations at the providers. */
export const clients = ['docusign-main', blockedClient, 'adobe-main', 'adobe-gov', 'esignglobal-main'] as const;

/** Days a refresh token lives unused. */
const idleDays: Readonly<Record<string, number>> = {
  docusign: 30,
  'adobe-acrobat-sign': 60,
  'adobe-acrobat-sign-gov': 30,
  esignglobal: 30,
};
const extended = 'signature extended';

type Rough = Omit<Member, 'id' | 'consentedAt' | 'refreshedAt' | 'scopeKnown' | 'fate'> &
  Partial<Pick<Member, 'consentedAt' | 'scopeKnown' | 'fate'>> & {
    /** When it is to fall due for the first time; undefined: anywhere early. */
    readonly dueAt?: number;
  };

export function makeCast(plan: Plan, random: Random): Cast {
  const names = shuffled(companies, random);
  const make = (rough: Rough): Member => settle(rough, names.pop() ?? 'nobody', plan, random);
  const docusign = (part: string, more: Partial<Rough> = {}) =>
    make({ provider: 'docusign', client: 'docusign-main', part, scope: extended, ...more });
  const { firstDue, ends } = plan;
  const leads: Leads = {
    revoked: docusign('the customer withdraws consent', { fate: 'refused', dueAt: firstDue.revoked }),
    returning: docusign('withdraws consent and comes back', { fate: 'returns', dueAt: firstDue.returning }),
    deleted: docusign('its secret is deleted', { fate: 'gone' }),
    ownRefresh: docusign('its application refreshes by itself', { dueAt: firstDue.ownRefresh }),
    savesField: docusign('its application saves another field meanwhile', { dueAt: firstDue.savesField }),
    unanswered: docusign('an answer to its refresh never comes'),
    broken: docusign('broken content', { fate: 'unusable' }),
  };
  const lifeAgo = (endAt: number, days: number) => endAt - days * dayMs;
  const rest = [
    ...times(8, () => docusign('consent with extended')),
    ...times(2, () => docusign('demo environment', { environment: 'demo' })),
    ...ends.notExtended.map((endAt) =>
      docusign('consent without extended', { scope: 'signature', fate: 'expires', consentedAt: lifeAgo(endAt, 30) }),
    ),
    docusign('unknown whether extended: it was', { scopeKnown: false }),
    docusign('unknown whether extended: it was not', {
      scope: 'signature',
      scopeKnown: false,
      fate: 'refused',
      consentedAt: lifeAgo(ends.unclear, 30),
    }),
    ...times(4, (place) => {
      const dueAt = plan.wrongSecret.from + (0.1 + place * 0.2) * dayMs;
      return docusign('wrong client secret for a while', { client: blockedClient, dueAt });
    }),
    ...['na1', 'na1', 'na2', 'eu1', 'eu1', 'jp1', 'au1'].map((place, index) => {
      // Two of them meet the throttling; the others may.
      const dueAt = index < 2 ? { dueAt: plan.throttleFrom + (0.2 + index * 0.2) * dayMs } : {};
      return make({ provider: 'adobe-acrobat-sign', client: 'adobe-main', part: `shard ${place}`, place, ...dueAt });
    }),
    ...times(5, (place) => {
      const dueAt = plan.outage.from + (0.02 + place * 0.1) * dayMs;
      const gov = { provider: 'adobe-acrobat-sign-gov', client: 'adobe-gov', scope: 'offline_access' };
      return make({ ...gov, part: 'its provider is down for two days', dueAt });
    }),
    ...['as1', 'as1', 'as2', 'eu1', 'eu1'].map((place) =>
      make({ provider: 'esignglobal', client: 'esignglobal-main', part: 'in the middle of its 30 days', place }),
    ),
    make({
      provider: 'esignglobal',
      client: 'esignglobal-main',
      part: 'runs into its 365 days',
      place: 'as1',
      fate: 'expires',
      consentedAt: lifeAgo(ends.authorization, 365),
    }),
  ];
  return { members: [...Object.values(leads), ...rest], leads };
}

/** Gives a connection its name and its past. */
function settle(rough: Rough, company: string, plan: Plan, random: Random): Member {
  const { dueAt: wanted, ...rest } = rough;
  const id = `${rough.provider}/${company}`;
  const idleMs = (idleDays[rough.provider] ?? 30) * dayMs;
  // The service refreshes a third into the idle window and spreads by id; the spread is taken out where a day matters.
  const waitMs = (idleMs / 3) * (1 + (steadyFraction(id) * 2 - 1) * 0.1);
  const earliest = plan.startAt - 0.2 * idleMs;
  const latest = Math.min(plan.firstDue.latest, plan.startAt + 0.9 * waitMs);
  const dueAt = wanted ?? earliest + random.fraction() * (latest - earliest);
  const oldestAt = rough.consentedAt ?? Number.NEGATIVE_INFINITY;
  const refreshedAt = Math.round(Math.max(Math.min(dueAt - waitMs, plan.startAt), oldestAt));
  const consentedAt = rough.consentedAt ?? Math.round(refreshedAt - random.fraction() * 200 * dayMs);
  return { fate: 'lives', scopeKnown: true, ...rest, id, consentedAt, refreshedAt: Math.max(refreshedAt, consentedAt) };
}

function times(count: number, make: (place: number) => Member): Member[] {
  return Array.from({ length: count }, (_, place) => make(place));
}

function shuffled(list: readonly string[], random: Random): string[] {
  const rest = [...list];
  return list.flatMap(() => rest.splice(Math.floor(random.fraction() * rest.length), 1));
}
