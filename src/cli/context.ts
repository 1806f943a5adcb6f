/**
 * What commands are given. They read no process state and open nothing themselves, so that each can be tested with a
 * context of its own; `main` makes the real one.
 */
import type { Config } from '../../config/derive.ts';
import type { LoadResult } from '../../config/load.ts';
import type { Provider } from '../../config/provider.ts';
import type { Delivery } from '../alerts/channel.ts';
import type { ClientAtHost } from '../connection/entry.ts';
import type { JudgeRules, Sighting, Standing } from '../connection/standing.ts';
import type { RotationReport } from '../rotation/outcome.ts';
import type {
  ClientRegistry,
  Clients,
  ConnectionIndex,
  SecretStore,
  SecretValue,
  SpoolSurvey,
} from '../rotation/ports.ts';
import type { Clock } from '../runtime/clock.ts';
import type { IncidentList } from '../web/operator-ports.ts';
import type { Status, StatusQuery } from '../web/ports.ts';

/** A refresh that was asked for by hand, or what stands in its way. */
export type ManualRefresh =
  | { readonly connection: string; readonly report: RotationReport }
  | { readonly connection: string; readonly problem: string };

export interface Diagnosis {
  readonly name: string;
  readonly state: 'ok' | 'warn' | 'fail';
  readonly detail: string;
  readonly fix?: string;
}

/** The store and Redis, opened for one command. Redis is the running service's; without one, a private one filled by one inventory. */
export interface Opened {
  readonly config: Config;
  readonly store: SecretStore & {
    create(name: string, value: SecretValue, tags: Readonly<Record<string, string>>): Promise<void>;
  };
  readonly index: ConnectionIndex;
  readonly clients: Clients;
  readonly registry: ClientRegistry;
  readonly rules: JudgeRules;
  readonly nameOf: (id: string) => string;
  readonly idOf: (name: string) => string | undefined;
  /** True when a service is running on this Redis (a sweep ended lately or a worker is connected). */
  readonly serviceRuns: boolean;
  status(query: StatusQuery): Promise<Status>;
  /** The secret as it is now, judged. Throws store errors. */
  inspect(id: string): Promise<{ readonly sighting: Sighting; readonly standing: Standing }>;
  /** What a rotation would do now, without doing it: decision, due instant, breaker, holds. */
  explain(id: string): Promise<readonly string[]>;
  /** Refreshes by hand: through the running workers, or in this process where none runs. Yields as they come to their end. */
  refresh(ids: readonly string[]): AsyncIterable<ManualRefresh>;
  /** Ends a connection's refresh token at its provider. */
  revoke(
    id: string,
  ): Promise<
    | { readonly kind: 'revoked' }
    | { readonly kind: 'already_dead'; readonly error: string }
    | { readonly kind: 'refused'; readonly error: string }
    | { readonly kind: 'unanswered' }
    | { readonly kind: 'not_sent' }
    | { readonly kind: 'not_offered'; readonly provider: Provider; readonly at: ClientAtHost }
  >;
  /** Puts connections just made into the index, so that they are seen before the next inventory. */
  adopt(ids: readonly string[]): Promise<void>;
  /** Stops keeping a connection alive: takes the management tag away (its secret stays). */
  release(id: string): Promise<void>;
  diagnose(): AsyncIterable<Diagnosis>;
  /** Incidents, channels and links. Throws config_invalid for a channel whose secret is not there. */
  alerts(): Promise<OpenedAlerts>;
  close(): Promise<void>;
}

export interface OpenedAlerts {
  /** Name of the installation: keys begin with it. */
  readonly environment: string;
  /** Names of the configured channels. */
  readonly channels: readonly string[];
  incidents(): Promise<IncidentList>;
  /** Orders to the service; taken at its next look. */
  resolve(key: string): Promise<void>;
  snooze(key: string, until: number, reason: string): Promise<void>;
  confirm(provider: string): Promise<void>;
  /** A test message and its end, at once and from here. */
  test(channel: string): Promise<Delivery>;
  /** Throws store errors, and config_invalid where re-consent is not configured. */
  reauthLink(id: string): Promise<string>;
  connectLink(subject: {
    readonly connection: string;
    readonly provider: string;
    readonly environment: string;
    readonly client: string;
  }): string;
}

/** What finishing a connection's open records came to; `left`: nobody may touch it now. */
export type Flushed =
  | { readonly connection: string; readonly report: RotationReport }
  | { readonly connection: string; readonly left: 'held' | 'redis_new' };

/** This machine's spool and its mirror, opened for one command beside a worker that may be running on both. */
export interface OpenedSpool {
  /** Every record there is, each opened with the key ring. */
  survey(): Promise<SpoolSurvey>;
  /** Recovery, now, under the same leases as the service's. Yields as connections come to their end. */
  flush(): AsyncIterable<Flushed>;
  close(): Promise<void>;
}

export interface CommandContext {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** All of standing input as text. */
  readonly readInput: () => Promise<string>;
  readonly readFile: (path: string) => Promise<string>;
  /** Standard output is a terminal: colour and progress are welcome. */
  readonly terminal: boolean;
  /** Columns of the terminal; undefined where standard output is none. */
  readonly columns: number | undefined;
  /** Nobody wants colour: NO_COLOR is set (https://no-color.org), or the terminal is a dumb one. */
  readonly plain: boolean;
  /** Aborts at the first Ctrl-C or SIGTERM, which then no longer end the process; a second one does. Called once at most. */
  readonly interruption: () => AbortSignal;
  readonly clock: Clock;
  readonly version: { readonly version: string; readonly commit: string; readonly node: string };
  loadConfig(file: string | undefined): LoadResult;
  /** The configuration as YAML that loads again; without credentials. */
  renderConfig(config: Config): string;
  /** `30d`, `1h30m` or ISO 8601 as milliseconds; undefined for anything else. */
  readDuration(text: string): number | undefined;
  /** For a diagnosis nothing need be there, and nothing is asked for before it is its turn. */
  open(config: LoadResult & { ok: true }, purpose?: 'diagnosis'): Promise<Opened>;
  /** Asks nothing of the store, which may be what is away. */
  openSpool(config: LoadResult & { ok: true }): Promise<OpenedSpool>;
  /** Runs the service until it is told to stop; answers the exit code. */
  run(config: LoadResult & { ok: true }, role: 'all' | 'scheduler' | 'worker'): Promise<number>;
  /** Runs the demo; answers the exit code. */
  demo(options: {
    readonly once: boolean;
    readonly seed: number;
    readonly json: boolean;
    readonly days: number;
    readonly port: number;
  }): Promise<number>;
}
