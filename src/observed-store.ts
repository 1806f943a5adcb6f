/** The store with every call timed for metrics; the calls themselves pass through untouched. */
import type { SecretStore } from './rotation/ports.ts';
import { PilotlightError } from './runtime/errors.ts';
import type { SecretImporter } from './secrets/importer.ts';
import type { Deps } from './services.ts';

type Observing = Pick<Deps, 'observeStore' | 'clock'>;

export function observedStore(
  store: SecretStore & SecretImporter,
  { observeStore, clock }: Observing,
): SecretStore & SecretImporter {
  const timed =
    <A extends unknown[], R>(operation: keyof SecretStore, call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      const startedMs = clock.monotonic();
      try {
        const result = await call(...args);
        observeStore(operation, 'ok', clock.monotonic() - startedMs);
        return result;
      } catch (error) {
        observeStore(operation, outcomeOf(error), clock.monotonic() - startedMs);
        throw error;
      }
    };
  return {
    list: () => timedPages(store.list(), { observeStore, clock }),
    describe: timed('describe', store.describe),
    read: timed('read', store.read),
    readMany: timed('readMany', store.readMany),
    versions: timed('versions', store.versions),
    put: timed('put', store.put),
    moveStage: timed('moveStage', store.moveStage),
    tag: timed('tag', store.tag),
    untag: timed('untag', store.untag),
    create: store.create,
  };
}

/** Each page of a list is a call of its own. */
async function* timedPages<T>(pages: AsyncIterable<T>, { observeStore, clock }: Observing): AsyncGenerator<T> {
  let startedMs = clock.monotonic();
  const ended = (outcome: string) => observeStore('list', outcome, clock.monotonic() - startedMs);
  const iterator = pages[Symbol.asyncIterator]();
  let seen = 0;
  try {
    for (;;) {
      const page = await iterator.next().catch((error: unknown) => {
        ended(outcomeOf(error));
        throw error;
      });
      // Nobody is asked for the end of a list, but for one without pages.
      if (page.done !== true || seen === 0) ended('ok');
      if (page.done === true) return;
      seen += 1;
      yield page.value;
      startedMs = clock.monotonic();
    }
  } finally {
    await iterator.return?.();
  }
}

function outcomeOf(error: unknown): string {
  return error instanceof PilotlightError ? error.code : 'other';
}
