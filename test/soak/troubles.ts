/**
 * The ordinary troubles of a month, and when they come: each begins, ends, and counts how often it struck, so that a run in
 * which one did nothing can be told from one that it did no harm to.
 */
import type { Customers } from './population.ts';
import { blockedClient, credentialsOf } from './population.ts';
import type { Surroundings } from './surroundings.ts';

/** One that has begun. */
export interface Going {
  end(): void;
  struck(): number;
}

export interface Trouble {
  readonly name: string;
  /** Day of the run on which it begins, and how long it lasts. */
  readonly day: number;
  readonly days: number;
  /** Days it may take to strike: not begun where fewer are left. */
  readonly strikesWithin?: number;
  begin(): Going | Promise<Going>;
}

const monthDays = 30;
/** The last days are for coming to rest. */
const restDays = 5;
/** Shares of the run at which Redis is emptied: both in the half that is not judged, because it would hide what grows. */
const flushes = [0.05, 0.15];
/** After this one the calendar waits: a Redis that is new gives no lease yet. */
export const emptied = 'Redis emptied';
const always = Number.POSITIVE_INFINITY;

const done = (struck = 1): Going => ({ end: () => {}, struck: () => struck });

/** Every trouble of a run of so many days, earliest first. */
export function troublesOf(days: number, around: Surroundings, customers: Customers): readonly Trouble[] {
  const monthly = [...providersTroubles(around), ...storesTroubles(around), ...peoplesTroubles(around, customers)];
  const all: Trouble[] = [];
  for (let from = 0; from < days; from += monthDays)
    for (const trouble of monthly) all.push({ ...trouble, day: from + trouble.day });
  for (let day = 1; day < days; day += 2) all.push(turnover(day, customers));
  for (let day = 4; day < days; day += 6)
    all.push({ name: 'connections of Redis cut', day, days: 0, begin: async () => done(await around.cutRedis()) });
  for (const share of flushes)
    all.push({ name: emptied, day: share * days, days: 0, begin: async () => done(await around.flushRedis()) });
  return all
    .filter(({ day, strikesWithin = 0 }) => day + strikesWithin < days - restDays)
    .sort((a, b) => a.day - b.day);
}

function turnover(day: number, customers: Customers): Trouble {
  return {
    name: 'a customer gone, another come',
    day,
    days: 0,
    begin() {
      const [oldest] = customers.ids();
      if (oldest !== undefined) customers.leave(oldest);
      customers.come();
      // Whoever is told to consents again some days later.
      if (day % 6 === 1) customers.heed();
      return done();
    },
  };
}

function providersTroubles({ sandbox }: Surroundings): readonly Trouble[] {
  const fault = (
    name: string,
    day: number,
    days: number,
    ...[what, scope]: Parameters<typeof sandbox.faults.inject>
  ): Trouble => ({
    name,
    day,
    days,
    begin() {
      const { fired, lift } = sandbox.faults.inject(what, scope);
      return { struck: fired, end: lift };
    },
  });
  const unavailable = {
    kind: 'answer',
    when: 'before',
    status: 503,
    body: { error: 'temporarily_unavailable' },
  } as const;
  const north = credentialsOf(blockedClient).clientId;
  return [
    fault('provider down: 503', 3, 3, unavailable, { provider: 'adobe-acrobat-sign-gov' }),
    fault('provider down: refused', 5, 2, { kind: 'refuse' }, { provider: 'esignglobal' }),
    fault(
      '429 with Retry-After',
      6,
      8,
      { kind: 'throttle', retryAfterMs: 7_200_000 },
      { provider: 'docusign', times: 6 },
    ),
    fault('an answer that never came', 8, 4, { kind: 'drop', when: 'before' }, { provider: 'docusign', times: 2 }),
    fault('wrong client secret', 15, 4, { kind: 'wrongSecret' }, { provider: 'docusign', client: north }),
    fault('slow answers', 20, 3, { kind: 'slow', ms: 400 }, { provider: 'docusign' }),
  ];
}

function storesTroubles({ double, alerts }: Surroundings): readonly Trouble[] {
  const fault = (name: string, day: number, days: number, spec: Parameters<typeof double.faults.add>[0]): Trouble => ({
    name,
    day,
    days,
    begin() {
      const { fired, remove } = double.faults.add(spec);
      return { struck: fired, end: remove };
    },
  });
  const failing = { error: 'InternalServiceError', status: 500 };
  return [
    fault('writes to the store failed', 10, 3, { op: 'PutSecretValue', times: 6, what: failing }),
    fault('store away', 12, 1.5, { op: '*', times: always, what: failing }),
    fault('store throttled', 18, 3, {
      op: ['PutSecretValue', 'DescribeSecret'],
      times: 12,
      what: { error: 'ThrottlingException' },
    }),
    {
      name: 'receiver of alerts away',
      day: 14,
      days: 2,
      begin() {
        const before = alerts.refused();
        alerts.refuse(true);
        return { struck: () => alerts.refused() - before, end: () => alerts.refuse(false) };
      },
    },
  ];
}

function peoplesTroubles({ sandbox }: Surroundings, customers: Customers): readonly Trouble[] {
  const about = (name: string, day: number, begin: () => number): Trouble => ({
    name,
    day,
    days: 0,
    begin: () => done(begin()),
  });
  const withdrawn = (provider: string) => () => {
    const id = customers.any(provider);
    if (id !== undefined) sandbox.grants.revoke(id);
    return id === undefined ? 0 : 1;
  };
  return [
    about('a consent that cannot be prolonged', 0.5, () => {
      const [oldest] = customers.ids();
      if (oldest !== undefined) customers.leave(oldest);
      customers.come({ mortal: true });
      return 1;
    }),
    about('consent withdrawn', 2, withdrawn('docusign')),
    about('consent withdrawn', 17, withdrawn('esignglobal')),
    about('an application refreshed by itself', 11, () => {
      const id = customers.any('docusign');
      return id !== undefined && customers.refreshByItself(id) ? 1 : 0;
    }),
    {
      name: 'a token in doubt: refreshed by its application, and our next request dropped',
      // By now every connection has been refreshed by us once, or nobody could tell whose refresh this is.
      day: 10.5,
      days: 25,
      // Where somebody else refreshes too we do so after two thirds of the idle window.
      strikesWithin: 24,
      begin() {
        const connection = customers.any('docusign');
        if (connection === undefined || !customers.refreshByItself(connection)) return done(0);
        const { fired, lift } = sandbox.faults.inject({ kind: 'drop', when: 'before' }, { connection, times: 1 });
        return { struck: fired, end: lift };
      },
    },
  ];
}
