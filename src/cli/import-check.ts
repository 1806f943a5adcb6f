/**
 * All entries of an import against each other and against what is there: nothing is written before every one of them is in
 * order, because half an import is worse than none.
 */
import { hasCode } from '../runtime/errors.ts';
import type { Opened } from './context.ts';
import { type Draft, type Drafted, draftEntry } from './import-draft.ts';
import type { FileEntry, ImportProblem } from './import-file.ts';

export interface Checked {
  /** What is to be made, in the order of the file. */
  readonly drafts: readonly Draft[];
  /** Ids that are there already, with --skip-existing. */
  readonly skipped: readonly string[];
  /** By entry. Where there is one, nothing may be made. */
  readonly problems: readonly ImportProblem[];
}

export interface CheckOptions {
  readonly now: number;
  readonly skipExisting: boolean;
  readonly onProgress: (checked: number) => void;
}

type Part = Pick<Opened, 'config' | 'rules' | 'nameOf' | 'store' | 'index'>;

/** Secrets asked for at once: quick, and far below what the store allows. */
const lookupsAtOnce = 8;

/** Throws store errors other than what says that a secret is not there. */
export async function checkEntries(
  entries: readonly FileEntry[],
  opened: Part,
  options: CheckOptions,
): Promise<Checked> {
  const drafted = entries.map((entry) => draftEntry(entry, opened, options.now));
  const problems: ImportProblem[] = drafted.flatMap((one) => one.problems);
  problems.push(...doubles(drafted));
  const skipped = new Set<string>();
  let checked = 0;
  await forEachAtOnce(drafted, lookupsAtOnce, async (one) => {
    const presence = one.id === undefined ? 'absent' : await look(opened, one.id);
    if (one.id !== undefined && presence === 'there' && options.skipExisting) skipped.add(one.id);
    else problems.push(...(await collisions(one, presence, opened)));
    checked += 1;
    options.onProgress(checked);
  });
  const drafts = drafted.flatMap(({ draft }) => (draft === undefined || skipped.has(draft.id) ? [] : [draft]));
  return { drafts, skipped: [...skipped], problems: problems.sort((a, b) => a.entry - b.entry) };
}

/** The same id, or the same refresh token, twice in the file: two holders would spend each other's token. */
function doubles(drafted: readonly Drafted[]): ImportProblem[] {
  const ids = new Map<string, number>();
  const tokens = new Map<string, number>();
  const problems: ImportProblem[] = [];
  for (const { number, id, draft } of drafted) {
    const told = (field: string, message: string) => problems.push({ entry: number, id, field, message });
    const sameId = id === undefined ? undefined : ids.get(id);
    if (sameId !== undefined) told('id', `is that of entry ${sameId} too`);
    else if (id !== undefined) ids.set(id, number);
    if (draft === undefined) continue;
    const { fingerprint } = draft.standing;
    const sameToken = tokens.get(fingerprint);
    if (sameToken !== undefined)
      told('refresh_token', `is that of entry ${sameToken} too; two holders would spend each other's token`);
    else tokens.set(fingerprint, number);
  }
  return problems;
}

type Presence = 'there' | 'deleted' | 'absent';

async function look({ store, nameOf }: Part, id: string): Promise<Presence> {
  try {
    const { deletedAt } = await store.describe(nameOf(id));
    return deletedAt === undefined ? 'there' : 'deleted';
  } catch (error) {
    if (hasCode(error, 'store_not_found')) return 'absent';
    if (hasCode(error, 'store_deleted')) return 'deleted';
    // Rights that hang on tags deny what is not there: making it tells.
    if (hasCode(error, 'store_denied')) return 'absent';
    throw error;
  }
}

async function collisions(
  { number, id, draft }: Drafted,
  presence: Presence,
  { index }: Part,
): Promise<ImportProblem[]> {
  const problems: ImportProblem[] = [];
  const told = (field: string, message: string) => problems.push({ entry: number, id, field, message });
  if (presence === 'there') told('id', 'is there already; --skip-existing leaves such entries out');
  if (presence === 'deleted') told('id', 'names a secret that waits for its deletion; restore it, or take another id');
  if (draft !== undefined && presence === 'absent') {
    const holder = await index.holderOf(draft.standing.fingerprint, draft.id);
    if (holder !== undefined) told('refresh_token', `is held by the connection ${holder} already`);
  }
  return problems;
}

async function forEachAtOnce<T>(items: readonly T[], atOnce: number, act: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  const work = async () => {
    for (const item of queue) await act(item);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, work));
}
