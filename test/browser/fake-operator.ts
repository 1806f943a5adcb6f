/** What the operator's pages show: attempts with every outcome, clients well and rejected, incidents told and untold, hostile texts. */
import { incidentKinds } from '../../src/alerts/kinds.ts';
import type { IndexEntry } from '../../src/connection/entry.ts';
import { outcomes } from '../../src/rotation/outcome.ts';
import type { ClientHealth } from '../../src/rotation/ports.ts';
import { refreshReasons } from '../../src/schedule/ports.ts';
import type {
  Attempt,
  ClientDetail,
  ConnectionDetail,
  Incident,
  IncidentList,
  OperatorReader,
  Top,
} from '../../src/web/operator-ports.ts';
import { operatorRoutes } from '../../src/web/operator-routes.ts';
import type { Overview, Route, StatusReader, WebRequest } from '../../src/web/ports.ts';
import { compareBySort, type SortedQuery, type SortedStatus } from '../../src/web/sort.ts';
import { byDeadline } from '../../src/web/status-reader.ts';
import { fakeEntries, fakeEntry, fakeFacts, fakeNow, fakeStatus } from './fake-status.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** What an entry holds and no page may show. */
export const kept = { fingerprint: 'feedfacecafe', seen: 'SEENDIGEST' };

/** Runs script, breaks out of attributes and elements, or is simply endless. */
export const hostile = {
  markup: `"><script>document.title='owned'</script><img src=x onerror="document.title='owned'">`,
  attribute: `' onmouseover='document.title=1' x="`,
  endless: 'no-end'.repeat(60),
};

export function fakeHealth(over: Partial<ClientHealth> = {}): ClientHealth {
  return {
    breaker: 'closed',
    breakerReason: '',
    openedAt: null,
    nextProbeAt: null,
    lastSuccessAt: fakeNow - 4 * minuteMs,
    suspects: 0,
    heldUntil: 0,
    secret: 'current',
    ...over,
  };
}

/** One attempt of every outcome, newest first, with an answer that is an attack. */
export function fakeAttempts(): Attempt[] {
  const asked = [...refreshReasons, 'recover'] as const;
  return outcomes.map((outcome, i) => ({
    at: fakeNow - (i * 7 + 1) * hourMs,
    outcome,
    reason: outcome === 'rotated' ? 'none' : outcome === 'suspect' ? 'invalid_grant' : 'network',
    asked: asked[i % asked.length] ?? 'due',
    ...(i % 3 === 2 ? {} : { status: i % 2 === 0 ? 200 : 400, requestId: i === 3 ? hostile.markup : `req-${i}` }),
    ...(i === 4 ? { error: hostile.attribute } : i === 6 ? { error: 'invalid_grant' } : {}),
  }));
}

export function fakeIncident(over: Partial<Incident> = {}): Incident {
  return {
    key: 'deadline_near|customers/acme',
    kind: 'deadline_near',
    severity: 'warn',
    openedAt: fakeNow - 3 * hourMs,
    title: 'Deadline near and refreshes fail: customers/acme',
    connection: 'customers/acme',
    provider: 'docusign',
    deliveries: [{ channel: 'slack-ops', state: 'accepted', at: fakeNow - 3 * hourMs }],
    ...over,
  };
}

/** One of every kind, some of them snoozed, untold or hostile; and two that ended. */
export function fakeIncidents(): IncidentList {
  const open = incidentKinds.map((kind, i) =>
    fakeIncident({
      key: `${kind}|${i}`,
      kind,
      severity: i % 3 === 0 ? 'page' : 'warn',
      openedAt: fakeNow - (i + 1) * 40 * minuteMs,
      title: i === 1 ? hostile.markup : i === 2 ? hostile.endless : `${kind} is open`,
      connection: i === 3 ? hostile.attribute : i === 4 ? hostile.endless : `customers/${i}`,
      owner: i === 5 ? hostile.markup : 'team-crm',
      ...(i === 6 ? { snoozedUntil: fakeNow + 5 * hourMs } : {}),
      deliveries:
        i === 0
          ? []
          : [
              { channel: 'pagerduty', state: i === 8 ? 'retry' : 'accepted', at: fakeNow - 30 * minuteMs },
              {
                channel: i === 7 ? hostile.markup : 'slack-ops',
                state: i === 9 ? 'disabled' : 'accepted',
                at: fakeNow,
              },
            ],
    }),
  );
  const {
    connection: _,
    provider: __,
    ...shared
  } = fakeIncident({ kind: 'store_down', title: 'Secrets Manager does not answer' });
  const ended = [
    { ...shared, key: 'store_down', endedAt: fakeNow - 26 * hourMs, openedAt: fakeNow - 27 * hourMs },
    fakeIncident({ key: 'ended', title: 'Refused, then well again', endedAt: fakeNow - hourMs }),
  ];
  return { open, ended };
}

export function fakeClients(): ClientDetail[] {
  const at = (provider: string, client: string) => ({
    provider,
    environment: 'production',
    client,
    host: 'token.example',
  });
  const mix = (failed: number) => ({
    windowMs: dayMs,
    counts: [
      { outcome: 'throttled' as const, reason: 'throttled' as const, count: 3 },
      { outcome: 'rotated' as const, reason: 'none' as const, count: 412 },
      { outcome: 'misconfigured' as const, reason: 'client_rejected' as const, count: failed },
    ],
  });
  return [
    { at: at('docusign', 'docusign-main'), health: fakeHealth({ suspects: 1 }), mix: mix(0) },
    {
      at: at('docusign', `${hostile.markup}${hostile.endless}`),
      health: fakeHealth({
        breaker: 'open',
        breakerReason: 'client_rejected',
        openedAt: fakeNow - 900_000,
        nextProbeAt: fakeNow + 120_000,
        lastSuccessAt: null,
      }),
      mix: mix(57),
    },
    {
      at: at('adobe-sign', 'adobe-main'),
      health: fakeHealth({ secret: 'previous', heldUntil: fakeNow + minuteMs }),
      mix: { windowMs: dayMs, counts: [] },
    },
  ];
}

export function fakeDetail(entry: IndexEntry, over: Partial<ConnectionDetail> = {}): ConnectionDetail {
  return {
    entry: { ...entry, ...kept },
    urgency: 'none',
    health: fakeHealth(),
    owner: 'team-crm@example.com',
    attempts: fakeAttempts(),
    incidents: [fakeIncident({ connection: entry.id })],
    ...over,
  };
}

export function fakeReader(entries: readonly IndexEntry[], over: Partial<OperatorReader> = {}): OperatorReader {
  const top: Top = { lamps: fakeFacts().lamps, open: { page: 6, warn: 10 } };
  return {
    top: async () => top,
    async connection(id) {
      const entry = entries.find((one) => one.id === id);
      return entry === undefined ? undefined : fakeDetail(entry);
    },
    clients: async () => fakeClients(),
    incidents: async () => fakeIncidents(),
    ...over,
  };
}

/** A status reader that knows every order. */
export function sortingStatus(entries: readonly IndexEntry[], facts?: Omit<Overview, 'now' | 'census'>): StatusReader {
  const plain = fakeStatus(entries, facts);
  return {
    async read(query: SortedQuery): Promise<SortedStatus> {
      const { page, size, sort = 'deadline' } = query;
      const matching = await plain.read({ ...query, page: 1, size: 200 });
      const rows = [...matching.rows].sort(
        (a, b) => compareBySort(sort, a.entry, b.entry) || byDeadline(a.entry, b.entry),
      );
      return { ...matching, rows: rows.slice((page - 1) * size, page * size), sortedBy: sort };
    },
  };
}

/** Every page over the fakes, as they are of at `fakeNow`, and the labels of reads that failed. */
export function fakeOperator(
  over: {
    entries?: readonly IndexEntry[];
    reader?: Partial<OperatorReader>;
    status?: StatusReader;
    signedIn?: boolean;
  } = {},
): { routes: readonly Route[]; failures: string[] } {
  const entries = (over.entries ?? [...fakeEntries(), fakeEntry({ id: 'customers/acme' })]).map((entry) => ({
    ...entry,
    ...kept,
  }));
  const failures: string[] = [];
  const routes = operatorRoutes({
    reader: fakeReader(entries, over.reader),
    status: over.status ?? sortingStatus(entries),
    environment: 'production',
    clock: { now: () => fakeNow },
    onFailure: (label) => failures.push(label),
    signedIn: over.signedIn === true,
  });
  return { routes, failures };
}

/** Asks one of the routes, without a server. */
export function ask(routes: readonly Route[], address: string, over: Partial<WebRequest> = {}) {
  const { pathname: path, searchParams: query } = new URL(address, 'http://localhost');
  const route = routes.find((one) => one.path === path);
  if (route === undefined) throw new Error(`no route ${path}`);
  return route.handle({ method: 'GET', path, query, form: new URLSearchParams(), ...over });
}
