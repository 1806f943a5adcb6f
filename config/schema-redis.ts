/**
 * Where Redis is and how it is reached: the `redis` section. Which of its settings exclude each other is in
 * `redis-rules.ts`. It says where a password lies, never what it is.
 */
import { z } from 'zod';
import { path } from './schema-store.ts';

const host = z.string().regex(/^[A-Za-z0-9.:-]{1,253}$/, 'must be a host name or an address');
const user = z.string().regex(/^[^\s:@/]{1,128}$/, 'must be the name of a Redis user');

const node = z
  .string()
  .regex(/^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]{1,253}):\d{1,5}$/, 'must be host:port, like redis-0.redis:6379')
  .refine((text) => {
    const [, port] = /:(\d+)$/.exec(text) ?? [];
    return port === undefined || (Number(port) >= 1 && Number(port) <= 65_535);
  }, 'must end in a port from 1 to 65535');
const nodes = z.array(node).min(1).max(100);

export const redis = z.strictObject({
  /** redis:// or rediss://, without a password (REDIS_URL may hold one). Absent: a private Redis is started; not in Kubernetes. */
  url: z
    .string()
    .regex(/^rediss?:\/\/[^\s]+$/, 'must be a redis:// or rediss:// URL')
    .refine((text) => URL.canParse(text), 'is not a URL')
    // Whatever stands there becomes an option of the client, a password too, and would be printed.
    .refine((text) => /^[^?]*(?:\?family=[046])?$/.test(text), 'may have no parameter but family')
    .optional(),
  /** A Redis Cluster, instead of a URL: some of its nodes, the others are found. */
  cluster: z.strictObject({ nodes }).optional(),
  /** Sentinels that know the primary, instead of a URL. */
  sentinel: z
    .strictObject({
      /** Name the Sentinels know it by (`sentinel monitor <name>`). */
      name: z.string().regex(/^[A-Za-z0-9._-]{1,128}$/, 'must be the name the Sentinels know the primary by'),
      nodes,
      /** User and password of the Sentinels themselves, where they ask for one. */
      username: user.optional(),
      passwordFile: path.optional(),
      /** The Sentinels speak TLS too, by the same certificates. */
      tls: z.boolean().default(false),
    })
    .optional(),
  /** Number of the database, for Sentinel only; a URL has it in its path, a Cluster has one. */
  database: z.int().min(0).max(9_999).optional(),
  /** ACL user, where the URL names none. */
  username: user.optional(),
  /** File with the password, read again whenever a connection is made. */
  passwordFile: path.optional(),
  /** For rediss://, Cluster and Sentinel. Files in PEM, read again like the password; the system's authorities where caFile is absent. */
  tls: z
    .strictObject({
      /** false: no TLS, whatever else stands here. */
      enabled: z.boolean().optional(),
      caFile: path.optional(),
      certFile: path.optional(),
      keyFile: path.optional(),
      serverName: host.optional(),
    })
    .optional(),
  /** Beginning of every key. The braces are Redis Cluster's hash tag: all keys stay in one slot. */
  prefix: z
    .string()
    .regex(/^\{[A-Za-z0-9_-]{1,32}\}[A-Za-z0-9_:-]{0,32}$/, 'must begin with a hash tag in braces, like {pilotlight}')
    .default('{pilotlight}'),
});
