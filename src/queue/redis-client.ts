/**
 * What this folder holds of Redis: one server (perhaps the one Sentinels name at the moment), or a Cluster. All our keys
 * share one slot, so scripts and transactions look the same on each.
 */
import { Cluster, type Redis } from 'ioredis';

export type RedisClient = Redis | Cluster;

/** The servers that take writes: a Cluster's masters, or the one there is. */
export function primariesOf(client: RedisClient): readonly Redis[] {
  return client instanceof Cluster ? client.nodes('master') : [client];
}

/** `host:port` of a server as we reach it. Through Sentinels the address of the moment, as the connection has it. */
export function addressOf(node: Redis): string {
  const { host, port } = node.options;
  const { remoteAddress, remotePort } = (node as unknown as { readonly stream?: Socket }).stream ?? {};
  return node.options.sentinels == null || remoteAddress === undefined
    ? `${host}:${port}`
    : `${remoteAddress}:${remotePort}`;
}

interface Socket {
  readonly remoteAddress?: string;
  readonly remotePort?: number;
}
