/**
 * Everything a process or a command speaks to, made from the configuration: store, Redis, token endpoint and the rules a
 * connection is judged by. Whatever is opened here is closed by `closers`, in reverse.
 */
import type { Config } from '../config/derive.ts';
import { parseDuration } from '../config/duration.ts';
import { clientSources } from './client-sources.ts';
import { type Fingerprint, fingerprinter } from './connection/fingerprint.ts';
import type { JudgeRules } from './connection/standing.ts';
import { rulesDigest } from './derive-settings.ts';
import { tokenHost } from './oauth/target.ts';
import { createTokenEndpoint, type OAuthEndpoint } from './oauth/token-endpoint.ts';
import { observedStore } from './observed-store.ts';
import { createClients } from './queue/clients.ts';
import { createDueIndex } from './queue/due-index.ts';
import { createConnectionIndex } from './queue/index.ts';
import { createLamps, type Lamps } from './queue/lamps.ts';
import type { RedisConnection } from './queue/redis.ts';
import type { RedisClient } from './queue/redis-client.ts';
import { createReachable, type Reachable } from './reachable.ts';
import { type ConnectRedis, openRedis } from './redis-parts.ts';
import type { ClientRegistry, Clients, ConnectionIndex, SecretDescription, SecretStore } from './rotation/ports.ts';
import type { Clock } from './runtime/clock.ts';
import type { Closers } from './runtime/closers.ts';
import { PilotlightError } from './runtime/errors.ts';
import { decodeKey, loadKey, loadOrCreateKey } from './runtime/key-file.ts';
import type { Logger } from './runtime/logger.ts';
import type { Machine } from './runtime/machine.ts';
import type { Random } from './runtime/random.ts';
import type { DueIndex } from './schedule/ports.ts';
import { createAwsSecretStore } from './secrets/aws.ts';
import { createClientRegistry } from './secrets/clients.ts';
import { createFileSecretStore } from './secrets/file.ts';
import { type Find, isManaged } from './secrets/find.ts';
import type { SecretImporter } from './secrets/importer.ts';

/** What comes from outside the configuration. Tests and the demo pass their own. */
export interface Deps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly machine: Machine;
  /** REDIS_URL with its password, where one is set. */
  readonly redisUrl: string | undefined;
  readonly inKubernetes: boolean;
  /** Tells the person at the terminal what is about to happen. */
  readonly say: (line: string) => void;
  /** How long a client's credentials are kept in memory, ms of monotonic time. */
  readonly credentialsCacheMs: number;
  /** AWS credentials of a test or the demo; otherwise the SDK's default chain finds them. */
  readonly awsCredentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** Called for every call of the store, for metrics. */
  readonly observeStore: (operation: keyof SecretStore, outcome: string, durationMs: number) => void;
}

export interface Services {
  readonly config: Config;
  readonly deps: Deps;
  readonly store: SecretStore & SecretImporter;
  readonly registry: ClientRegistry;
  readonly endpoint: OAuthEndpoint;
  readonly fingerprint: Fingerprint;
  readonly rules: JudgeRules;
  readonly redis: RedisConnection<RedisClient>;
  readonly connect: ConnectRedis;
  readonly prefix: string;
  readonly index: ConnectionIndex;
  readonly due: DueIndex;
  readonly clients: Clients;
  readonly lamps: Lamps;
  /** Whether store and token endpoints can be reached, told from the calls made of them. */
  readonly reachable: Reachable;
  readonly isManaged: (secret: SecretDescription) => boolean;
  readonly nameOf: (id: string) => string;
  readonly idOf: (name: string) => string | undefined;
}

/** Opens everything. Throws what a part throws, each with its fix; what was opened before is closed by the caller. */
export async function openServices(config: Config, deps: Deps, closers: Closers): Promise<Services> {
  const { clock, random, log, machine } = deps;
  const fingerprintKey = await localKey(config.spool.fingerprintKeyFile, config, deps);
  const fingerprint = fingerprinter(fingerprintKey);
  const reachable = createReachable({ clock, log });
  const store = reachable.watchStore(observedStore(await openStore(config, deps, reachable, closers), deps));
  const connect = await openRedis(config, deps, closers);
  const redis = connect('commands');
  const { prefix } = config.redis;
  const index = createConnectionIndex({ redis: redis.redis, prefix, rules: rulesDigest(config) });
  return {
    config,
    deps,
    store,
    registry: createClientRegistry({
      store,
      clients: clientSources(config, machine.env),
      clock,
      keepMs: deps.credentialsCacheMs,
    }),
    endpoint: reachable.watchEndpoint(
      createTokenEndpoint({
        clock,
        random,
        limits: { connectMs: config.rotation.connectLimit, totalMs: config.rotation.requestLimit },
        ...(config.sandbox === undefined ? {} : { connectTo: new URL(config.sandbox.connectTo) }),
      }),
    ),
    reachable,
    fingerprint,
    rules: rulesOf(config, fingerprint),
    redis,
    connect,
    prefix,
    index,
    due: createDueIndex({ redis: redis.redis, prefix }),
    clients: createClients({ redis: redis.redis, prefix, clock }),
    lamps: createLamps({ redis: redis.redis, prefix }),
    isManaged: ({ name, tags }) => isManaged(findOf(config), name, tags),
    nameOf: (id) => config.store.namePrefix + id,
    idOf: (name) => (name.startsWith(config.store.namePrefix) ? name.slice(config.store.namePrefix.length) : undefined),
  };
}

function rulesOf(config: Config, fingerprint: Fingerprint): JudgeRules {
  return {
    providers: new Map(Object.entries(config.providers)),
    names: config.fields,
    environment: config.environment,
    keepAccessToken: (provider) => config.providers[provider]?.keep === 'access-token',
    fingerprint,
    hostOf(provider, { environment, apiAccessPoint, dataCenter }) {
      const target = tokenHost(provider, environment, {
        ...(apiAccessPoint === undefined ? {} : { apiAccessPoint }),
        ...(dataCenter === undefined ? {} : { dataCenter }),
      });
      return 'host' in target ? target.host : undefined;
    },
    readDuration: parseDuration,
    knowsClient: (client) => Object.hasOwn(config.clients, client),
    providerOf: (client) => config.clients[client]?.provider,
  };
}

/** A key of this machine's own; where several pods share it, it must be there. */
export async function localKey(path: string, config: Config, deps: Deps): Promise<Buffer> {
  if (!deps.inKubernetes) return loadOrCreateKey(path, deps.random);
  const key = await loadKey(path);
  if (key !== undefined) return key;
  throw new PilotlightError(
    'config_invalid',
    `no key at ${path}: mount one that all pods of ${config.environment} share (openssl rand -base64 32)`,
  );
}

/** Which secrets are connections, in the store's words. */
function findOf({ store }: Config): Find {
  const { find } = store;
  return 'tag' in find ? { tagKey: find.tag.key, tagValue: find.tag.value } : { namePrefix: find.prefix };
}

async function openStore(
  config: Config,
  deps: Deps,
  reachable: Reachable,
  closers: Closers,
): Promise<SecretStore & SecretImporter> {
  const { kind, aws, file } = config.store;
  const find = findOf(config);
  if (kind === 'file') {
    const given = deps.machine.env[file.keyEnv];
    const key = given === undefined ? await loadOrCreateKey(file.keyFile, deps.random) : decodeKey(Buffer.from(given));
    if (key === undefined)
      throw new PilotlightError(
        'config_invalid',
        `${file.keyEnv} must hold 32 bytes as base64 or hex (openssl rand -base64 32)`,
      );
    return createFileSecretStore({ root: file.directory, key, clock: deps.clock, random: deps.random, find });
  }
  const store = createAwsSecretStore({
    clock: deps.clock,
    random: deps.random,
    find,
    limits: { connectMs: aws.connectLimit, requestMs: aws.requestLimit },
    onServerDate: (date) => reachable.skew.seen(date),
    ...(deps.awsCredentials === undefined ? {} : { credentials: deps.awsCredentials }),
    ...(aws.region === undefined ? {} : { region: aws.region }),
    ...(aws.endpoint === undefined ? {} : { endpoint: aws.endpoint }),
  });
  closers.push('secret store', () => store.close());
  return store;
}
