/**
 * Connections to Redis. Commands and queues fail fast and bounded, so that nobody waits on a Redis that is away; workers
 * wait for it without end. Losing and reaching Redis are each logged once, not once per attempt, and never with the URL,
 * which may hold a password.
 */
import { Redis, type RedisOptions } from 'ioredis';
import type { Clock } from '../runtime/clock.ts';
import { PilotlightError } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Secret } from '../runtime/secret.ts';
import { redisLabel, speaking } from './redis-errors.ts';

/** `commands`: index, leases, permits, clients. `queues`: adding jobs. `workers`: taking jobs, which blocks. */
export type RedisRole = 'commands' | 'queues' | 'workers';

export interface RedisTls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: Secret;
  readonly servername?: string;
}

export interface RedisConnectOptions {
  /** `redis://` or `rediss://`, with or without user and password. */
  readonly url: string;
  readonly role: RedisRole;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly tls?: RedisTls;
  /** Used where the URL names none. */
  readonly username?: string;
  readonly password?: Secret;
  /** Longest wait for one answer, ms; not for workers. Default 2000. */
  readonly commandTimeoutMs?: number;
}

export interface RedisConnection {
  readonly redis: Redis;
  /** True once Redis has answered, whatever happened since. */
  reachedOnce(): boolean;
  /** Whether Redis answers now; bounded by the command time-out, never throws. */
  ping(): Promise<boolean>;
  /** Resolves when Redis is ready for commands. Throws redis_unavailable after `limitMs` of monotonic time. */
  untilReached(limitMs: number): Promise<void>;
  close(): Promise<void>;
}

/** A half-open connection (a node that vanished without a reset) is given up after this long without an answer. */
const socketTimeoutMs = { commands: 5_000, queues: 10_000, workers: 30_000 } as const;

/** Opens a connection and keeps it open. Throws config_invalid when the URL is none of Redis. */
export function connectRedis(options: RedisConnectOptions): RedisConnection {
  const redis = new Redis(checkedUrl(options.url), redisOptions(options));
  let reached = false;
  let lost = false;
  let lastLabel = 'not_connected';
  redis.on('ready', () => {
    if (!reached || lost) options.logger.info('redis.reached', { purpose: options.role });
    reached = true;
    lost = false;
  });
  redis.on('error', (error) => {
    lastLabel = redisLabel(error);
    if (lost) return;
    lost = true;
    options.logger.warn('redis.lost', { purpose: options.role, why: lastLabel });
  });

  return {
    redis,
    reachedOnce: () => reached,
    ping: () => answers(redis, options.clock),
    async untilReached(limitMs) {
      if (redis.status === 'ready') return;
      if (await readyWithin(redis, limitMs, options.clock)) return;
      throw new PilotlightError(
        'redis_unavailable',
        `Redis was not reached within ${Math.round(limitMs)} ms (${lastLabel}); check REDIS_URL, network and password`,
      );
    },
    async close() {
      if (redis.status === 'end') return;
      await redis.quit().catch(() => undefined);
      redis.disconnect();
    },
  };
}

function checkedUrl(url: string): string {
  const scheme = URL.canParse(url) ? new URL(url).protocol : '';
  if (scheme === 'redis:' || scheme === 'rediss:') return url;
  // The URL is not quoted: it may hold a password.
  throw new PilotlightError('config_invalid', 'the Redis URL must look like redis://host:6379 or rediss://host:6379');
}

function redisOptions(options: RedisConnectOptions): RedisOptions & { replyMapping: 'legacy' } {
  const { role, tls, username, password } = options;
  const url = new URL(options.url);
  const secure = url.protocol === 'rediss:' || tls !== undefined;
  return {
    connectionName: `pilotlight-${role}`,
    replyMapping: 'legacy',
    connectTimeout: 5_000,
    keepAlive: 10_000,
    socketTimeout: socketTimeoutMs[role],
    retryStrategy: (times) => Math.min(50 * 2 ** Math.min(times - 1, 10), 2_000),
    // After a failover behind one name we may still speak to the old primary: connect anew and ask again.
    reconnectOnError: (error) => (error.message.startsWith('READONLY') ? 2 : false),
    ...(role === 'workers'
      ? { maxRetriesPerRequest: null }
      : {
          commandTimeout: options.commandTimeoutMs ?? 2_000,
          maxRetriesPerRequest: 1,
          enableOfflineQueue: false,
          autoResendUnfulfilledCommands: false,
          // Many small scripts run side by side: one write for all that were asked for in the same turn.
          enableAutoPipelining: role === 'commands',
        }),
    ...(username !== undefined && url.username === '' ? { username } : {}),
    ...(password !== undefined && url.password === '' ? { password: password.reveal() } : {}),
    ...(secure ? { tls: tlsOptions(tls ?? {}) } : {}),
  };
}

function tlsOptions(tls: RedisTls): NonNullable<RedisOptions['tls']> {
  const { ca, cert, key, servername } = tls;
  return {
    minVersion: 'TLSv1.2',
    ...(ca !== undefined ? { ca } : {}),
    ...(cert !== undefined ? { cert } : {}),
    ...(key !== undefined ? { key: key.reveal() } : {}),
    ...(servername !== undefined ? { servername } : {}),
  };
}

async function answers(redis: Redis, clock: Clock): Promise<boolean> {
  const stop = new AbortController();
  const late = clock.sleep(2_000, stop.signal).then(
    () => false,
    () => false,
  );
  const answered = redis.ping().then(
    (word) => word === 'PONG',
    () => false,
  );
  try {
    return await Promise.race([answered, late]);
  } finally {
    stop.abort();
  }
}

async function readyWithin(redis: Redis, limitMs: number, clock: Clock): Promise<boolean> {
  const stop = new AbortController();
  const late = clock.sleep(limitMs, stop.signal).then(
    () => false,
    () => false,
  );
  let onReady = () => {};
  const ready = new Promise<boolean>((resolve) => {
    onReady = () => resolve(true);
    redis.once('ready', onReady);
  });
  try {
    return await Promise.race([ready, late]);
  } finally {
    redis.off('ready', onReady);
    stop.abort();
  }
}

/** Oldest server whose commands we use. */
const versionMin = [6, 2] as const;

/**
 * Checks that the server keeps what it is given: an evicted lease or dedup key would be a second spend or a lost job.
 * Throws redis_unsuitable naming the setting and the fix, redis_unavailable when Redis does not answer. A server that
 * tells neither INFO nor CONFIG passes with a warning.
 */
export async function checkSuitable(redis: Redis, logger: Logger): Promise<void> {
  const server = await told(redis, 'server');
  const version = server.get('redis_version');
  if (version !== undefined && !newEnough(version)) {
    throw new PilotlightError(
      'redis_unsuitable',
      `Redis ${version} is too old: Pilotlight needs Redis ${versionMin.join('.')} or later, or Valkey`,
    );
  }
  const policy = (await told(redis, 'memory')).get('maxmemory_policy') ?? (await configuredPolicy(redis));
  if (policy === undefined) {
    logger.warn('redis.policy_unknown', { setting: 'maxmemory-policy', needed: 'noeviction' });
    return;
  }
  if (policy === 'noeviction') return;
  throw new PilotlightError(
    'redis_unsuitable',
    `Redis may drop our data under memory pressure: maxmemory-policy is ${policy}. Set it to noeviction (redis.conf, ` +
      'the parameter group of a managed service, or CONFIG SET maxmemory-policy noeviction)',
  );
}

function newEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > versionMin[0] || (major === versionMin[0] && minor >= versionMin[1]);
}

/** A section of INFO, empty where the server refuses to tell. */
export async function told(redis: Redis, section: string): Promise<ReadonlyMap<string, string>> {
  const text = await refusable(() => redis.info(section));
  const lines = (text ?? '').split('\r\n').filter((line) => line.includes(':'));
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]));
}

async function configuredPolicy(redis: Redis): Promise<string | undefined> {
  const answer = await refusable(() => redis.config('GET', 'maxmemory-policy'));
  return Array.isArray(answer) && typeof answer[1] === 'string' ? answer[1] : undefined;
}

/** The answer, or undefined where the server says that we may not ask (ACL, renamed command). */
async function refusable<T>(call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    const refused = error instanceof Error && error.name === 'ReplyError' && /^(NOPERM|ERR)/.test(error.message);
    if (refused) return undefined;
    return await speaking(() => Promise.reject(error));
  }
}
