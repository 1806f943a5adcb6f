/**
 * Passwords and certificates that are read again whenever a connection is made, so that one that was rotated needs no
 * restart. ioredis copies its options once, when a client is made; what may change is put in their place as something
 * that is looked up. What must stay true: every connection has it, also a Cluster's nodes and BullMQ's duplicates.
 */
import { Cluster, type Redis, type RedisOptions } from 'ioredis';
import type { RedisClient } from './redis-client.ts';

/** Gives the client, and whatever is made from it, these options anew each time they are looked at. */
export function keepFresh<C extends RedisClient>(client: C, current: () => RedisOptions): C {
  if (client instanceof Cluster) {
    // Told of each node before it connects; a node that was lost is made anew.
    client.on('+node', (node: Redis) => lookUp(node.options, current));
  } else lookUp(client.options, current);
  const duplicate = client.duplicate.bind(client) as (...args: unknown[]) => C;
  client.duplicate = ((...args: unknown[]) => keepFresh(duplicate(...args), current)) as C['duplicate'];
  return client;
}

function lookUp(options: RedisOptions, current: () => RedisOptions): void {
  for (const key of Object.keys(current()) as (keyof RedisOptions)[]) {
    Object.defineProperty(options, key, { get: () => current()[key], enumerable: true, configurable: true });
  }
}
