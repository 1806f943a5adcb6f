/**
 * The named points at which a worker is killed or stopped. None is a hook in the service: the providers' front, the store's
 * double, the spool folder and the door of Redis tell when a worker stands there.
 */
import { existsSync, mkdirSync, watch } from 'node:fs';
import { join } from 'node:path';
import type { Moment } from './front.ts';
import { readMirrored } from './records.ts';
import type { FaultWorld } from './world.ts';

/** A point that was armed: one worker, the next to come there. */
export interface Armed {
  /** Resolves at the instant. */
  readonly reached: Promise<void>;
  /** Lets go what stands there; `drop`: what was held never happens. */
  release(how: 'go' | 'drop'): void;
}

export interface Point {
  readonly name: string;
  /** An answer is on its way or there: from here on only a provider that forgives, or what is sealed, saves the token. */
  readonly committed: boolean;
  arm(world: FaultWorld, worker: { readonly name: string }, connection: string): Armed;
}

function atFront(name: string, moment: Moment, committed: boolean): Point {
  return { name, committed, arm: ({ front }) => front.hold(moment) };
}

/** `applied`: the store did it, and the answer is what never comes. `skip`: calls for this secret that pass before. */
function atStore(
  name: string,
  op: 'PutSecretValue' | 'UpdateSecretVersionStage' | 'GetSecretValue' | 'DescribeSecret',
  how: { readonly applied: boolean; readonly skip: number; readonly committed: boolean },
): Point {
  return {
    name,
    committed: how.committed,
    arm({ double }, _, connection) {
      const fault = double.faults.add({ op, secret: connection, applied: how.applied, skip: how.skip, what: 'hang' });
      return { reached: fault.firedOnce, release: () => fault.remove() };
    },
  };
}

type Change = 'begun' | 'made' | 'sealed' | 'removed';

/** What the folder of a worker's spool tells of a record. */
function atSpool(name: string, change: Change, committed: boolean): Point {
  return {
    name,
    committed,
    arm(world, worker) {
      const directory = world.spoolOf(worker.name);
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      const reached = Promise.withResolvers<void>();
      const seen = new Set<string>();
      const watcher = watch(directory, (event, file) => {
        if (file === null) return;
        if (change === 'begun' && file.endsWith('.tmp')) reached.resolve();
        if (!file.endsWith('.rec')) return;
        const there = existsSync(join(directory, file));
        if (change === 'made' && there) reached.resolve();
        if (change === 'sealed' && event === 'change' && seen.has(file)) reached.resolve();
        if (change === 'removed' && !there && seen.has(file)) reached.resolve();
        seen.add(file);
      });
      void reached.promise.then(() => watcher.close());
      return { reached: reached.promise, release: () => watcher.close() };
    },
  };
}

const recordStart = Buffer.from('PILOTLIGHT SPOOL 1\n', 'latin1');

/** The record in a command for the mirror; undefined where there is none. */
function recordIn(bytes: Buffer, world: FaultWorld) {
  const at = bytes.indexOf(recordStart);
  if (at < 0) return undefined;
  const length = /\$(\d+)\r\n$/.exec(bytes.subarray(Math.max(0, at - 20), at).toString('latin1'))?.[1];
  const record = readMirrored(bytes.subarray(at, at + Number(length)), world.keyring);
  return typeof record === 'string' ? undefined : record;
}

/**
 * What is asked of the mirror. `sent`: the command never gets to Redis. `done`: Redis did it, and its answer never gets to
 * the worker.
 */
function atMirror(name: string, what: 'intent' | 'answer' | 'drop', how: 'sent' | 'done', committed: boolean): Point {
  return {
    name,
    committed,
    arm(world) {
      const reached = Promise.withResolvers<void>();
      const attempts = new Set<string>();
      let asked: object | undefined;
      const wanted = (bytes: Buffer, record: ReturnType<typeof recordIn>) =>
        what === 'drop'
          ? record === undefined && [...attempts].some((attempt) => bytes.includes(attempt))
          : record !== undefined && record.answered === (what === 'answer');
      world.door.watch((way, bytes, link) => {
        const record = recordIn(bytes, world);
        if (way === 'command' && wanted(bytes, record)) {
          asked = link;
          if (how === 'done') return 'pass';
          reached.resolve();
          return 'swallow';
        }
        // A pod that is new learns of the record from the mirror itself.
        if (record !== undefined) attempts.add(record.attempt);
        // A script Redis does not know yet is sent again in full.
        if (way === 'command' || link !== asked || bytes.includes('NOSCRIPT')) return 'pass';
        reached.resolve();
        return 'swallow';
      });
      return { reached: reached.promise, release: () => world.door.watch(undefined) };
    },
  };
}

/** In the order of a rotation. The first put is the probe: it proves that the secret can be written. */
export const points: readonly Point[] = [
  atStore('probe-applied', 'PutSecretValue', { applied: true, skip: 0, committed: false }),
  atSpool('record-begun', 'begun', false),
  atSpool('record-made', 'made', false),
  atMirror('mirror-intent-sent', 'intent', 'sent', false),
  atMirror('mirror-intent-done', 'intent', 'done', false),
  atStore('last-look', 'DescribeSecret', { applied: true, skip: 1, committed: false }),
  atFront('connected', 'connected', false),
  atFront('requested', 'requested', false),
  atFront('committed', 'committed', true),
  atFront('answer-half', 'half', true),
  atFront('answer-whole', 'answered', true),
  atSpool('record-sealed', 'sealed', true),
  atMirror('mirror-answer-sent', 'answer', 'sent', true),
  atMirror('mirror-answer-done', 'answer', 'done', true),
  atStore('put-received', 'PutSecretValue', { applied: false, skip: 1, committed: true }),
  atStore('put-applied', 'PutSecretValue', { applied: true, skip: 1, committed: true }),
  atStore('swap-received', 'UpdateSecretVersionStage', { applied: false, skip: 0, committed: true }),
  atStore('swap-applied', 'UpdateSecretVersionStage', { applied: true, skip: 0, committed: true }),
  atStore('verify-received', 'GetSecretValue', { applied: false, skip: 1, committed: true }),
  atSpool('record-removed', 'removed', true),
  atMirror('mirror-drop-sent', 'drop', 'sent', true),
  atMirror('mirror-drop-done', 'drop', 'done', true),
];

export function pointOf(name: string): Point {
  const point = points.find((one) => one.name === name);
  if (point === undefined) throw new Error(`there is no point ${name}: ${points.map((one) => one.name).join(', ')}`);
  return point;
}

/** The same point as a worker comes to it that only finishes what another began: it has no probe to write first. */
export function inRecovery(point: Point): Point {
  const put = { skip: 0, committed: true };
  if (point.name === 'put-received') return atStore(point.name, 'PutSecretValue', { ...put, applied: false });
  if (point.name === 'put-applied') return atStore(point.name, 'PutSecretValue', { ...put, applied: true });
  return point;
}
