/**
 * What the demo is given from outside: the machine's clock, where to write, a signal to end, and a way to start the real
 * service with a configuration and a calendar of the demo's. The demo itself knows nothing of how the service is built.
 */
import type { Config } from '../../../config/derive.ts';
import type { IndexEntry } from '../../connection/entry.ts';
import type { Clock } from '../../runtime/clock.ts';

export interface DemoOptions {
  /** Chooses names, ages and shards; the same seed makes the same world. */
  readonly seed: number;
  /** Calendar days lived through, 20 at least. */
  readonly days: number;
  /** One JSON object on standard output, and nothing else there. */
  readonly json: boolean;
  /** Ends after the summary; otherwise the status page stays up until the signal. */
  readonly once: boolean;
  /** Calendar days in one second of real time. Default 1: 60 days in a minute. */
  readonly daysPerSecond?: number;
}

/** Where progress is shown: standard output, or standard error where the other carries JSON. */
export interface Screen {
  write(text: string): void;
  /** It can be drawn over. */
  readonly terminal: boolean;
  readonly colour: boolean;
  columns(): number;
}

/** What the demo hears of every rotation; a `RotationReport` is one. */
export interface ServiceReport {
  readonly connection: string;
  readonly outcome: string;
  readonly reason: IndexEntry['reason'];
  readonly foreign?: string | undefined;
  readonly breakerOpened?: boolean | undefined;
  /** Life left when it was refreshed, ms. */
  readonly marginMs?: number | undefined;
}

/** An incident that is open, as far as a screen shows it. */
export interface ShownIncident {
  readonly key: string;
  readonly title: string;
  readonly severity: 'page' | 'warn';
}

export interface ServiceRequest {
  /** The demo's changes to the default configuration. */
  configure(config: Config): Config;
  /** Calendar and monotonic time for the whole service. */
  readonly clock: Clock;
  /** Told of every rotation. */
  observe(report: ServiceReport): void;
  /** Told of every look: what on-call hears of now. */
  incidents(open: readonly ShownIncident[]): void;
  /** Lines a person should read while starting (what is installed, where). */
  say(line: string): void;
}

export interface DemoService {
  /** Address of the status page. */
  readonly url: string;
  /** The first recovery, inventory and sweep have come to their end. */
  readonly settled: Promise<void>;
  /** Everything in the service's index. Throws while Redis is away. */
  entries(): Promise<readonly IndexEntry[]>;
  /** FLUSHALL, behind the service's back. */
  flushRedis(): Promise<void>;
  /** Ends the service and its Redis. */
  stop(): Promise<void>;
}

export interface DemoPorts {
  /** The machine's own. */
  readonly clock: Clock;
  /** Aborts at Ctrl-C. */
  readonly signal: AbortSignal;
  /** Standard output. */
  readonly out: (text: string) => void;
  readonly screen: Screen;
  /** Starts the service in all roles, on a private Redis. */
  start(request: ServiceRequest): Promise<DemoService>;
}
