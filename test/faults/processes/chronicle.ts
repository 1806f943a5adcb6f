/**
 * What happened to a world's workers, as far as it excuses anything: a token whose answer was in no place that outlived its
 * worker may be tried once more, and where the provider forgives no second try it is lost. Nothing else excuses either.
 */

import { recordsInMirror, recordsOnDisk, type SeenRecord } from './records.ts';
import type { WorkerProcess } from './worker-process.ts';
import type { FaultWorld } from './world.ts';

export interface Death {
  /** Calendar instant at which the worker was gone. */
  readonly at: number;
  /** Its records with an answer that outlived it: what recovery owes. */
  readonly owed: readonly SeenRecord[];
  /** When its successor was started. */
  successorAt?: number;
}

export interface Excuse {
  readonly connection: string;
  /** When the attempt was begun whose answer is unknown, and when it became so. */
  readonly from: number;
  readonly at: number;
  /** `unsealed`: the kill came before the seal. `undelivered`: the answer never got there. `disk`: sealed, and the disk went with the pod before the mirror had it; `away`: it comes back with it. */
  readonly why: 'unsealed' | 'undelivered' | 'disk' | 'away' | 'stopped';
}

export interface Chronicle {
  readonly deaths: readonly Death[];
  readonly excuses: readonly Excuse[];
  /** Records found that could not be opened. */
  readonly damaged: readonly string[];
  /** SIGKILL, then a look at what is left. `keepsDisk`: its successor will find its disk. */
  kill(worker: WorkerProcess, keepsDisk: boolean): Promise<Death>;
  /** What the case itself did to an attempt under way. */
  excuse(connection: string, why: Excuse['why']): void;
}

export function createChronicle(world: FaultWorld): Chronicle {
  const deaths: Death[] = [];
  const excuses: Excuse[] = [];
  const damaged: string[] = [];
  // A machine so busy that an answer took longer than a request may take, or a worker that died while it was on its way.
  world.front.onUndelivered((request, from) => {
    const connection = ownerOf(world, request);
    if (connection !== undefined) excuses.push({ connection, from, at: Date.now(), why: 'undelivered' });
  });
  return {
    deaths,
    excuses,
    damaged,
    async kill(worker, keepsDisk) {
      await worker.kill();
      const at = Date.now();
      const disk = recordsOnDisk(worker.spool, world.keyring);
      const mirror = await recordsInMirror(world.door.redis(), world.keyring);
      damaged.push(...disk.damaged, ...mirror.damaged);
      const mirrored = new Set(mirror.records.filter(({ answered }) => answered).map(({ attempt }) => attempt));
      const outlives = (record: SeenRecord) => (keepsDisk && record.answered) || mirrored.has(record.attempt);
      for (const record of disk.records.filter((one) => !outlives(one))) {
        const why = record.answered ? 'disk' : 'unsealed';
        excuses.push({ connection: record.connection, from: record.startedAt, at, why });
      }
      // Nobody else can know of it before its disk is back: the token may be tried once more, and nothing is lost.
      for (const record of disk.records.filter((one) => outlives(one) && !mirrored.has(one.attempt)))
        excuses.push({ connection: record.connection, from: record.startedAt, at, why: 'away' });
      const death: Death = { at, owed: disk.records.filter(outlives) };
      deaths.push(death);
      return death;
    },
    excuse: (connection, why) => void excuses.push({ connection, from: 0, at: Date.now(), why }),
  };
}

/** Whose token a request shows. */
function ownerOf(world: FaultWorld, request: Buffer): string | undefined {
  const token = new URLSearchParams(request.toString('utf8')).get('refresh_token');
  const isIts = (connection: string) => world.sandbox.oracle.tokens(connection).some(({ value }) => value === token);
  return [...world.customers.keys()].find(isIts);
}
