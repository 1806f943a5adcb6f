/**
 * The spool as the protocol sees it: this worker's records on its own disk, each mirrored where any other worker finds it.
 * A record is on the disk and acknowledged by the mirror before its token is spent; the answer is on the disk before the
 * mirror hears of it. What the mirror misses while Redis is away is made up for by the next refresh of it.
 */
import type { Intent, OpenRecords, Spool, SpoolMirror, SpoolRecord, UnreadableRecord } from '../rotation/ports.ts';
import { hasCode, PilotlightError } from '../runtime/errors.ts';
import { type DiskSpool, recordFile } from './disk.ts';
import { decodeAnswer, decodeRecord, keyFor } from './format.ts';
import type { Keyring } from './keyring.ts';
import type { OpenRecord } from './record.ts';

export interface MirroredSpoolOptions {
  readonly disk: DiskSpool;
  readonly mirror: SpoolMirror;
  readonly keyring: Keyring;
  /** Name of the install's environment. */
  readonly install: string;
}

export interface MirroredSpool extends Spool {
  /** Attempts whose answer the power cut short while it was written: as if it had never come. */
  readonly torn: readonly Intent[];
  /** Waits for what is on its way to the mirror, then closes the files. */
  close(): Promise<void>;
}

export function mirroredSpool(options: MirroredSpoolOptions): MirroredSpool {
  const { disk, mirror } = options;
  /** Attempts that are finished and may still lie in the mirror, with their connections. */
  const finished = new Map<string, string>();
  const inLine = lines();

  const keep = (record: OpenRecord) =>
    inLine(record.intent.attempt, async () => {
      const { connection, attempt } = record.intent;
      const bytes = finished.has(attempt) ? undefined : await record.compact();
      if (bytes !== undefined) await mirror.keep(connection, attempt, bytes);
    });
  /** One the disk has spoilt says so when its answer is asked for; the others need their twins all the same. */
  const keepReadable = (record: OpenRecord) =>
    keep(record).catch((error: unknown) => {
      if (!hasCode(error, 'spool_unreadable')) throw error;
    });
  const drop = (connection: string, attempt: string) => {
    finished.set(attempt, connection);
    return inLine(attempt, () => mirror.drop(connection, attempt)).then(
      () => void finished.delete(attempt),
      () => {},
    );
  };

  /** The disk's record, with its twin in the mirror kept in step. */
  function mirrored(record: OpenRecord): SpoolRecord {
    const { connection, attempt } = record.intent;
    return {
      intent: record.intent,
      found: record.found,
      get state() {
        return record.state;
      },
      answer: () => record.answer(),
      setAside: (isAside) => record.setAside(isAside),
      async seal(answer) {
        try {
          await record.seal(answer);
        } catch (error) {
          // The mirror is then the only place that has it: waited for.
          await keep(record).catch(() => {});
          throw error;
        }
        // Beside the next steps: they wait for no Redis.
        keep(record).catch(() => {});
      },
      async remove() {
        await record.remove();
        await drop(connection, attempt);
      },
    };
  }

  /** A record another worker left. */
  function left(connection: string, attempt: string, bytes: Buffer): SpoolRecord | UnreadableRecord {
    const file = `mirror:${attempt}`;
    const read = decodeRecord(bytes, options.install, options.keyring, 'compact');
    if (!read.ok) return { file, connection, why: read.why };
    const { intent, header, sealed } = read;
    if (intent.connection !== connection || intent.attempt !== attempt) return { file, connection, why: 'renamed' };
    const key = keyFor(options.keyring, read.key);
    return {
      intent,
      found: false,
      state: sealed === undefined ? 'intent' : 'answered',
      async answer() {
        const answer = sealed && decodeAnswer(sealed, attempt, header, key);
        if (answer !== undefined) return answer;
        throw new PilotlightError('spool_unreadable', `mirrored record ${attempt} holds no answer`);
      },
      seal: () => Promise.reject(new PilotlightError('spool_unwritable', `record ${attempt} is another worker's`)),
      // What our own disk does not hold is not counted here.
      setAside: () => {},
      remove: () => drop(connection, attempt),
    };
  }

  async function openOf(connection: string): Promise<OpenRecords> {
    const own = new Map(disk.recordsOf(connection).map((record) => [record.intent.attempt, mirrored(record)]));
    const others: SpoolRecord[] = [];
    const unreadable: UnreadableRecord[] = [];
    const mirroredOnes = await mirror.of(connection);
    const files = new Set([...mirroredOnes.keys()].map(recordFile));
    // A file that says nothing of whose it is may still be known by its name.
    const damaged = new Map(
      disk
        .unreadable()
        .filter((record) => record.connection === connection || files.has(record.file))
        .map((record) => [record.file, { ...record, connection }]),
    );
    for (const [attempt, bytes] of mirroredOnes) {
      const mine = own.get(attempt);
      if (finished.has(attempt)) continue;
      if (mine?.state === 'answered') {
        own.set(
          attempt,
          withTwin(mine, () => left(connection, attempt, bytes)),
        );
        continue;
      }
      const record = left(connection, attempt, bytes);
      if ('why' in record) {
        if (mine === undefined) unreadable.push(record);
        continue;
      }
      if (record.state === 'intent' && mine !== undefined) continue;
      // An answer our disk refused or spoilt and the mirror took: finished from there, and then neither is needed.
      const spoilt = record.state === 'answered' && damaged.delete(recordFile(attempt));
      const remove = async () => {
        await mine?.remove();
        if (spoilt) await disk.discard(recordFile(attempt));
        await record.remove();
      };
      own.delete(attempt);
      others.push({ ...record, remove });
    }
    const records = [...own.values(), ...others].sort((a, b) => a.intent.startedAt - b.intent.startedAt);
    return { records, unreadable: [...damaged.values(), ...unreadable] };
  }

  async function* connections(): AsyncIterable<readonly string[]> {
    const own = new Set(disk.all().map(({ intent }) => intent.connection));
    if (own.size > 0) yield [...own];
    for await (const page of mirror.connections()) {
      const others = page.filter((connection) => !own.has(connection));
      if (others.length > 0) yield others;
    }
  }

  return {
    openOf,
    connections,
    async begin(intent) {
      const record = await disk.begin(intent);
      try {
        await keep(record);
      } catch (error) {
        // It may have arrived all the same: a request that was never sent must not be taken for one without an answer.
        await mirrored(record).remove();
        throw error;
      }
      return mirrored(record);
    },
    recordsOf: (connection) => disk.recordsOf(connection).map(mirrored),
    all: () => disk.all().map(mirrored),
    async refreshMirror() {
      await disk.readAgain();
      for (const [attempt, connection] of finished) await drop(connection, attempt);
      for (const record of disk.all()) await keepReadable(record);
    },
    unreadable: () => disk.unreadable(),
    torn: disk.all().flatMap(({ torn, intent }) => (torn ? [intent] : [])),
    stats: () => disk.stats(),
    async close() {
      await inLine.settled();
      await disk.close();
    },
  };
}

/** The record, its answer read from the mirror where the disk has spoilt it since. */
function withTwin(record: SpoolRecord, twin: () => SpoolRecord | UnreadableRecord): SpoolRecord {
  const answer = () =>
    record.answer().catch(async (error: unknown) => {
      const other = hasCode(error, 'spool_unreadable') ? twin() : undefined;
      if (other === undefined || 'why' in other || other.state !== 'answered') throw error;
      return other.answer();
    });
  return { ...record, state: record.state, answer };
}

/** One line for each attempt: what is asked of the mirror for it happens in the order it was asked for. */
function lines() {
  const last = new Map<string, Promise<unknown>>();
  const inLine = <T>(attempt: string, act: () => Promise<T>): Promise<T> => {
    const before = last.get(attempt);
    const mine = before === undefined ? act() : before.then(act, act);
    const over = mine.then(
      () => {},
      () => {},
    );
    last.set(attempt, over);
    void over.then(() => {
      if (last.get(attempt) === over) last.delete(attempt);
    });
    return mine;
  };
  inLine.settled = async () => void (await Promise.all(last.values()));
  return inLine;
}
