/**
 * SecretStore over encrypted files: the embedded store for one machine. It follows Secrets Manager's rules (labels,
 * compare-and-swap, idempotent writes) so that the protocol above cannot tell the two apart; several processes may use
 * one folder at the same time.
 */
import type { SecretDescription, SecretStore, SecretVersion } from '../rotation/ports.ts';
import { hasCode, PilotlightError } from '../runtime/errors.ts';
import { diskError, secretFolders } from './file-disk.ts';
import {
  holderOf,
  moveStage,
  put,
  readable,
  type SecretDocument,
  summaryOf,
  tag,
  untag,
  versionOf,
} from './file-document.ts';
import { folderOf, keyBytes } from './file-seal.ts';
import { createFileSecrets, type FileSecrets, type FileSecretsOptions } from './file-secrets.ts';
import { type Find, isManaged } from './find.ts';
import type { SecretImporter } from './importer.ts';

export interface FileSecretStoreOptions extends FileSecretsOptions {
  /** Which secrets are connections. Reading and writing works for any name. */
  readonly find: Find;
}

export type FileSecretStore = SecretStore & SecretImporter;

const pageSize = 100;
/** Files read at once by readMany. */
const readsAtOnce = 8;
const nameLengthMax = 512;

function missing(name: string): PilotlightError {
  return new PilotlightError('store_not_found', `there is no secret ${name} in the file store`);
}

function describe(document: SecretDocument): SecretDescription {
  const labelled = document.versions.filter((version) => version.stages.length > 0);
  return {
    name: document.name,
    tags: document.tags,
    stages: Object.fromEntries(labelled.map((version) => [version.versionId, version.stages])),
  };
}

/**
 * A file that cannot be opened keeps no other from being listed; it is named at the end, so that the pass does not count
 * as complete.
 */
async function* list(secrets: FileSecrets, root: string, find: Find): AsyncGenerator<readonly SecretDescription[]> {
  await secrets.ready();
  const unreadable: unknown[] = [];
  let page: SecretDescription[] = [];
  const folders = await secretFolders(root).catch((error: unknown) => {
    throw diskError('listing', root, error);
  });
  for (const folder of folders) {
    try {
      const document = await secrets.load(folder);
      if (document !== undefined && isManaged(find, document.name, document.tags)) page.push(describe(document));
    } catch (error) {
      unreadable.push(error);
    }
    if (page.length < pageSize) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
  const [first] = unreadable;
  if (first === undefined) return;
  const others = unreadable.length > 1 ? ` (and ${unreadable.length - 1} more)` : '';
  throw new PilotlightError('store_invalid', `${hasCode(first) ? first.message : 'a secret cannot be read'}${others}`);
}

function createReads(secrets: FileSecrets, root: string, find: Find) {
  async function load(name: string): Promise<SecretDocument> {
    const document = await secrets.load(folderOf(name));
    if (document === undefined || document.name !== name) throw missing(name);
    return document;
  }

  async function read(name: string, which: { readonly stage: string } | { readonly versionId: string }) {
    const document = await load(name);
    const version = 'stage' in which ? holderOf(document, which.stage) : versionOf(document, which.versionId);
    if (version !== undefined) return readable(version);
    const part = 'stage' in which ? `label ${which.stage}` : `version ${which.versionId}`;
    throw new PilotlightError('store_not_found', `the secret ${name} exists, but has no ${part}`);
  }

  async function readMany(names: readonly string[]): Promise<readonly (SecretVersion | Error)[]> {
    const found: (SecretVersion | Error)[] = [];
    let next = 0;
    async function lane(): Promise<void> {
      while (next < names.length) {
        const position = next++;
        const one = read(names[position] ?? '', { stage: 'AWSCURRENT' });
        found[position] = await one.catch((error: unknown) => diskError('reading', root, error));
      }
    }
    await Promise.all(Array.from({ length: readsAtOnce }, lane));
    return found;
  }

  return {
    list: () => list(secrets, root, find),
    describe: async (name: string) => describe(await load(name)),
    read,
    readMany,
    versions: async (name: string) => (await load(name)).versions.map(summaryOf),
  };
}

/** Opens nothing before its first call, which checks that the key fits. `key` has 32 bytes. */
export function createFileSecretStore(options: FileSecretStoreOptions): FileSecretStore {
  if (options.key.length !== keyBytes)
    throw new PilotlightError('store_invalid', `the file store's key must have ${keyBytes} bytes`);
  const { clock, random, root, find } = options;
  const secrets = createFileSecrets(options);
  const changeExisting = (name: string, change: (document: SecretDocument) => SecretDocument) =>
    secrets.change(name, (document) => {
      if (document === undefined || document.name !== name) throw missing(name);
      return change(document);
    });
  return {
    ...createReads(secrets, root, find),
    put: (name, version) => changeExisting(name, (document) => put(document, version, clock.now())),
    moveStage: (name, move) => changeExisting(name, (document) => moveStage(document, move)),
    tag: (name, tags) => changeExisting(name, (document) => tag(document, tags)),
    untag: (name, keys) => changeExisting(name, (document) => untag(document, keys)),
    async create(name, value, tags) {
      if (name === '' || name.length > nameLengthMax) {
        throw new PilotlightError('store_invalid', `a secret's name has 1 to ${nameLengthMax} characters`);
      }
      const versionId = random.uuid();
      await secrets.change(name, (document) => {
        if (document !== undefined) throw new PilotlightError('store_exists', `there is a secret ${name} already`);
        const empty = tag({ name, tags: {}, versions: [], writes: [] }, tags);
        return put(empty, { versionId, value, stages: ['AWSCURRENT'] }, clock.now());
      });
    },
  };
}
