/** The routes of the status page: the page, its style and icon, and the same facts as JSON for scripts. All read-only. */
import { totalStates } from '../connection/census.ts';
import { describeCause } from '../connection/words.ts';
import { errorLabel } from '../runtime/errors.ts';
import type { Top } from './operator-ports.ts';
import { lampWords } from './overview-view.ts';
import { failurePage, statusPage } from './page.ts';
import type { Route, Status, StatusReader, WebAnswer } from './ports.ts';
import { json } from './probes.ts';
import { readQuery } from './query.ts';
import { readSort, type SortedQuery } from './sort.ts';
import { flame, styleSheet } from './style.ts';

export interface StatusRoutesOptions {
  readonly status: StatusReader;
  readonly environment: string;
  /** Told the class and code of a failed read. */
  readonly onFailure: (label: string) => void;
  /** Given where the operator's other pages are served too: then this one leads to them. Never throws. */
  readonly top?: () => Promise<Top | undefined>;
  /** These pages are behind a login. */
  readonly signedIn?: boolean;
}

/** The sheet's address changes with its content, so it may be kept. It tells nothing of the install. */
const keepable = { 'cache-control': 'public, max-age=86400' };

export function statusRoutes(options: StatusRoutesOptions): readonly Route[] {
  return [
    {
      path: '/',
      async handle({ query }) {
        const asked = { ...readQuery(query), ...readSort(query) };
        const operator =
          options.top === undefined
            ? undefined
            : { open: (await options.top())?.open, signedIn: options.signedIn === true };
        return read(
          options,
          asked,
          (status) => htmlAnswer(200, statusPage(status, asked, options.environment, operator)),
          (label) => htmlAnswer(503, failurePage(label, options.environment, operator && { here: '/', ...operator })),
        );
      },
    },
    {
      path: '/status.json',
      async handle({ query }) {
        return read(
          options,
          { ...readQuery(query), ...readSort(query) },
          (status) => json(200, statusJson(status)),
          (label) => json(503, { error: label }),
        );
      },
    },
    {
      path: '/style.css',
      handle: () => ({ status: 200, contentType: 'text/css; charset=utf-8', body: styleSheet, headers: keepable }),
    },
    {
      path: '/favicon.svg',
      handle: () => ({ status: 200, contentType: 'image/svg+xml', body: flame, headers: keepable }),
    },
  ];
}

async function read(
  { status, onFailure }: StatusRoutesOptions,
  query: SortedQuery,
  shown: (status: Status) => WebAnswer,
  failed: (label: string) => WebAnswer,
): Promise<WebAnswer> {
  try {
    return shown(await status.read(query));
  } catch (error) {
    const label = errorLabel(error);
    onFailure(label);
    return failed(label);
  }
}

export function htmlAnswer(status: number, body: string): WebAnswer {
  return { status, contentType: 'text/html; charset=utf-8', body };
}

/** The status for scripts: instants as ISO 8601, states and reasons as their stable words. */
export function statusJson({ overview, rows, matching }: Status) {
  const { now, census } = overview;
  const earliest = [...census.providers.values()].flatMap(({ earliestDeadlineAt }) =>
    earliestDeadlineAt === null ? [] : [earliestDeadlineAt],
  );
  return {
    now: instant(now),
    total: census.total,
    states: totalStates(census),
    earliestDeadline: earliest.length === 0 ? null : instant(Math.min(...earliest)),
    running: overview.lamps.map((lamp) => ({
      name: lamp.name,
      last: instant(lamp.lastAt),
      everyMs: lamp.everyMs,
      ok: lampWords(lamp, now).tone === 'good',
    })),
    backlog: overview.backlog,
    spool: {
      records: overview.spool.records,
      answered: overview.spool.answered,
      unreadable: overview.spool.unreadable,
      oldest: instant(overview.spool.oldestAt),
    },
    breakers: overview.breakers.map(({ at, reason, openedAt, nextProbeAt }) => ({
      ...at,
      reason,
      opened: instant(openedAt),
      nextProbe: instant(nextProbeAt),
    })),
    matching,
    connections: rows.map(({ entry, urgency }) => ({
      id: entry.id,
      ...entry.at,
      state: entry.state,
      reason: entry.reason,
      actor: describeCause(entry).actor,
      since: instant(entry.since),
      deadline: instant(entry.deadlineAt),
      clock: entry.clock,
      estimated: entry.estimated,
      urgency,
      extended: instant(entry.extendedAt),
      nextAttempt: instant(entry.nextAt),
      failures: entry.failures,
    })),
  };
}

function instant(at: number | null): string | null {
  return at === null || !Number.isFinite(at) || Math.abs(at) > 8.64e15 ? null : new Date(at).toISOString();
}
