/**
 * Whether a Redis may be relied on: each of its servers new enough, and none that evicts. An evicted lease or dedup key
 * would be a second spend or a lost job.
 */
import type { Redis } from 'ioredis';
import { PilotlightError } from '../runtime/errors.ts';
import { type Logger, silentLogger } from '../runtime/logger.ts';
import { addressOf, primariesOf, type RedisClient } from './redis-client.ts';
import { isUnavailable, speaking } from './redis-errors.ts';

/** Oldest server whose commands we use. */
const versionMin = [6, 2] as const;

/**
 * Checks every server that takes writes. Throws redis_unsuitable naming server, setting and fix; redis_unavailable when
 * none answers. A server that tells neither INFO nor CONFIG passes with a warning, and so does a Cluster's node that is
 * away while others answer: it is checked when it is back.
 */
export async function checkSuitable(redis: RedisClient, logger: Logger): Promise<void> {
  const servers = primariesOf(redis);
  const looked = await Promise.allSettled(servers.map((server) => checkServer(server, logger)));
  const failures = looked.flatMap((look) => (look.status === 'rejected' ? [look.reason as unknown] : []));
  for (const failure of failures) if (!isUnavailable(failure)) throw failure;
  if (failures.length === servers.length)
    throw failures[0] ?? new PilotlightError('redis_unavailable', 'Redis cannot be used now (not_connected)');
  if (failures.length > 0) logger.warn('redis.node_unchecked', { nodes: failures.length, of: servers.length });
}

/** The same for one server. */
export async function checkServer(server: Redis, logger: Logger): Promise<void> {
  const version = (await told(server, 'server')).get('redis_version');
  if (version !== undefined && !newEnough(version)) {
    throw new PilotlightError(
      'redis_unsuitable',
      `Redis ${version} at ${addressOf(server)} is too old: Pilotlight needs Redis ${versionMin.join('.')} or later, or Valkey`,
    );
  }
  const policy = (await told(server, 'memory')).get('maxmemory_policy') ?? (await configuredPolicy(server));
  if (policy === undefined) {
    logger.warn('redis.policy_unknown', { setting: 'maxmemory-policy', needed: 'noeviction', node: addressOf(server) });
    return;
  }
  if (policy === 'noeviction') return;
  throw new PilotlightError(
    'redis_unsuitable',
    `Redis at ${addressOf(server)} may drop our data under memory pressure: maxmemory-policy is ${policy}. Set it to ` +
      'noeviction on every node (redis.conf, the parameter group of a managed service, or CONFIG SET maxmemory-policy ' +
      'noeviction)',
  );
}

function newEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > versionMin[0] || (major === versionMin[0] && minor >= versionMin[1]);
}

/** A section of INFO, empty where the server refuses to tell. */
async function told(server: Redis, section: string): Promise<ReadonlyMap<string, string>> {
  const text = await refusable(() => server.info(section));
  const lines = (text ?? '').split('\r\n').filter((line) => line.includes(':'));
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]));
}

async function configuredPolicy(server: Redis): Promise<string | undefined> {
  const answer = await refusable(() => server.config('GET', 'maxmemory-policy'));
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

/**
 * Checks each server anew whenever a connection to it is made: after a failover another one decides, and one that was away
 * at the start was never looked at. Answers whether any is unsuitable; those known to be are asked again each time, so that a
 * mended setting is seen without a new connection. It is told once, and told when it is over. Never throws.
 */
export function watchSuitable(redis: RedisClient, logger: Logger): () => Promise<boolean> {
  const unsuitable = new Set<string>();
  const look = async (server: Redis) => {
    const node = addressOf(server);
    try {
      await checkServer(server, silentLogger);
      if (unsuitable.delete(node)) logger.info('redis.suitable', { node });
    } catch (error) {
      if (!(error instanceof PilotlightError) || error.code !== 'redis_unsuitable') return;
      if (!unsuitable.has(node)) logger.error('redis.unsuitable', { node, why: error.message });
      unsuitable.add(node);
    }
  };
  if (redis.isCluster) {
    redis.on('+node', (node: Redis) => node.on('ready', () => void look(node)));
    redis.on('-node', (node: Redis) => unsuitable.delete(addressOf(node)));
  } else redis.on('ready', () => void look(redis as Redis));
  return async () => {
    if (unsuitable.size === 0) return false;
    const servers = primariesOf(redis);
    await Promise.all(servers.map(look));
    // One that another took over from decides nothing any more.
    const deciding = new Set(servers.map(addressOf));
    for (const node of unsuitable) if (!deciding.has(node)) unsuitable.delete(node);
    return unsuitable.size > 0;
  };
}
