/**
 * How each role's connection behaves, in ioredis's words: commands and queues fail fast and bounded, so that nobody waits
 * on a Redis that is away; workers wait for it without end. The same on one server, through Sentinels and on a Cluster.
 */
import { Cluster, type ClusterOptions, Redis, type RedisOptions } from 'ioredis';
import { PilotlightError } from '../runtime/errors.ts';
import type { Secret } from '../runtime/secret.ts';
import type { RedisClient } from './redis-client.ts';

/** `commands`: index, leases, permits, clients. `queues`: adding jobs. `workers`: taking jobs, which blocks. */
export type RedisRole = 'commands' | 'queues' | 'workers';

export interface RedisTls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: Secret;
  /** The name every server's certificate must have, whatever address it was reached by. */
  readonly servername?: string;
}

/** What a connection proves itself with and knows the server by; may differ from one connecting to the next. */
export interface RedisSecrets {
  readonly password?: Secret;
  readonly sentinelPassword?: Secret;
  readonly tls?: RedisTls;
}

/** Where Redis is: one server, the primary that Sentinels name, or a Cluster. Nodes are `host:port`. */
export type RedisPlace =
  /** `redis://` or `rediss://`, with or without user and password. */
  | { readonly url: string }
  | {
      readonly sentinel: {
        readonly name: string;
        readonly nodes: readonly string[];
        readonly username?: string;
        /** The Sentinels themselves speak TLS. */
        readonly tls?: boolean;
        readonly database?: number;
      };
    }
  | { readonly cluster: { readonly nodes: readonly string[] } };

export interface RoleOptions {
  readonly role: RedisRole;
  /** Used where the URL names none. */
  readonly username?: string;
  /** Longest wait for one answer, ms; not for workers. Default 2000. */
  readonly commandTimeoutMs?: number;
}

/**
 * A half-open connection (a node that vanished without a reset) is given up after this long without an answer. Workers let
 * Redis keep them waiting for ten seconds at most: that is BullMQ's longest.
 */
const socketTimeoutMs = { commands: 5_000, queues: 10_000, workers: 15_000 } as const;
const retryMs = (times: number) => Math.min(50 * 2 ** Math.min(times - 1, 10), 2_000);

/** Begins to connect. Throws config_invalid when the URL or a node is none of Redis. */
export function openClient(place: RedisPlace, role: RoleOptions, secrets: RedisSecrets): RedisClient {
  if ('cluster' in place) return new Cluster(place.cluster.nodes.map(hostAndPort), clusterOptions(role, secrets));
  if ('sentinel' in place) return new Redis(sentinelOptions(place.sentinel, role, secrets));
  const { username, password, tls, ...rest } = { ...serverOptions(role), ...secretOptions(secrets) };
  const url = checkedUrl(place.url);
  const secure = tls !== undefined || url.protocol === 'rediss:';
  // Into the URL, because what ioredis finds in it wins even where it is empty.
  if (url.username === '') url.username = encodeURIComponent(username ?? '');
  if (url.password === '') url.password = encodeURIComponent(password ?? '');
  return new Redis(url.href, { ...rest, ...(secure ? { tls: tls ?? tlsOptions({}) } : {}) });
}

function checkedUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'redis:' || url?.protocol === 'rediss:') return url;
  // The URL is not quoted: it may hold a password.
  throw new PilotlightError('config_invalid', 'the Redis URL must look like redis://host:6379 or rediss://host:6379');
}

function hostAndPort(node: string): { host: string; port: number } {
  const [, host, port] = /^(.+):(\d{1,5})$/.exec(node) ?? [];
  if (host !== undefined) return { host: host.replace(/^\[(.*)\]$/, '$1'), port: Number(port) };
  throw new PilotlightError('config_invalid', 'a Redis node must look like host:6379');
}

type ServerOptions = RedisOptions & { replyMapping: 'legacy' };

/** The options every connection has, to whatever server. */
function serverOptions({ role, username, commandTimeoutMs = 2_000 }: RoleOptions): ServerOptions {
  return {
    connectionName: `pilotlight-${role}`,
    replyMapping: 'legacy',
    connectTimeout: 5_000,
    keepAlive: 10_000,
    socketTimeout: socketTimeoutMs[role],
    retryStrategy: retryMs,
    // After a failover behind one name we may still speak to the old primary: connect anew and ask again.
    reconnectOnError: (error) => (error.message.startsWith('READONLY') ? 2 : false),
    ...(role === 'workers'
      ? { maxRetriesPerRequest: null }
      : {
          commandTimeout: commandTimeoutMs,
          maxRetriesPerRequest: 1,
          enableOfflineQueue: false,
          autoResendUnfulfilledCommands: false,
          // Many small scripts run side by side: one write for all that were asked for in the same turn.
          enableAutoPipelining: role === 'commands',
        }),
    ...(username === undefined ? {} : { username }),
  };
}

function sentinelOptions(
  { name, nodes, username, tls, database }: Extract<RedisPlace, { sentinel: unknown }>['sentinel'],
  role: RoleOptions,
  secrets: RedisSecrets,
): ServerOptions {
  return {
    ...serverOptions(role),
    ...secretOptions(secrets, tls === true),
    name,
    sentinels: nodes.map(hostAndPort),
    sentinelRetryStrategy: retryMs,
    sentinelCommandTimeout: 2_000,
    enableTLSForSentinelMode: secrets.tls !== undefined,
    ...(username === undefined ? {} : { sentinelUsername: username }),
    ...(database === undefined ? {} : { db: database }),
  };
}

function clusterOptions(role: RoleOptions, secrets: RedisSecrets) {
  const { retryStrategy, enableOfflineQueue, enableAutoPipelining, ...server } = serverOptions(role);
  return {
    // Names are looked up anew by each connection, and stand as they are for the certificate to be checked against.
    dnsLookup: ((address, found) => found(null, address)) satisfies ClusterOptions['dnsLookup'],
    clusterRetryStrategy: retryMs,
    // As long as a server may take to answer anything else.
    slotsRefreshTimeout: 2_000,
    enableOfflineQueue: enableOfflineQueue ?? true,
    enableAutoPipelining: enableAutoPipelining ?? false,
    redisOptions: { ...server, ...secretOptions(secrets) },
  };
}

export type SecretOptions = Pick<RedisOptions, 'password' | 'sentinelPassword' | 'tls' | 'sentinelTLS'>;

/** What secrets come to in ioredis's options: read once when a client is made, and again whenever it connects. */
export function secretOptions({ password, sentinelPassword, tls }: RedisSecrets, sentinelTls = false): SecretOptions {
  return {
    ...(password === undefined ? {} : { password: password.reveal() }),
    ...(sentinelPassword === undefined ? {} : { sentinelPassword: sentinelPassword.reveal() }),
    ...(tls === undefined ? {} : { tls: tlsOptions(tls) }),
    ...(sentinelTls ? { sentinelTLS: tlsOptions(tls ?? {}) } : {}),
  };
}

function tlsOptions({ ca, cert, key, servername }: RedisTls): NonNullable<RedisOptions['tls']> {
  return {
    minVersion: 'TLSv1.2',
    ...(ca !== undefined ? { ca } : {}),
    ...(cert !== undefined ? { cert } : {}),
    ...(key !== undefined ? { key: key.reveal() } : {}),
    ...(servername !== undefined ? { servername } : {}),
  };
}
