/**
 * What the web room needs of the others: how the process is, how the connections are, and routes of later rooms. Readers
 * bound themselves in time where they can; the server bounds them again.
 */
import type { Census } from '../connection/census.ts';
import type { ClientAtHost, ConnectionState, IndexEntry } from '../connection/entry.ts';
import type { Urgency } from '../connection/urgency.ts';

// --------------------------------------------------------------------------------------------------------------- health

/** A loop that must go on: how long ago it last did, and how long it may take. Monotonic time. */
export interface Heartbeat {
  readonly name: string;
  readonly ageMs: number;
  readonly ageMsMax: number;
}

export interface Readiness {
  readonly phase: 'starting' | 'running' | 'draining';
  /** What must hold for work to be taken: Redis answers, the spool is writable, ... */
  readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly detail?: string }[];
  /** Worth knowing, and in the way of nothing: a provider that is away. */
  readonly notes?: readonly string[];
}

export interface HealthReader {
  /** Only what the process itself does; never Redis, the store or a provider: a restart mends none of those. */
  heartbeats(): readonly Heartbeat[];
  readiness(): Readiness | Promise<Readiness>;
}

// --------------------------------------------------------------------------------------------------------------- status

/** One lamp of the dead man: a periodic run, when it last came to its end, and how often it should. */
export interface Lamp {
  readonly name: string;
  readonly lastAt: number | null;
  readonly everyMs: number;
}

export interface OpenBreaker {
  readonly at: ClientAtHost;
  readonly reason: string;
  readonly openedAt: number | null;
  readonly nextProbeAt: number | null;
}

export interface Overview {
  /** The instant everything is told from (epoch ms, calendar). */
  readonly now: number;
  readonly census: Census;
  readonly lamps: readonly Lamp[];
  readonly backlog: { readonly due: number; readonly ready: number; readonly queued: number };
  readonly spool: {
    readonly records: number;
    readonly answered: number;
    readonly unreadable: number;
    readonly oldestAt: number | null;
  };
  readonly breakers: readonly OpenBreaker[];
}

export interface StatusQuery {
  readonly provider?: string;
  readonly state?: ConnectionState;
  /** Found anywhere in the id or the client's name, without case. */
  readonly text?: string;
  /** From 1. */
  readonly page: number;
  /** Rows a page, 200 at most. */
  readonly size: number;
}

export interface StatusRow {
  readonly entry: IndexEntry;
  readonly urgency: Urgency;
}

export interface Status {
  readonly overview: Overview;
  /** The page asked for, nearest deadline first, unknown deadlines last. */
  readonly rows: readonly StatusRow[];
  /** Connections that match, over all pages. */
  readonly matching: number;
}

export interface StatusReader {
  read(query: StatusQuery): Promise<Status>;
}

/** Rows a page may have, and how deep pages go: what lies deeper is found with a filter. */
export const pageSizeMax = 200;
export const pageDepthMax = 10_000;

// --------------------------------------------------------------------------------------------------------------- routes

export interface WebRequest {
  /** POST only where the route takes a form. */
  readonly method: 'GET' | 'HEAD' | 'POST';
  /** Path as it was sent, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** What a form bore; empty but for POST. */
  readonly form: URLSearchParams;
  /** Who sends it: what the browser says of the page it comes from, and its cookies. Not to be logged. */
  readonly origin?: string;
  readonly fetchSite?: string;
  readonly cookies?: string;
}

export interface WebAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Where the page's form may lead beside this server, as sources of a content security policy. */
  readonly formLeadsTo?: string;
}

/** One path that is answered to GET and HEAD. */
export interface Route {
  readonly path: string;
  /** Answers every path that begins with this one, which ends in `/`; a route for the very path comes first. */
  readonly below?: true;
  /** Takes POST as well, with a urlencoded form of 4 KiB at most. Whether the form is ours to believe is the route's to check. */
  readonly takesForm?: true;
  /** Answered whatever the Host header says: for kubelet probes, which know the pod by its address only. */
  readonly anyHost?: boolean;
  /** Further names the Host header may carry for this route. */
  readonly hosts?: readonly string[];
  /** How long it may take, ms, where that is longer than the server's limit. */
  readonly answerMsMax?: number;
  handle(request: WebRequest): WebAnswer | Promise<WebAnswer>;
}
