/**
 * Loading and changing one secret of the file store. A change is computed from the newest generation and added as the
 * next; where another writer was first, it is computed again from what that one wrote.
 */
import { join } from 'node:path';
import type { Clock } from '../runtime/clock.ts';
import { PilotlightError } from '../runtime/errors.ts';
import type { Random } from '../runtime/random.ts';
import {
  addGeneration,
  addWhole,
  diskError,
  generationFile,
  makeFolder,
  newestGeneration,
  readWhole,
  removeOlder,
} from './file-disk.ts';
import type { SecretDocument } from './file-document.ts';
import { folderOf, open, seal } from './file-seal.ts';

export interface FileSecretsOptions {
  readonly root: string;
  readonly key: Uint8Array;
  readonly clock: Clock;
  readonly random: Random;
}

interface Loaded {
  readonly generation: number;
  readonly document: SecretDocument;
}

type Change = (document: SecretDocument | undefined) => SecretDocument;

export interface FileSecrets {
  /** Checks that the key fits the store; marks a new store with it. */
  ready(): Promise<void>;
  load(folder: string): Promise<SecretDocument | undefined>;
  /** Replaces a document by what `change` makes of it (undefined: there is none); the same document means no write. */
  change(name: string, change: Change): Promise<void>;
}

/** Races a writer loses before it gives up; each lost race is a write another one made. */
const attemptsMax = 50;
/** Reads that find a file gone because a writer replaced it meanwhile. */
const readsMax = 50;
/** Write ids a document remembers: more than can be added between a writer's link and its look at the folder. */
const writesKept = 32;
const keyCheck = { folder: 'key-check', generation: 0 } as const;
const keyCheckText = 'pilotlight';

function parse(text: string, file: string): SecretDocument {
  try {
    return JSON.parse(text) as SecretDocument;
  } catch {
    // Opened, so written by us: a parser's message would quote the secret, and says nothing more.
    throw new PilotlightError('store_invalid', `${file} opens, but its content is not understood`);
  }
}

async function checkKey({ root, key, random }: FileSecretsOptions): Promise<void> {
  const file = join(root, 'key-check.sealed');
  try {
    await makeFolder(root);
    let sealed = await readWhole(file);
    if (sealed === undefined) {
      await addWhole(file, seal(key, keyCheck, keyCheckText, random), join(root, `key-check.${random.uuid()}.tmp`));
      sealed = await readWhole(file);
    }
    open(key, keyCheck, sealed ?? Buffer.alloc(0), file);
  } catch (error) {
    throw diskError('opening the store with', file, error);
  }
}

/** Runs tasks of the same name one after another: this process does not race with itself. */
function createTurns() {
  const last = new Map<string, Promise<unknown>>();
  return function inTurn<T>(name: string, task: () => Promise<T>): Promise<T> {
    const turn = (last.get(name) ?? Promise.resolve()).then(task, task);
    last.set(name, turn);
    const leave = () => {
      if (last.get(name) === turn) last.delete(name);
    };
    turn.then(leave, leave);
    return turn;
  };
}

async function loadNewest(options: FileSecretsOptions, folder: string): Promise<Loaded | undefined> {
  for (let read = 0; read < readsMax; read++) {
    const generation = await newestGeneration(options.root, folder);
    if (generation === 0) return undefined;
    const file = generationFile(options.root, folder, generation);
    const sealed = await readWhole(file).catch((error: unknown) => {
      throw diskError('reading', file, error);
    });
    if (sealed === undefined) continue;
    return { generation, document: parse(open(options.key, { folder, generation }, sealed, file), file) };
  }
  throw new PilotlightError(
    'store_unavailable',
    `the secret in ${join(options.root, folder)} is changing all the time`,
  );
}

/** One try to change a secret; false where another writer was first. */
async function attempt(options: FileSecretsOptions, folder: string, change: Change): Promise<boolean> {
  const { root, key, random } = options;
  const newest = await loadNewest(options, folder);
  const next = change(newest?.document);
  if (next === newest?.document) return true;
  const id = random.uuid();
  const generation = (newest?.generation ?? 0) + 1;
  const document = { ...next, writes: [...next.writes, id].slice(-writesKept) };
  await makeFolder(join(root, folder));
  const sealed = seal(key, { folder, generation }, JSON.stringify(document), random);
  if (!(await addGeneration(root, folder, generation, sealed, id))) return false;
  // A writer that slept may add a generation others have long gone beyond and cleared away: its write counts only if
  // the newest document descends from it.
  if ((await newestGeneration(root, folder)) > generation) {
    const later = await loadNewest(options, folder);
    if (later?.document.writes.includes(id) !== true) return false;
  }
  await removeOlder(root, folder, generation);
  return true;
}

/** Tries until this writer's change is in, with a short random wait after each lost race. */
async function insist(options: FileSecretsOptions, name: string, change: Change): Promise<void> {
  const { root, clock, random } = options;
  const folder = folderOf(name);
  for (let tried = 1; tried <= attemptsMax; tried++) {
    const done = await attempt(options, folder, change).catch((error: unknown) => {
      throw diskError('writing', join(root, folder), error);
    });
    if (done) return;
    await clock.sleep(random.fraction() * Math.min(tried, 20));
  }
  throw new PilotlightError('store_unavailable', `the secret ${name} is changed by others all the time`);
}

export function createFileSecrets(options: FileSecretsOptions): FileSecrets {
  const inTurn = createTurns();
  let checked: Promise<void> | undefined;

  function ready(): Promise<void> {
    checked ??= checkKey(options).catch((error: unknown) => {
      checked = undefined;
      throw error;
    });
    return checked;
  }

  return {
    ready,
    async load(folder) {
      await ready();
      const newest = await loadNewest(options, folder).catch((error: unknown) => {
        throw diskError('reading', join(options.root, folder), error);
      });
      return newest?.document;
    },
    async change(name, change) {
      await ready();
      await inTurn(name, () => insist(options, name, change));
    },
  };
}
