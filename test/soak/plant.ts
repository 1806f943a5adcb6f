/** Leaks made on purpose, one of each kind the soak looks for: what finds none of them could find nothing. */
import { openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from '../../src/runtime/logger.ts';

export const leaks = [
  'heap',
  'external',
  'handles',
  'fds',
  'listeners',
  'redis-keys',
  'redis-elements',
  'spool',
  'log',
] as const;
export type Leak = (typeof leaks)[number];

/** Which figures must be found to grow for a leak. */
export const shownBy: Readonly<Record<Leak, readonly string[]>> = {
  heap: ['heapUsed'],
  external: ['external'],
  handles: ['handles'],
  fds: ['fds'],
  listeners: ['listeners'],
  'redis-keys': ['redisKeys', 'redis:planted'],
  'redis-elements': ['redis:planted-set'],
  spool: ['spoolFiles'],
  log: ['logRate'],
};

export interface LeakPlaces {
  readonly redis: {
    set(key: string, value: string): Promise<unknown>;
    sadd(key: string, member: number): Promise<unknown>;
  };
  readonly log: Logger;
  readonly spool: string;
}

/** Between two leaks of what a process has few of. */
const seldom = 8;

/** Answers what is called at each rotation. */
export function planter(wanted: readonly Leak[], { redis, log, spool }: LeakPlaces): () => void {
  const kept: unknown[] = [];
  let count = 0;
  const now = (leak: Leak, every = 1) => wanted.includes(leak) && count % every === 0;
  const lose = (written: Promise<unknown>) => void written.catch(() => {});
  // Evenly, and more with each rotation: what grows is the rate.
  const chatter = () => {
    for (let line = 0; line < count; line++) log.info('soak.planted', { line });
  };
  return () => {
    count += 1;
    if (now('heap')) kept.push(Array.from({ length: 500 }, (_, place) => ({ place })));
    if (now('external')) kept.push(Buffer.alloc(16_384, 1));
    if (now('handles', seldom)) kept.push(setInterval(() => {}, 1e9));
    if (now('fds', seldom)) kept.push(openSync('/dev/null', 'r'));
    if (now('listeners', seldom)) process.setMaxListeners(0).on('SIGWINCH', () => {});
    if (now('redis-keys')) lose(redis.set(`{pilotlight}:planted:${count}`, '1'));
    if (now('redis-elements')) lose(redis.sadd('{pilotlight}:planted-set', count));
    if (now('spool', seldom)) writeFileSync(join(spool, `planted-${count}.tmp`), '');
    if (now('log') && count === 1) setInterval(chatter, 100).unref();
  };
}
