/** The file store in a folder of its own with a key of its own, fresh for each test and removed after it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { systemClock } from '../../src/runtime/clock.ts';
import { type Random, systemRandom } from '../../src/runtime/random.ts';
import { createFileSecretStore, type FileSecretStore } from '../../src/secrets/file.ts';
import { findManaged, managedTags, text } from './store-fixture.ts';

/** The folders, key and store are the running test's: read through the bench, never kept. */
export interface FileStoreBench {
  readonly random: Random;
  /** The test's folder. */
  readonly base: string;
  /** The store's, below it. */
  readonly root: string;
  readonly key: Buffer;
  readonly store: FileSecretStore;
  /** Another instance on the same folder with the same key, where nothing else is said. */
  opened(other?: { root?: string; key?: Buffer }): FileSecretStore;
  create(name: string, value?: string): Promise<void>;
  /** The names of a list, sorted, and the error it ended with. */
  listed(from?: FileSecretStore): Promise<{ names: string[]; error?: Error }>;
}

/** Called once at the top of a test file: sets up and clears away around its tests. */
export function fileStoreBench(): FileStoreBench {
  const clock = systemClock();
  const random = systemRandom();
  let base: string;
  let root: string;
  let key: Buffer;
  let store: FileSecretStore;
  const opened = (other: { root?: string; key?: Buffer } = {}) =>
    createFileSecretStore({ root, key, clock, random, find: findManaged, ...other });

  beforeEach(async () => {
    base = await mkdtemp(join(tmpdir(), 'pilotlight-file-'));
    root = join(base, 'deep', 'store');
    key = random.bytes(32);
    store = opened();
  });
  afterEach(() => rm(base, { recursive: true }));

  return {
    random,
    get base() {
      return base;
    },
    get root() {
      return root;
    },
    get key() {
      return key;
    },
    get store() {
      return store;
    },
    opened,
    create: (name, value = 'x') => store.create(name, text(value), managedTags),
    async listed(from = store) {
      const names: string[] = [];
      try {
        for await (const page of from.list()) names.push(...page.map((secret) => secret.name));
      } catch (error) {
        return { names: names.sort(), error: error as Error };
      }
      return { names: names.sort() };
    },
  };
}
