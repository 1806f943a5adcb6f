/** Makes the secrets of an import, one after the other, and can say at any moment which were made. */
import type { Clock } from '../runtime/clock.ts';
import { describeError, hasCode } from '../runtime/errors.ts';
import type { Opened } from './context.ts';
import type { Draft } from './import-draft.ts';

export interface Written {
  readonly made: readonly string[];
  readonly failed: readonly { readonly id: string; readonly code: string; readonly message: string }[];
  readonly notTried: readonly string[];
}

export interface WriteOptions {
  readonly clock: Pick<Clock, 'sleep'>;
  readonly interrupted: AbortSignal;
  readonly onProgress: (made: number) => void;
}

/** Waits between tries while the store asks to slow down, ms. */
const throttleWaitsMs = [1_000, 2_000, 4_000, 8_000, 16_000];

export async function writeDrafts(
  store: Opened['store'],
  drafts: readonly Draft[],
  options: WriteOptions,
): Promise<Written> {
  const made: string[] = [];
  const failed: { id: string; code: string; message: string }[] = [];
  let at = 0;
  for (; at < drafts.length && !options.interrupted.aborted; at++) {
    const draft = drafts[at];
    if (draft === undefined) break;
    try {
      await create(store, draft, options.clock);
      made.push(draft.id);
      options.onProgress(made.length);
    } catch (error) {
      failed.push({ id: draft.id, code: describeError(error).code, message: told(error) });
      // What is denied for one is denied for all.
      if (hasCode(error, 'store_denied')) {
        at += 1;
        break;
      }
    }
  }
  return { made, failed, notTried: drafts.slice(at).map(({ id }) => id) };
}

function told(error: unknown): string {
  const { code, message } = describeError(error);
  if (hasCode(error, 'store_unavailable'))
    return `${message}; it may have been made all the same: look with pilotlight show, or import again with --skip-existing`;
  return message ?? `unexpected error (${code})`;
}

async function create(
  store: Opened['store'],
  { name, value, tags }: Draft,
  clock: Pick<Clock, 'sleep'>,
): Promise<void> {
  for (const waitMs of throttleWaitsMs) {
    try {
      return await store.create(name, { text: value }, tags);
    } catch (error) {
      if (!hasCode(error, 'store_throttled')) throw error;
      await clock.sleep(waitMs);
    }
  }
  await store.create(name, { text: value }, tags);
}
