/** A secret store in memory for what inventory asks of one: lists, values, descriptions, tags. It counts what is read. */
import type { SecretDescription, SecretStore, SecretVersion } from '../../../src/rotation/ports.ts';
import { PilotlightError } from '../../../src/runtime/errors.ts';
import { Secret } from '../../../src/runtime/secret.ts';

export interface Held {
  readonly versionId: string;
  readonly value: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly deletedAt?: number;
  /** What reading the value fails with. */
  readonly fails?: Error;
  /** Left out of lists, though it is there. */
  readonly unlisted?: boolean;
  /** What lists say of its tags, where they lag behind. */
  readonly listedTags?: Readonly<Record<string, string>>;
}

export interface MemoryStore extends SecretStore {
  readonly held: Map<string, Held>;
  /** Names whose values were read, in order. */
  readonly reads: string[];
  readonly described: string[];
  readonly untagged: { readonly name: string; readonly keys: readonly string[] }[];
  /** Throws in the next list, after so many pages. */
  failListAfter: number | undefined;
}

const missing = () => Promise.reject(new PilotlightError('store_not_found', 'no such secret'));
const unused = () => Promise.reject(new Error('inventory has no business with this'));

export function memoryStore(createdAt: number, pageSize = 100): MemoryStore {
  const held = new Map<string, Held>();
  const describe = (name: string, { versionId, tags, deletedAt }: Held): SecretDescription => ({
    name,
    tags,
    stages: versionId === '' ? {} : { [versionId]: ['AWSCURRENT'] },
    ...(deletedAt === undefined ? {} : { deletedAt }),
  });
  const currentOf = (name: string): SecretVersion | Error => {
    const found = held.get(name);
    if (found === undefined || found.versionId === '') return new PilotlightError('store_not_found', 'no value');
    const { versionId, value, fails } = found;
    return fails ?? { versionId, createdAt, stages: ['AWSCURRENT'], value: { text: new Secret(value) } };
  };
  const store: MemoryStore = {
    held,
    reads: [],
    described: [],
    untagged: [],
    failListAfter: undefined,
    async *list() {
      const listed = [...held].filter(([, one]) => one.unlisted !== true);
      for (let start = 0, pages = 0; start < listed.length || pages === 0; start += pageSize, pages++) {
        if (store.failListAfter === pages) {
          store.failListAfter = undefined;
          throw new PilotlightError('store_unavailable', 'the list broke off');
        }
        const page = listed.slice(start, start + pageSize);
        yield page.map(([name, one]) => describe(name, { ...one, tags: one.listedTags ?? one.tags }));
      }
    },
    async describe(name) {
      store.described.push(name);
      const found = held.get(name);
      return found === undefined ? missing() : describe(name, found);
    },
    async readMany(names) {
      store.reads.push(...names);
      return names.map(currentOf);
    },
    async untag(name, keys) {
      store.untagged.push({ name, keys });
      const found = held.get(name);
      if (found === undefined) return missing();
      const tags = Object.fromEntries(Object.entries(found.tags).filter(([key]) => !keys.includes(key)));
      held.set(name, { ...found, tags });
    },
    read: unused,
    versions: unused,
    put: unused,
    moveStage: unused,
    tag: unused,
  };
  return store;
}
