/** A status to show: connections in every state and reason, with ids as hostile as customers' strings can be. */
import { connectionStates, type IndexEntry, type Reason, reasons } from '../../src/connection/entry.ts';
import { urgencyOf } from '../../src/connection/urgency.ts';
import type { ConnectionIndex } from '../../src/rotation/ports.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import type { Overview, StatusReader } from '../../src/web/ports.ts';
import { createStatusReader } from '../../src/web/status-reader.ts';

export const fakeNow = Date.UTC(2026, 10, 20, 8, 0, 7);
const dayMs = 86_400_000;

/** Ids that try to run script, break out of attributes, hide, reorder or overflow. */
export const hostileIds = [
  '<script>document.title="owned"</script>',
  '"><img src=x onerror="document.title=\'owned\'">',
  "' onmouseover='document.title=1' x='",
  '</title></table></style><style>*{display:none}</style>',
  'javascript:alert(1)',
  'acme\u202egpj.exe',
  'zero\u200bwidth',
  `customers/${'very-long-name-without-end'.repeat(12)}`,
  `\${7*7}{{7*7}}&amp;&lt;`,
];

export function fakeEntry(over: Partial<IndexEntry> = {}): IndexEntry {
  return {
    id: 'customers/acme/docusign',
    at: { provider: 'docusign', environment: 'production', client: 'docusign-main', host: 'account.docusign.com' },
    state: 'active',
    reason: 'none',
    since: fakeNow - dayMs,
    seen: 'seen',
    fingerprint: '0123456789ab',
    nextAt: fakeNow + 2 * dayMs,
    deadlineAt: fakeNow + 20 * dayMs,
    clock: 'idle',
    estimated: false,
    extendedAt: fakeNow - 10 * dayMs,
    failures: 0,
    ...over,
  };
}

const providers = ['docusign', 'adobe-sign', 'adobe-sign-gov', 'esignglobal'];

/** `count` ordinary connections, one of every state and reason, and one of every hostile id. */
export function fakeEntries(count = 60): IndexEntry[] {
  const at = (i: number) => {
    const provider = providers[i % providers.length] ?? 'docusign';
    return { provider, environment: 'production', client: `${provider}-main`, host: 'token.example' };
  };
  const ordinary = Array.from({ length: count }, (_, i) =>
    fakeEntry({
      id: `customers/${String(i).padStart(4, '0')}/${providers[i % 4]}`,
      at: at(i),
      deadlineAt: fakeNow + (12 + (i % 17)) * dayMs + i * 1_000,
    }),
  );
  const troubled = connectionStates.slice(1).map((state, i) =>
    fakeEntry({
      id: `troubled/${state}`,
      at: at(i),
      state,
      ...troubleOf(state),
      deadlineAt: fakeNow + (i - 1) * 1.7 * dayMs,
    }),
  );
  const explained = reasons.map((reason: Reason, i) =>
    fakeEntry({
      id: `reason/${reason}`,
      at: at(i),
      state: 'retrying',
      reason,
      deadlineAt: null,
      estimated: false,
      clock: null,
      nextAt: null,
      extendedAt: null,
    }),
  );
  const hostile = hostileIds.map((id, i) =>
    fakeEntry({
      id,
      at: { ...at(i), client: id.slice(0, 40) },
      deadlineAt: fakeNow + (i + 1) * 3_600_000,
      estimated: i % 2 === 0,
      clock: i % 2 === 0 ? 'absolute' : 'idle',
    }),
  );
  return [...ordinary, ...troubled, ...explained, ...hostile];
}

function troubleOf(state: IndexEntry['state']): Partial<IndexEntry> {
  const found: Partial<Record<IndexEntry['state'], Reason>> = {
    retrying: 'provider_unavailable',
    blocked: 'client_rejected',
    suspect: 'invalid_grant',
    reauth_required: 'lost_rotation',
    unkeepable: 'absolute_lifetime',
    quarantined: 'answer_not_understood',
    sealed: 'store_unavailable',
    invalid: 'content_not_json',
  };
  return { reason: found[state] ?? 'none', clock: state === 'unkeepable' ? 'absolute' : 'idle', failures: 2 };
}

export const thresholds = {
  warnMsMax: 14 * dayMs,
  warnShare: 0.3,
  pageMsMax: 3 * dayMs,
  pageShare: 0.1,
  absoluteMarksMs: [30, 14, 7, 3, 1].map((days) => days * dayMs),
};

export function fakeFacts(over: Partial<Omit<Overview, 'now' | 'census'>> = {}): Omit<Overview, 'now' | 'census'> {
  return {
    lamps: [
      { name: 'Sweep', lastAt: fakeNow - 7_000, everyMs: 15_000 },
      { name: 'Inventory', lastAt: fakeNow - 200_000, everyMs: 300_000 },
    ],
    backlog: { due: 4, ready: 12, queued: 31 },
    spool: { records: 0, answered: 0, unreadable: 0, oldestAt: null },
    breakers: [],
    ...over,
  };
}

export function fakeIndex(entries: readonly IndexEntry[]): Pick<ConnectionIndex, 'scan'> {
  return {
    async *scan() {
      for (let i = 0; i < entries.length; i += 500) yield entries.slice(i, i + 500);
    },
  };
}

/** The real reader over a fake index. */
export function fakeStatus(entries: readonly IndexEntry[], facts = fakeFacts()): StatusReader {
  return createStatusReader({
    index: fakeIndex(entries),
    clock: { ...systemClock(), now: () => fakeNow },
    facts: async () => facts,
    urgencyOf: ({ deadlineAt, clock }, now) => urgencyOf({ deadlineAt, clock, spanMs: 30 * dayMs }, now, thresholds),
    cacheMs: 0,
  });
}
