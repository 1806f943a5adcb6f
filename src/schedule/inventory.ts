/**
 * The inventory: brings the index into line with the store, which is the only truth. One pass over ListSecrets; values are
 * read only where the version or a managed tag is not the one indexed; what is remembered of a pass is 8 bytes per secret.
 */
import { refuseDuplicates } from '../connection/duplicate.ts';
import { clientKey, type IndexEntry } from '../connection/entry.ts';
import { seenDigest } from '../connection/fingerprint.ts';
import { flagTag, readFlag } from '../connection/flag.ts';
import { entryOf, type JudgeRules, judge, type Standing, sightingOf } from '../connection/standing.ts';
import {
  type ConnectionIndex,
  type SecretDescription,
  type SecretStore,
  type SecretVersion,
  stage,
} from '../rotation/ports.ts';
import type { Clock } from '../runtime/clock.ts';
import { hasCode } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logger.ts';
import { hashOf, removeAbsent } from './absent.ts';
import { isAhead } from './ahead.ts';
import { createSeenSet } from './seen-set.ts';

export interface InventoryPorts {
  readonly store: SecretStore;
  readonly index: ConnectionIndex;
  readonly rules: JudgeRules;
  readonly clock: Clock;
  readonly log: Logger;
  /** Whether a secret is ours to keep alive: by its tag or by its name. */
  readonly isManaged: (secret: SecretDescription) => boolean;
  /** The id of a secret's name; undefined where the name lacks the configured prefix. */
  readonly idOf: (name: string) => string | undefined;
  readonly nameOf: (id: string) => string;
  /** Told of a flag whose connection lives again. False: it stays until on-call knows, and somebody else takes it away. */
  readonly flagVoid?: (connection: string, provider: string, since: number) => Promise<boolean>;
}

export interface InventoryResult {
  readonly seen: number;
  readonly changed: number;
  readonly removed: number;
  /** Absent from this pass; removed when absent from the next one too and DescribeSecret agrees. */
  readonly missing: number;
  /** More than 1 % vanished at once: none is removed and on-call hears. */
  readonly heldBack: boolean;
  readonly durationMs: number;
}

/** Connections absent from the last complete pass; kept by the caller between passes. Lost with the process: costs a pass. */
export interface InventoryMemory {
  absent: Set<string>;
}

/** States that rest on an attempt, of which the secret itself says nothing. */
const underWay: readonly IndexEntry['state'][] = ['retrying', 'suspect', 'blocked', 'sealed', 'quarantined'];

/** One complete pass. Throws what the store throws: an incomplete pass counts for nothing. */
export async function takeInventory(ports: InventoryPorts, memory: InventoryMemory): Promise<InventoryResult> {
  const startedMs = ports.clock.monotonic();
  const seen = createSeenSet();
  let changed = 0;
  for await (const page of ports.store.list()) {
    const listed = page.flatMap((secret) => {
      const id = ports.idOf(secret.name);
      return id === undefined || secret.deletedAt !== undefined ? [] : [{ id, secret }];
    });
    for (const { id } of listed) seen.add(hashOf(id));
    changed += await takePage(ports, listed);
  }
  const gone = await removeAbsent(ports, memory, seen);
  return { seen: seen.size(), changed, ...gone, durationMs: ports.clock.monotonic() - startedMs };
}

async function takePage(
  ports: InventoryPorts,
  listed: readonly { id: string; secret: SecretDescription }[],
): Promise<number> {
  const known = await ports.index.getMany(listed.map(({ id }) => id));
  const stale: { id: string; secret: SecretDescription; entry: IndexEntry | undefined }[] = [];
  const unfinished: IndexEntry[] = [];
  for (const [place, { id, secret }] of listed.entries()) {
    const currentId = Object.entries(secret.stages).find(([, labels]) => labels.includes('AWSCURRENT'))?.[0] ?? '';
    const indexed = known[place];
    const entry = indexed === undefined || isAhead(indexed, ports.clock.now()) ? undefined : indexed;
    if (entry?.seen !== seenDigest(currentId, secret.tags) || unseenMatters(entry)) stale.push({ id, secret, entry });
    else if (hasUnfinishedVersion(secret)) unfinished.push(entry);
  }
  await lookNow(ports, unfinished);
  if (stale.length === 0) return 0;
  const versions = await ports.store.readMany(stale.map(({ secret }) => secret.name));
  const entries: IndexEntry[] = [];
  for (const [place, { id, secret, entry }] of stale.entries()) {
    const version = versions[place];
    const made =
      version === undefined || version instanceof Error
        ? unreadable(ports, id, secret, entry, version)
        : await judged(ports, id, secret, entry, version);
    if (made !== undefined) entries.push(made);
  }
  await ports.index.put(entries);
  await refuseSharedTokens(ports, entries);
  return entries.length;
}

/** What these rest on is in no digest: labels of the store's own rotation, and where a secret was copied from. */
function unseenMatters({ reason }: IndexEntry): boolean {
  return reason === 'foreign_rotation' || reason === 'replica';
}

/** A version of ours that was written and is neither current nor was it the one before: perhaps a token on its way. */
function hasUnfinishedVersion({ stages }: SecretDescription): boolean {
  return Object.values(stages).some(
    (labels) => labels.includes(stage.pending) && !labels.includes(stage.current) && !labels.includes(stage.previous),
  );
}

/** The next rotation finishes it before anything else, whatever the connection's state: it may be all that is left of it. */
async function lookNow({ index, clock }: InventoryPorts, entries: readonly IndexEntry[]): Promise<void> {
  const now = clock.now();
  const waiting = entries.filter(({ nextAt }) => nextAt === null || nextAt > now);
  if (waiting.length > 0) await index.put(waiting.map((entry) => ({ ...entry, nextAt: now })));
}

/** Found here, before either falls due: once one of them had refreshed, the other's token would be spent. */
async function refuseSharedTokens(
  { index, clock, log }: InventoryPorts,
  entries: readonly IndexEntry[],
): Promise<void> {
  const holders = await Promise.all(
    entries.map(async (entry) =>
      entry.fingerprint === '' ? undefined : await index.holderOf(entry.fingerprint, entry.id),
    ),
  );
  for (const [place, entry] of entries.entries()) {
    const holder = holders[place];
    if (holder === undefined) continue;
    await index.put(refuseDuplicates(entry, await index.get(holder), clock.now()));
    log.error('inventory.duplicate_token', { connection: entry.id, other: holder });
  }
}

async function judged(
  ports: InventoryPorts,
  id: string,
  secret: SecretDescription,
  known: IndexEntry | undefined,
  version: SecretVersion,
): Promise<IndexEntry> {
  const now = ports.clock.now();
  const sighting = sightingOf(id, secret, version, known);
  const standing = judge(sighting, ports.rules, now);
  const entry = entryOf(sighting, standing, now);
  // ListSecrets lags: before a flag is taken for gone, the secret itself is asked.
  if (known?.state === 'reauth_required' && entry.state !== known.state && entry.fingerprint === known.fingerprint) {
    const fresh = await ports.store.describe(secret.name);
    return entryOf({ ...sighting, tags: fresh.tags }, judge({ ...sighting, tags: fresh.tags }, ports.rules, now), now);
  }
  const flaggedVersion = secret.tags[flagTag.version];
  if (flaggedVersion !== undefined && flaggedVersion !== version.versionId)
    await flagIsVoid(ports, entry, secret, version.versionId);
  // A rotation under way knows more than its secret says: only a new token overrules it.
  const attempted = known !== undefined && underWay.includes(known.state) && !isHome(known, standing, version);
  const sameClient = known !== undefined && clientKey(known.at) === clientKey(entry.at);
  if (
    standing.usable &&
    standing.flag === undefined &&
    attempted &&
    sameClient &&
    known.fingerprint === entry.fingerprint
  ) {
    return { ...known, seen: entry.seen, deadlineAt: entry.deadlineAt, clock: entry.clock, estimated: entry.estimated };
  }
  return entry;
}

/**
 * What was sealed is current now: recovery was faster than the word of the one that sealed it. Where the provider keeps its
 * tokens no new one tells of it; a life extended since does.
 */
function isHome(known: IndexEntry, standing: Standing, { versionId }: SecretVersion): boolean {
  if (!standing.usable || standing.document.own.attempt !== versionId) return false;
  return known.state === 'sealed' || (standing.document.own.extendedAt ?? 0) > (known.extendedAt ?? 0);
}

/** The flag judged another version: a new consent or token makes it void. Its end is told before it goes. */
async function flagIsVoid(
  ports: InventoryPorts,
  { id, at }: IndexEntry,
  { name, tags }: SecretDescription,
  versionId: string,
): Promise<void> {
  const mayGo = (await ports.flagVoid?.(id, at.provider, readFlag(tags)?.since ?? ports.clock.now())) ?? true;
  if (mayGo) await clearFlag(ports, id, name, versionId);
}

async function clearFlag(ports: InventoryPorts, id: string, name: string, versionId: string): Promise<void> {
  try {
    // ListSecrets lags: the flag may have been written anew for this very version since.
    if ((await ports.store.describe(name)).tags[flagTag.version] === versionId) return;
    await ports.store.untag(name, Object.values(flagTag));
    ports.log.info('flag.cleared', { connection: id });
  } catch (error) {
    if (!hasCode(error)) throw error;
    ports.log.warn('flag.clear_failed', { connection: id, code: error.code });
  }
}

function unreadable(
  ports: InventoryPorts,
  id: string,
  secret: SecretDescription,
  known: IndexEntry | undefined,
  error: Error | undefined,
): IndexEntry | undefined {
  const code = hasCode(error) ? error.code : 'store_unavailable';
  ports.log.warn('inventory.unreadable', { connection: id, code });
  if (code !== 'store_not_found' && code !== 'store_denied') return undefined;
  const now = ports.clock.now();
  const reason = code === 'store_denied' ? 'store_denied' : 'no_current_version';
  const nowhere = { provider: '', environment: '', client: '', host: '' };
  const fresh: IndexEntry = {
    id,
    at: nowhere,
    state: 'invalid',
    reason,
    since: now,
    seen: '',
    fingerprint: '',
    nextAt: null,
    deadlineAt: null,
    clock: null,
    estimated: false,
    extendedAt: null,
    failures: 0,
  };
  const currentId = Object.entries(secret.stages).find(([, labels]) => labels.includes('AWSCURRENT'))?.[0] ?? '';
  // Denied may end without a new version, and a value that the list shows is there, though the read lagged behind: both
  // are read again at the next pass. A secret without a value changes when it gets one.
  const seen = code === 'store_denied' || currentId !== '' ? '' : seenDigest(currentId, secret.tags);
  // What an attempt under way knows is not undone by a look that failed.
  if (known !== undefined && underWay.includes(known.state)) return { ...known, seen };
  return known === undefined
    ? { ...fresh, seen }
    : { ...known, state: 'invalid', reason, since: known.reason === reason ? known.since : now, seen };
}
