/**
 * The connection index and its due sets on a real Redis: one server for a test file, emptied before each test, and entries
 * to put there.
 */
import { afterAll, beforeAll, beforeEach } from 'vitest';
import type { ClientAtHost, IndexEntry } from '../../src/connection/entry.ts';
import { createDueIndex } from '../../src/queue/due-index.ts';
import { createConnectionIndex } from '../../src/queue/index.ts';
import type { ConnectionIndex } from '../../src/rotation/ports.ts';
import type { DueIndex } from '../../src/schedule/ports.ts';
import { startTestRedis, type TestRedis } from './redis.ts';

/** There once the tests run, and not yet when they are declared: read through the bench, never kept. */
export interface IndexBench {
  readonly server: TestRedis;
  readonly index: ConnectionIndex;
  readonly due: DueIndex;
  /** All entries of the index, by id. */
  everything(): Promise<IndexEntry[]>;
}

/** Called once at the top of a test file: sets up and clears away around its tests. */
export function indexBench(): IndexBench {
  let server: TestRedis;
  let index: ConnectionIndex;
  let due: DueIndex;

  beforeAll(async () => {
    server = await startTestRedis();
    index = createConnectionIndex({ redis: server.redis });
    due = createDueIndex({ redis: server.redis });
  });
  beforeEach(() => server.flush());
  afterAll(() => server.stop());

  return {
    get server() {
      return server;
    },
    get index() {
      return index;
    },
    get due() {
      return due;
    },
    async everything() {
      const all: IndexEntry[] = [];
      for await (const page of index.scan()) all.push(...page);
      return all.sort((a, b) => (a.id < b.id ? -1 : 1));
    },
  };
}

export const docusign: ClientAtHost = {
  provider: 'docusign',
  environment: 'production',
  client: 'main',
  host: 'd.example',
};
export const adobe: ClientAtHost = { provider: 'adobe', environment: 'production', client: 'main', host: 'a.example' };

/** A healthy connection of docusign's, due at 5,000 and dead at 9,000. */
export function entry(id: string, more: Partial<IndexEntry> = {}): IndexEntry {
  return {
    id,
    at: docusign,
    state: 'active',
    reason: 'none',
    since: 1_000,
    seen: 'abcdefgh',
    fingerprint: '',
    nextAt: 5_000,
    deadlineAt: 9_000,
    clock: 'idle',
    estimated: false,
    extendedAt: null,
    failures: 0,
    ...more,
  };
}
