/** The shapes Redis comes in, behind one face: a test of the service says once what must hold on each. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../../config/derive.ts';
import { startTestCluster } from './redis-cluster.ts';
import { nodePassword, type RedisProcess } from './redis-process.ts';
import { sentinelName, startTestSentinels } from './redis-sentinel.ts';

export interface Topology {
  /** How the configuration names it, without login. */
  readonly redis: Omit<Config['redis'], 'prefix'>;
  /** The server our keys are on. */
  holder(): Promise<RedisProcess>;
  /** Resolves when another server holds our keys and takes writes. */
  failedOver(from: RedisProcess): Promise<RedisProcess>;
  /** Leases are given at once. */
  ageEpoch(): Promise<void>;
  /** Every server that may hold our keys. */
  readonly servers: readonly RedisProcess[];
  /** None of a Cluster. */
  readonly sentinels: readonly RedisProcess[];
  stop(): Promise<void>;
}

export interface TopologyOptions {
  /** Further lines of redis.conf for every server, not for Sentinels. */
  readonly settings?: readonly string[];
}

/** Each with one replica of the server that holds our keys. */
export const topologies: readonly (readonly [name: string, start: (options?: TopologyOptions) => Promise<Topology>])[] =
  [
    ['a Redis Cluster', startCluster],
    ['Redis behind Sentinels', startSentinels],
  ];

async function startCluster(options: TopologyOptions = {}): Promise<Topology> {
  const cluster = await startTestCluster({ ...options, replicas: 1 });
  const { nodes, processes, owner, ...rest } = cluster;
  return { ...rest, redis: { cluster: { nodes: [...nodes] } }, holder: owner, servers: processes, sentinels: [] };
}

async function startSentinels(options: TopologyOptions = {}): Promise<Topology> {
  const { nodes, primary, ...rest } = await startTestSentinels(options);
  return { ...rest, redis: { sentinel: { name: sentinelName, nodes: [...nodes], tls: false } }, holder: primary };
}

/** A configuration with this topology in place of its Redis, and the password in a mounted file. */
export function withTopology({ redis }: Topology, more: Partial<Config['redis']> = {}): (config: Config) => Config {
  return (config) => {
    const passwordFile = join(config.dataDir, 'redis-password');
    writeFileSync(passwordFile, `${nodePassword}\n`, { mode: 0o600 });
    // The Sentinels ask for a password of their own; here it is the same.
    const sentinel = redis.sentinel === undefined ? {} : { sentinel: { ...redis.sentinel, passwordFile } };
    return { ...config, redis: { prefix: config.redis.prefix, ...redis, ...sentinel, passwordFile, ...more } };
  };
}
