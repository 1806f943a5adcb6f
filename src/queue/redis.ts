/**
 * Connections to Redis, wherever it is: one server, behind Sentinels, or a Cluster. Losing and reaching it are each logged
 * once, not once per attempt, and never with the URL, which may hold a password. Of a Cluster each node is told apart: it
 * is there while the node that holds our slot is.
 */
import type { Redis } from 'ioredis';
import { atMost, type Clock } from '../runtime/clock.ts';
import { PilotlightError } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Secret } from '../runtime/secret.ts';
import { checkedPrefix, defaultPrefix } from './keys.ts';
import { addressOf, type RedisClient } from './redis-client.ts';
import { watchDuplicates } from './redis-duplicates.ts';
import { redisLabel, sentinelLabel } from './redis-errors.ts';
import { keepFresh } from './redis-fresh.ts';
import {
  openClient,
  type RedisPlace,
  type RedisRole,
  type RedisSecrets,
  type RedisTls,
  type RoleOptions,
  secretOptions,
} from './redis-options.ts';
import { watchSuitable } from './redis-suitable.ts';

export type { RedisPlace, RedisRole, RedisTls } from './redis-options.ts';
export { checkSuitable } from './redis-suitable.ts';

export type RedisConnectOptions = RedisPlace &
  RoleOptions & {
    readonly logger: Logger;
    readonly clock: Clock;
    readonly prefix?: string;
    readonly tls?: RedisTls;
    /** Used where the URL holds none. */
    readonly password?: Secret;
    /** Instead of the two before: asked whenever a connection is made. */
    readonly secrets?: () => RedisSecrets;
  };

export interface RedisConnection<C extends RedisClient = Redis> {
  readonly redis: C;
  /** True once Redis has answered, whatever happened since. */
  reachedOnce(): boolean;
  /** Whether our keys can be used now: bounded in time, never throws. False too while a server is known to evict. */
  ping(): Promise<boolean>;
  /** Resolves when Redis is ready for commands. Throws redis_unavailable after `limitMs` of monotonic time. */
  untilReached(limitMs: number): Promise<void>;
  /** Within a bound, whatever Redis does. Ends what was made from it too. */
  close(): Promise<void>;
}

/** A ping without an answer for so long is none (ms). */
const pingMsMax = 2_000;
/** A node that is away would not let us say goodbye. */
const quitMsMax = 500;

/** Opens a connection and keeps it open. Throws config_invalid when URL or nodes are none of Redis. */
export function connectRedis(options: RedisConnectOptions & { readonly url: string }): RedisConnection;
export function connectRedis(options: RedisConnectOptions): RedisConnection<RedisClient>;
export function connectRedis(options: RedisConnectOptions): RedisConnection<RedisClient> {
  const { clock, logger, role, tls, password } = options;
  const given = { ...(tls === undefined ? {} : { tls }), ...(password === undefined ? {} : { password }) };
  const secrets = options.secrets ?? (() => given);
  const sentinelTls = 'sentinel' in options && options.sentinel.tls === true;
  const client = openClient(options, options, secrets());
  const redis = options.secrets === undefined ? client : keepFresh(client, () => secretOptions(secrets(), sentinelTls));
  const heard = hear(redis, role, logger);
  const endDuplicates = watchDuplicates(redis);
  const evicts = role === 'commands' ? watchSuitable(redis, logger) : async () => false;
  const key = checkedPrefix(options.prefix ?? defaultPrefix);

  return {
    redis,
    reachedOnce: heard.reachedOnce,
    async ping() {
      // A Cluster is asked for a key of ours, because any node would answer PING.
      const asked = redis.isCluster ? redis.exists(key) : redis.ping();
      const answered = asked.then(
        async () => !(await evicts()),
        () => false,
      );
      return atMost(clock, pingMsMax, answered, false);
    },
    async untilReached(limitMs) {
      if (redis.status === 'ready') return;
      if (await readyWithin(redis, limitMs, clock)) return;
      throw new PilotlightError(
        'redis_unavailable',
        `Redis was not reached within ${Math.round(limitMs)} ms (${heard.lastLabel()}); check ${settingOf(options)}, network and password`,
      );
    },
    async close() {
      endDuplicates();
      if (redis.status === 'end') return;
      const quit = redis.quit().catch(() => undefined);
      await atMost(clock, quitMsMax, quit, undefined);
      redis.disconnect();
    },
  };
}

function settingOf(place: RedisPlace): string {
  if ('cluster' in place) return 'redis.cluster';
  return 'sentinel' in place ? 'redis.sentinel' : 'REDIS_URL';
}

/** Tells of losing and reaching Redis, and remembers why it was lost. */
function hear(redis: RedisClient, role: RedisRole, logger: Logger) {
  let reached = false;
  let lost = false;
  let lastLabel = 'not_connected';
  const lostNodes = new Set<string>();
  redis.on('ready', () => {
    if (!reached || lost) logger.info('redis.reached', { purpose: role });
    reached = true;
    lost = false;
  });
  redis.on('error', (error: unknown) => {
    // Without a Sentinel's answer the error says only that all were asked.
    const label = redisLabel(error);
    if (label !== 'sentinels_unreachable') lastLabel = label;
    else if (!lastLabel.startsWith('sentinel')) lastLabel = label;
    if (lost) return;
    lost = true;
    logger.warn('redis.lost', { purpose: role, why: lastLabel });
  });
  redis.on('sentinelError', (error: unknown) => {
    lastLabel = sentinelLabel(error);
  });
  if (redis.isCluster) {
    redis.on('node error', (error: unknown, node: string) => {
      lastLabel = redisLabel(error);
      if (lostNodes.has(node)) return;
      lostNodes.add(node);
      logger.warn('redis.node_lost', { purpose: role, node, why: lastLabel });
    });
    redis.on('+node', (node: Redis) => {
      node.on('ready', () => {
        if (lostNodes.delete(addressOf(node)))
          logger.info('redis.node_reached', { purpose: role, node: addressOf(node) });
      });
    });
  }
  return { reachedOnce: () => reached, lastLabel: () => lastLabel };
}

async function readyWithin(redis: RedisClient, limitMs: number, clock: Clock): Promise<boolean> {
  let onReady = () => {};
  const ready = new Promise<boolean>((resolve) => {
    onReady = () => resolve(true);
    redis.once('ready', onReady);
  });
  try {
    return await atMost(clock, limitMs, ready, false);
  } finally {
    redis.off('ready', onReady);
  }
}
