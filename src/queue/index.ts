/**
 * The connection index: what is known of every connection, kept in Redis and rebuilt from the store whenever Redis loses
 * it. Every write is one script over a bounded batch, so no interleaving and no crash leaves an entry half written; an
 * entry with nextAt is always in its group's due or ready set (index-scripts.ts says how).
 */
import type { ClientAtHost, IndexEntry } from '../connection/entry.ts';
import type { ConnectionIndex } from '../rotation/ports.ts';
import { type EntryCodec, entryCodec, packFingerprint } from './entry-codec.ts';
import { groupName, parseGroupName } from './groups.ts';
import { entryBuckets, getScript, holderScript, putScript, removeScript, scanScript } from './index-scripts.ts';
import { checkedPrefix, defaultPrefix, keyOf } from './keys.ts';
import type { RedisClient } from './redis-client.ts';
import { speaking } from './redis-errors.ts';
import { type RunScript, type ScriptArgument, scriptRunner } from './script.ts';

/** Entries per script: about 3 ms of Redis's one thread. */
const batchMax = 250;
/** Entries a page of a scan aims at. */
const pageSize = 500;
/** A small index is read in a few calls, none over more buckets than this. */
const bucketsPerPageMax = 1024;

/** Throws redis_unavailable from every call. */
export function createConnectionIndex(options: {
  readonly redis: RedisClient;
  readonly prefix?: string;
  /** Digest of the rules entries are made by: `seen` of what was made by others comes back as another digest than it was. */
  readonly rules?: string;
}): ConnectionIndex {
  const prefix = checkedPrefix(options.prefix ?? defaultPrefix);
  const run = scriptRunner(options.redis, prefix);
  const codec = ruled(entryCodec(), options.rules);
  const count = async () => Number(await speaking(() => options.redis.get(keyOf(prefix, 'entry-count'))));
  const getMany = (ids: readonly string[]) => readMany(run, codec, ids);

  return {
    count,
    getMany,
    async get(id) {
      const [entry] = await getMany([id]);
      return entry;
    },
    async put(entries) {
      for (let from = 0; from < entries.length; from += batchMax) {
        await run(putScript, ...putArguments(codec, entries.slice(from, from + batchMax)));
      }
    },
    async remove(ids) {
      for (let from = 0; from < ids.length; from += batchMax) {
        await run(removeScript, ...ids.slice(from, from + batchMax));
      }
    },
    async *scan() {
      const perPage = Math.floor((entryBuckets * pageSize) / Math.max(1, await count()));
      const step = Math.min(bucketsPerPageMax, Math.max(1, perPage));
      for (let first = 0; first < entryBuckets; first += step) {
        const page = await readPage(run, codec, first, Math.min(first + step, entryBuckets) - 1);
        if (page.length > 0) yield page;
      }
    },
    async holderOf(fingerprint, id) {
      if (fingerprint === '') return undefined;
      const holder = await run(holderScript, packFingerprint(fingerprint), id);
      return typeof holder === 'string' ? holder : undefined;
    },
  };
}

/**
 * Crosses `seen` with the rules' digest on its way in and out. Whatever version of us wrote an entry, and whichever of its
 * parts did: by other rules than ours, inventory finds its secret unseen and judges it anew. It costs no byte of an entry.
 */
function ruled(codec: EntryCodec, rules: string | undefined): EntryCodec {
  if (rules === undefined) return codec;
  const key = Buffer.from(rules, 'base64url');
  const crossed = (entry: IndexEntry): IndexEntry => {
    const seen = Buffer.from(entry.seen, 'base64url').map((byte, place) => byte ^ (key[place] ?? 0));
    return { ...entry, seen: Buffer.from(seen).toString('base64url') };
  };
  return {
    encode: (entry) => codec.encode(crossed(entry)),
    decode(id, value, groupName) {
      const entry = codec.decode(id, value, groupName);
      return entry === undefined ? undefined : crossed(entry);
    },
  };
}

function putArguments(codec: EntryCodec, entries: readonly IndexEntry[]): ScriptArgument[] {
  const groups = new Map<string, number>();
  const rows: ScriptArgument[] = [];
  for (const entry of entries) {
    const name = groupName(entry.at);
    const known = groups.get(name);
    const number = known ?? groups.size + 1;
    if (known === undefined) groups.set(name, number);
    const { tail, nextAt, fingerprint } = codec.encode(entry);
    rows.push(entry.id, number, tail, nextAt, fingerprint);
  }
  return [groups.size, ...groups.keys(), ...rows];
}

/** A lookup in the name list an answer ends with: number, name, number, name. */
function namesOf(flat: readonly string[]): (group: string) => ClientAtHost | undefined {
  const names = new Map<string, ClientAtHost>();
  for (let i = 0; i < flat.length; i += 2) {
    const at = parseGroupName(flat[i + 1] ?? '');
    if (at !== undefined) names.set(flat[i] ?? '', at);
  }
  return (group) => names.get(group);
}

async function readMany(
  run: RunScript,
  codec: EntryCodec,
  ids: readonly string[],
): Promise<readonly (IndexEntry | undefined)[]> {
  const entries: (IndexEntry | undefined)[] = [];
  for (let from = 0; from < ids.length; from += batchMax) {
    const asked = ids.slice(from, from + batchMax);
    const [values, names] = (await run(getScript, ...asked)) as [(string | null)[], string[]];
    const lookup = namesOf(names);
    asked.forEach((id, i) => {
      const value = values[i];
      entries.push(value ? codec.decode(id, value, lookup) : undefined);
    });
  }
  return entries;
}

async function readPage(run: RunScript, codec: EntryCodec, first: number, last: number): Promise<IndexEntry[]> {
  const [ids, values, names] = (await run(scanScript, first, last)) as [string[], string[], string[]];
  const lookup = namesOf(names);
  return ids.flatMap((id, i) => codec.decode(id, values[i] ?? '', lookup) ?? []);
}
