/**
 * What is measured at each look, and how much of it may grow. Limits are per month of the calendar, because what the
 * service keeps it keeps per connection, incident or day; the table says the same per real hour.
 */
import type { GrowthLimit } from './growth.ts';

const mib = 1_048_576;

/** What the service's own process says of itself, after the garbage was collected. */
export interface ServiceLook {
  readonly rss: number;
  readonly heapUsed: number;
  /** Of the heap what is not compiled code. */
  readonly data: number;
  readonly external: number;
  /** Whatever keeps an event loop alive: sockets, timers, requests. */
  readonly handles: number;
  readonly fds: number;
  /** Listeners on the process: one forgotten by each of something shows here first. */
  readonly listeners: number;
  /** Worst delay of the event loop but for one in a hundred, since the last look, ms. */
  readonly lagMs: number;
  /** Rotations that changed something, since the start. */
  readonly rotations: number;
}

/** One look at everything. */
export interface Look {
  /** Calendar days since the beginning. */
  readonly days: number;
  readonly figures: Readonly<Record<string, number>>;
  /** Elements in Redis by family of keys. */
  readonly families: Readonly<Record<string, number>>;
}

export interface Figure {
  readonly words: string;
  readonly unit: 'MiB' | '' | 'ms' | 'B/s';
  readonly limit: GrowthLimit;
}

/**
 * Limits: what the noise of a quiet machine never reaches, and every leak does that a year of production would notice. A
 * month of the soak holds some 450 rotations, 60 sweeps and 60 scrapes at its usual speed.
 */
export const figures: Readonly<Record<string, Figure>> = {
  rss: { words: 'resident memory', unit: 'MiB', limit: { perUnit: 3 * mib, least: 8 * mib } },
  heapUsed: { words: 'heap in use', unit: 'MiB', limit: { perUnit: 0.25 * mib, least: 0.75 * mib } },
  data: { words: 'heap in use without code', unit: 'MiB', limit: { perUnit: 0.2 * mib, least: 0.5 * mib } },
  external: { words: 'memory beside the heap', unit: 'MiB', limit: { perUnit: 0.25 * mib, least: 0.5 * mib } },
  handles: { words: 'handles', unit: '', limit: { perUnit: 2, least: 8 } },
  fds: { words: 'open file descriptors', unit: '', limit: { perUnit: 2, least: 8 } },
  listeners: { words: 'listeners on the process', unit: '', limit: { perUnit: 0.5, least: 2 } },
  lagMs: { words: 'event-loop delay, p99', unit: 'ms', limit: { perUnit: 20, least: 60 } },
  redisMemory: { words: 'Redis memory', unit: 'MiB', limit: { perUnit: 0.1 * mib, least: 0.2 * mib } },
  redisKeys: { words: 'Redis keys', unit: '', limit: { perUnit: 20, least: 60 } },
  redisElements: { words: 'elements in Redis', unit: '', limit: { perUnit: 40, least: 120 } },
  redisClients: { words: 'connections of Redis', unit: '', limit: { perUnit: 0.5, least: 2 } },
  // Requests without an answer are remembered, and what a customer who left had open waits while their secret can be restored.
  spoolFiles: { words: 'files in the spool', unit: '', limit: { perUnit: 2, least: 3 } },
  dataFiles: { words: 'files in the data folder', unit: '', limit: { perUnit: 2, least: 3 } },
  dataBytes: { words: 'bytes in the data folder', unit: 'MiB', limit: { perUnit: 0.05 * mib, least: 0.15 * mib } },
  labels: { words: 'labels on versions in the store', unit: '', limit: { perUnit: 10, least: 15 } },
  tags: { words: 'tags on secrets in the store', unit: '', limit: { perUnit: 10, least: 20 } },
  series: { words: 'lines of /metrics', unit: '', limit: { perUnit: 5, least: 10 } },
  logRate: { words: 'log', unit: 'B/s', limit: { perUnit: 300, least: 600 } },
};

/** Every family of keys has a steady population behind it: none may grow. */
export const familyLimit: GrowthLimit = { perUnit: 12, least: 20 };

export function figureOf(name: string): Figure {
  const known = figures[name];
  if (known !== undefined) return known;
  return { words: `Redis, ${name.replace(/^redis:/, '')}`, unit: '', limit: familyLimit };
}
