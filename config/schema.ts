/**
 * Everything `pilotlight.yaml` may say: fields, types, ranges and defaults. Rules between fields are in
 * `contradictions.ts`, what is derived from other fields (paths, the store's kind) in `derive.ts`.
 *
 * Durations are written with their unit (`90s`, `30d`, `PT1H`) and are milliseconds once loaded. No field can hold a
 * token, password or client secret: a file says where a secret is, never what it is.
 */
import { z } from 'zod';
import { cronExpression } from './cron.ts';
import { duration } from './duration.ts';
import { alerts, login, reconsent } from './schema-alerts.ts';
import { audit } from './schema-audit.ts';
import { redis } from './schema-redis.ts';
import { fields, loopbackHttp, path, secretName, store, variable } from './schema-store.ts';
import { tracing } from './schema-tracing.ts';

const host = z.string().regex(/^[A-Za-z0-9.:-]{1,253}$/, 'must be a host name or an address');
const share = z.number().gt(0, 'must be above 0').lt(1, 'must be below 1');
const count = (max: number) => z.int().min(1).max(max);

/** What is kept alive: the grant alone, or the access token as well. */
export const keep = z.enum(['refresh-token', 'access-token']);
export type Keep = z.infer<typeof keep>;

const client = z.strictObject({
  /** The one provider this client may be used at; any where absent. */
  provider: z.string().optional(),
  /** Name of the secret in the store that holds client_id, client_secret and, while it is rotated, previous_client_secret. */
  secret: secretName.optional(),
  /** The client id itself (it is no secret), or the variable that holds it. */
  clientId: z.string().min(1).max(512).optional(),
  clientIdEnv: variable.optional(),
  /** Variable that holds the client secret. */
  clientSecretEnv: variable.optional(),
  /** Variable that holds the secret before it, for the time of a rotation; may be unset. */
  previousClientSecretEnv: variable.optional(),
});
export type ClientSource = z.infer<typeof client>;

/** Six-field cron expressions (second first), in UTC. A lost or doubled tick is harmless; seldom ticks only cost delay. */
const schedule = z.strictObject({
  /** Moves what is due into the queues. */
  sweep: cronExpression.default('*/10 * * * * *'),
  /** Pages through the store; finds new, changed and deleted connections. */
  inventory: cronExpression.default('0 */5 * * * *'),
  /** Finishes spool records whose answer has not reached the store. */
  recover: cronExpression.default('*/30 * * * * *'),
});

const rotation = z.strictObject({
  /** Longest a token request may take. Long on purpose: an abandoned answer may hold the only live token. */
  requestLimit: duration({ min: '5s', max: '10m' }).prefault('90s'),
  /** Longest connecting to the token endpoint may take; nothing has been spent by then. */
  connectLimit: duration({ min: '100ms', max: '1m' }).prefault('5s'),
  /** How long a rotation itself tries to write the new token; after that recovery goes on for as long as it takes. */
  writeLimit: duration({ min: '5s', max: '10m' }).prefault('60s'),
  /** Exclusive right to one connection. Longer survives slower rotations; shorter is free sooner after a crash. */
  lease: duration({ min: '15s', max: '30m' }).prefault('200s'),
  /** After a POST nobody but recovery and confirmation may spend again for this long. */
  coolDown: duration({ min: '1m', max: '6h' }).prefault('10m'),
  /** Least time between two sightings of a refused token before it is believed dead. */
  confirmAfter: duration({ min: '15m', max: '1d' }).prefault('15m'),
  /** How often one connection tests a client the provider refuses. */
  probeEvery: duration({ min: '1m', max: '1d' }).prefault('5m'),
  /** A connection this near its death is tried even while its client is refused. */
  urgentWithin: duration({ min: '1h', max: '14d' }).prefault('1d'),
  /** Distinct connections refused with no success between, that make the client the suspect. One would let a single customer stop all. */
  breakerThreshold: z.int().min(2).max(100).default(3),
  /** Rotations at once, for each provider in each worker. */
  concurrency: count(200).default(32),
  /** Jobs waiting in a provider's queue. Deeper hides the nearest deadlines behind jobs queued before them. */
  queueDepth: count(10_000).default(300),
  /** How long stopping waits for rotations under way. Keep the pod's grace period above it. */
  drainLimit: duration({ min: '10s', max: '1h' }).prefault('170s'),
  /** Wait after a failure that passes: doubles from first to max, with jitter. */
  retry: z
    .strictObject({
      first: duration({ min: '1s', max: '1d' }).prefault('1m'),
      max: duration({ min: '1s', max: '1d' }).prefault('1h'),
    })
    .prefault({}),
});

const warnAt = z.strictObject({ left: duration().prefault('14d'), share: share.default(0.3) });
const pageAt = z.strictObject({ left: duration().prefault('3d'), share: share.default(0.1) });
const marks = z
  .array(duration())
  .min(1)
  .transform((all) => [...new Set(all)].sort((a, b) => b - a));

/** How much time left is told to on-call: the smaller of `left` and `share` of the life. */
const thresholds = z.strictObject({
  warn: warnAt.prefault({}),
  page: pageAt.prefault({}),
  /** Marks before the end of an absolute life; those in its second half count. */
  absolute: marks.prefault(['30d', '14d', '7d', '3d', '1d']),
  /** Others for a provider, by its name. */
  providers: z
    .record(
      z.string(),
      z.strictObject({ warn: warnAt.optional(), page: pageAt.optional(), absolute: marks.optional() }),
    )
    .default({}),
});

const spool = z.strictObject({
  /** Sealed answers on their way to the store; must outlive the process. `<dataDir>/spool` where absent. */
  directory: path.optional(),
  keys: z
    .strictObject({
      /** Ring of sealing keys, one file each; `<dataDir>/keys` where absent. In Kubernetes a mounted Secret shared by all pods. */
      directory: path.optional(),
      /** Id of the key that seals; needed as soon as the ring holds several. Add a key, roll out, then name it here. */
      sealWith: z
        .string()
        .regex(/^[A-Za-z0-9._-]{1,64}$/, 'must be the name of a key file without .key')
        .optional(),
    })
    .prefault({}),
  /** Key of the fingerprints; never rotated, shared by all pods. `<dataDir>/fingerprint.key` where absent. */
  fingerprintKeyFile: path.optional(),
  /** Bytes written ahead for one answer. A longer answer is kept whole all the same, at the price of new disk blocks. */
  answerBytes: z.int().min(4_096).max(1_048_576).default(16_384),
  /** A worker with so many answers still to be written to the store spends no further token until they are. */
  unwrittenMax: z.int().min(1).max(100_000).default(200),
});

const web = z
  .strictObject({
    /** Address listened on. Kubernetes probes need 0.0.0.0. */
    host: host.default('127.0.0.1'),
    /** TCP port; 0 takes a free one. */
    port: z.int().min(0).max(65_535).default(8080),
    /** Probes and /metrics on a port of their own, and on no other; with the pages on `port` where absent. */
    healthPort: z.int().min(0).max(65_535).optional(),
    /** Name so many of the nearest deadlines in /metrics, each by its connection: names of customers become labels. */
    metrics: z.strictObject({ nearest: z.int().min(0).max(100).default(0) }).prefault({}),
    /** Serve the operator's pages, read-only, without a login; absent: only where host is loopback. */
    statusPage: z.boolean().optional(),
    /** Serve them to whoever has the token, on any address. */
    login: login.optional(),
  })
  .refine(({ port, healthPort = 0 }) => healthPort === 0 || healthPort !== port, {
    path: ['healthPort'],
    error: 'must be another port than web.port',
  });

export const configSchema = z.strictObject({
  /** Names this installation and is bound into sealed records, so that staging never opens production's. */
  environment: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,31}$/, 'must be lower-case letters, digits and dashes, 32 at most')
    .default('production'),
  /** What this process does: schedule, refresh, or both. */
  role: z.enum(['all', 'scheduler', 'worker']).default('all'),
  /** Where everything kept on disk is, unless said otherwise below. Relative paths start at the working directory. */
  dataDir: path.default('.pilotlight'),
  /** `store: aws` may be written for `store: { kind: aws }`. */
  store: store.prefault({}),
  fields: fields.prefault({}),
  clients: z
    .record(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'must be letters, digits and ._-'), client)
    .default({}),
  /** Changes to the providers' files, or whole new providers; checked with the provider schema once merged. */
  providers: z.record(z.string(), z.record(z.string(), z.unknown())).default({}),
  /** Folder with further provider files; merged over the shipped ones of the same name. */
  providersDir: path.optional(),
  /** What is kept alive; `providers.<name>.keep` differs from it. access-token costs many more refreshes. */
  keep: keep.default('refresh-token'),
  redis: redis.prefault({}),
  schedule: schedule.prefault({}),
  rotation: rotation.prefault({}),
  thresholds: thresholds.prefault({}),
  spool: spool.prefault({}),
  web: web.prefault({}),
  alerts: alerts.prefault({}),
  reconsent: reconsent.prefault({}),
  log: z.strictObject({ level: z.enum(['debug', 'info', 'warn', 'error']).default('info') }).prefault({}),
  audit: audit.prefault({}),
  /** OpenTelemetry traces from the tick to the write-back; off where no endpoint is said. */
  tracing: tracing.prefault({}),
  /** Tests and the demo: every token request goes to this loopback address instead of the provider. Refused in Kubernetes. */
  sandbox: z
    .strictObject({
      connectTo: z.string().regex(loopbackHttp, 'must be http:// on loopback, like http://127.0.0.1:9000'),
    })
    .optional(),
});
/** A loaded file before paths are derived and providers resolved. */
export type ParsedConfig = z.output<typeof configSchema>;
