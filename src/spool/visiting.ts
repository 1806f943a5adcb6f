/**
 * The spool as a process sees it that works beside the one it belongs to: a command, in the pod of a running worker. It
 * keeps nothing in mind. What a record holds is read from the disk again under each connection's lease, because a record
 * seen as an intent a moment ago may hold the only copy of a token by now.
 */
import type { Spool, SpoolItem, SpoolMirror, SpoolProblem, SpoolSurvey, UnreadableRecord } from '../rotation/ports.ts';
import type { Clock } from '../runtime/clock.ts';
import { hasCode, PilotlightError } from '../runtime/errors.ts';
import { type DiskSpool, type DiskSpoolOptions, openDiskSpool, recordFile } from './disk.ts';
import { decodeRecord } from './format.ts';
import { mirroredSpool } from './mirrored.ts';

export interface VisitingSpoolOptions extends DiskSpoolOptions {
  readonly mirror: SpoolMirror;
  readonly clock: Pick<Clock, 'sleep'>;
}

export interface VisitingSpool extends Spool {
  /** Every record of this folder and of the mirror, oldest first. */
  survey(): Promise<SpoolSurvey>;
}

/** A record caught while its owner was sealing it looks damaged: what still does after this long is. */
const secondLookMs = 500;

export function visitingSpool(options: VisitingSpoolOptions): VisitingSpool {
  const { files, clock } = options;
  /** Whose records the files seen so far are, so that one connection costs no look at all the others. */
  const owners = new Map<string, string>();

  /** What lies in the folder now; of one connection, and files not seen before, where it is given. */
  async function look(connection?: string): Promise<DiskSpool> {
    const names = async () =>
      (await files.names()).filter(
        (name) => connection === undefined || (owners.get(name) ?? connection) === connection,
      );
    const disk = await openDiskSpool({ ...options, files: { ...files, names } });
    for (const { intent } of disk.all()) owners.set(recordFile(intent.attempt), intent.connection);
    return disk;
  }

  const notOurs = () => Promise.reject(new PilotlightError('refused', 'this process spends no token'));
  return {
    begin: notOurs,
    recordsOf: () => [],
    async openOf(connection) {
      return mirroredSpool({ ...options, disk: await look(connection) }).openOf(connection);
    },
    async *connections() {
      yield* mirroredSpool({ ...options, disk: await look() }).connections();
    },
    // Its owner does, and knows what is finished.
    refreshMirror: async () => {},
    all: () => [],
    unreadable: () => [],
    stats: () => ({ records: 0, answered: 0, unreadable: 0, oldestAt: null, oldestAnsweredAt: null }),
    async survey() {
      const items = new Map<string, SpoolItem>();
      let disk = await look();
      if (disk.unreadable().length > 0) {
        await clock.sleep(secondLookMs);
        disk = await look();
      }
      const there = new Set(await files.names());
      for (const { intent, state } of disk.all())
        items.set(intent.attempt, { ...intent, state, where: 'disk', problems: [] });
      for (const damaged of disk.unreadable()) if (there.has(damaged.file)) note(items, damaged);
      const mirrorRead = await surveyMirror(items, options);
      const oldestFirst = (item: SpoolItem) => item.startedAt ?? Number.MAX_VALUE;
      return { items: [...items.values()].sort((a, b) => oldestFirst(a) - oldestFirst(b)), mirrorRead };
    },
  };
}

function note(items: Map<string, SpoolItem>, { file, connection, why }: UnreadableRecord): void {
  const attempt = file.replace(/\.rec$/, '');
  const problems: SpoolProblem[] = [{ where: 'disk', file, why }];
  items.set(attempt, { attempt, state: 'unreadable', where: 'disk', problems, ...(connection && { connection }) });
}

/** Adds what the mirror holds. False where Redis cannot be asked. */
async function surveyMirror(items: Map<string, SpoolItem>, options: VisitingSpoolOptions): Promise<boolean> {
  try {
    // A page may name a connection that another one named before.
    const connections = new Set<string>();
    for await (const page of options.mirror.connections()) for (const connection of page) connections.add(connection);
    for (const connection of connections) {
      for (const [attempt, bytes] of await options.mirror.of(connection))
        items.set(attempt, merged(items.get(attempt), mirrored(connection, attempt, bytes, options)));
    }
    return true;
  } catch (error) {
    if (hasCode(error, 'redis_unavailable')) return false;
    throw error;
  }
}

function mirrored(
  connection: string,
  attempt: string,
  bytes: Buffer,
  { install, keyring }: DiskSpoolOptions,
): SpoolItem {
  const read = decodeRecord(bytes, install, keyring, 'compact');
  const ours = read.ok && read.intent.connection === connection && read.intent.attempt === attempt;
  if (ours)
    return { ...read.intent, state: read.sealed === undefined ? 'intent' : 'answered', where: 'mirror', problems: [] };
  const why = read.ok ? 'renamed' : read.why;
  const problems: SpoolProblem[] = [{ where: 'mirror', file: `mirror:${attempt}`, why }];
  return { connection, attempt, state: 'unreadable', where: 'mirror', problems };
}

/** The better of two copies says what the record is; what is wrong with either is said. */
function merged(onDisk: SpoolItem | undefined, inMirror: SpoolItem): SpoolItem {
  if (onDisk === undefined) return inMirror;
  const rank = { unreadable: 0, intent: 1, answered: 2 };
  const better = rank[inMirror.state] > rank[onDisk.state] ? inMirror : onDisk;
  return { ...better, where: 'both', problems: [...onDisk.problems, ...inMirror.problems] };
}
