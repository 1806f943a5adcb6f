/** How a process reaches Redis: the one its configuration names, or a private one on this machine. */
import type { Config } from '../config/derive.ts';
import { ensureRedis } from './queue/private-redis.ts';
import { connectRedis, type RedisConnection, type RedisPlace, type RedisRole } from './queue/redis.ts';
import type { RedisClient } from './queue/redis-client.ts';
import { type RedisFiles, readRedisFiles } from './queue/redis-files.ts';
import type { Closers } from './runtime/closers.ts';
import type { Deps } from './services.ts';

/** Opens a connection for a role; closed with everything else. */
export type ConnectRedis = (role: RedisRole) => RedisConnection<RedisClient>;

/** Throws config_invalid where a mounted file cannot be read, redis_unavailable where no private Redis can be had. */
export async function openRedis(config: Config, deps: Deps, closers: Closers): Promise<ConnectRedis> {
  const { clock, log } = deps;
  const { username, prefix } = config.redis;
  const place = await placeOf(config, deps, closers);
  const secrets = readRedisFiles(filesOf(config), clock, log);
  return (role) => {
    const connection = connectRedis({
      ...place,
      role,
      prefix,
      logger: log,
      clock,
      secrets,
      ...(username === undefined ? {} : { username }),
    });
    closers.push(`Redis (${role})`, () => connection.close());
    return connection;
  };
}

async function placeOf(config: Config, deps: Deps, closers: Closers): Promise<RedisPlace> {
  const { cluster, sentinel, database } = config.redis;
  if (cluster !== undefined) return { cluster };
  if (sentinel !== undefined) {
    const { name, nodes, username, tls } = sentinel;
    return {
      sentinel: {
        name,
        nodes,
        tls,
        ...(username === undefined ? {} : { username }),
        ...(database === undefined ? {} : { database }),
      },
    };
  }
  const { url, source, stop } = await ensureRedis({
    ...(deps.redisUrl === undefined ? {} : { url: deps.redisUrl }),
    shared: deps.inKubernetes,
    dataDir: config.dataDir,
    say: deps.say,
    ...deps.machine,
    clock: deps.clock,
    random: deps.random,
  });
  closers.push('private Redis', stop);
  if (source !== 'configured') deps.log.info('redis.private', { source });
  return { url };
}

function filesOf({ redis }: Config): RedisFiles {
  const { passwordFile, sentinel, tls } = redis;
  return {
    password: passwordFile,
    sentinelPassword: sentinel?.passwordFile,
    tls:
      tls === undefined || tls.enabled === false
        ? undefined
        : { ca: tls.caFile, cert: tls.certFile, key: tls.keyFile, servername: tls.serverName },
  };
}
