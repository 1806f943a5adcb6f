/**
 * The world of one case: a Redis, a Secrets Manager and the providers of its own, customers whose connections are due, and
 * workers that know of it by a configuration file only. Time is real; the limits are the shortest a file may say.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../src/runtime/clock.ts';
import { createClosers } from '../../../src/runtime/closers.ts';
import { loadOrCreateKey } from '../../../src/runtime/key-file.ts';
import { seededRandom, systemRandom } from '../../../src/runtime/random.ts';
import type { GrantRules } from '../../../src/sandbox/providers/ledger.ts';
import { createProviderSandbox, type ProviderSandbox } from '../../../src/sandbox/providers/sandbox.ts';
import { createSecretsManagerDouble, type SecretsManagerDouble } from '../../../src/sandbox/secrets-manager/double.ts';
import type { Keyring } from '../../../src/spool/keyring.ts';
import { loadKeyring } from '../../../src/spool/keys.ts';
import { documentOf, rigClient } from '../../support/world.ts';
import { type Front, startFront } from './front.ts';
import { type RedisDoor, startRedisDoor } from './redis-door.ts';
import { startWorker, type WorkerProcess } from './worker-process.ts';

const hour = 3_600_000;
const day = 24 * hour;

export interface GrantKind {
  readonly provider: string;
  readonly scope: string;
  readonly rules: Partial<GrantRules>;
  /** A second try after an answer that was lost brings the successor: then nothing may ever be lost. */
  readonly forgives: boolean;
}

const extended = { provider: 'docusign', scope: 'signature extended' };
export const kinds = {
  strict: { ...extended, rules: {}, forgives: false },
  grace: { ...extended, rules: { graceMs: hour }, forgives: true },
  /** A spent token shown again revokes the whole grant. */
  family: { provider: 'oauth2', scope: 'sign', rules: {}, forgives: false },
  familyGrace: { provider: 'oauth2', scope: 'sign', rules: { graceMs: hour }, forgives: true },
  /** The refresh token is never replaced. */
  kept: { provider: 'adobe-acrobat-sign', scope: 'agreement_read', rules: {}, forgives: true },
} as const satisfies Record<string, GrantKind>;
export type KindName = keyof typeof kinds;
export const kindNames = Object.keys(kinds) as readonly KindName[];

/** The shortest that config allows: the request and write limits, and the lease ten seconds above both. */
export const leaseMs = 20_000;
export const requestLimitMs = 5_000;
/** After a request without an answer; longer than the request may take. */
export const secondTryMs = 6_000;

const second = '* * * * * *';
const limits = { perSecond: 1_000 };
const shortLimits = {
  rotation: {
    requestLimit: '5s',
    connectLimit: '1s',
    writeLimit: '5s',
    lease: '20s',
    coolDown: '1m',
    drainLimit: '10s',
    retry: { first: '1s', max: '5s' },
    // Suspicions of ours are many here, and all of one client.
    breakerThreshold: 100,
  },
  schedule: { sweep: second, inventory: second, recover: second },
};

export interface WorkerChoice {
  /** Workers of one name have one disk. */
  readonly name: string;
  readonly role?: 'all' | 'scheduler' | 'worker';
  /** Settings in place of those of the case. */
  readonly rotation?: Readonly<Record<string, unknown>>;
  /** Sections beside those of the case, and variables beside its own. */
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
}

export interface FaultWorld {
  readonly directory: string;
  readonly door: RedisDoor;
  readonly double: SecretsManagerDouble;
  readonly sandbox: ProviderSandbox;
  readonly front: Front;
  readonly keyring: Keyring;
  /** Of every connection, in the order they came. */
  readonly customers: ReadonlyMap<string, KindName>;
  /** Those whose customer or application brought a new token since. */
  readonly renewed: ReadonlySet<string>;
  /** A customer has consented long ago, and the connection is due. */
  connect(connection: string, kind: KindName): void;
  /** The customer consents anew and the application stores it. */
  consentAgain(connection: string): void;
  /** The application refreshes by itself and stores what it got. */
  applicationRefreshes(connection: string): void;
  document(connection: string): Record<string, unknown>;
  spoolOf(name: string): string;
  start(choice: WorkerChoice): WorkerProcess;
  /** Every worker there ever was. */
  readonly workers: readonly WorkerProcess[];
  close(): Promise<void>;
}

export interface WorldChoice {
  /** As production's file would say, nothing shortened. */
  readonly defaults?: boolean;
  readonly seed?: number;
}

export async function createWorld(choice: WorldChoice = {}): Promise<FaultWorld> {
  const closers = createClosers();
  const clock = systemClock();
  const random = seededRandom(choice.seed ?? 1);
  const directory = mkdtempSync(join(tmpdir(), 'pilotlight-processes-'));
  closers.push('directory', () => rmSync(directory, { recursive: true, force: true }));
  const door = await startRedisDoor(directory);
  closers.push('redis', () => door.stop());
  await door.ageEpoch();
  const double = createSecretsManagerDouble({ clock, random });
  const store = await double.start();
  closers.push('double', () => double.stop());
  const sandbox = createProviderSandbox({ clock, random });
  const providers = await sandbox.start();
  closers.push('sandbox', () => sandbox.stop());
  const front = await startFront(providers.url);
  closers.push('front', () => front.stop());
  const { clientId, clientSecret } = rigClient;
  double.secrets.create('clients/rig', JSON.stringify({ client_id: clientId, client_secret: clientSecret }));
  const keys = join(directory, 'keys');
  mkdirSync(keys, { mode: 0o700 });
  const keyring = await loadKeyring({ directory: keys, createFirst: true, random: systemRandom() });
  await loadOrCreateKey(join(directory, 'fingerprint.key'), systemRandom());

  const customers = new Map<string, KindName>();
  const renewed = new Set<string>();
  const workers: WorkerProcess[] = [];
  closers.push('workers', () => Promise.all(workers.map((worker) => worker.kill())));
  const spoolOf = (name: string) => join(directory, name, 'spool');
  const document = (connection: string) =>
    JSON.parse(String(double.secrets.current(connection)?.value)) as Record<string, unknown>;
  const consent = (connection: string, kind: GrantKind, daysAgo: number) => {
    const refreshedAt = clock.now() - daysAgo * day;
    const { provider, scope, rules } = kind;
    const asked = { provider, connection, client: rigClient, scope, rules };
    const held = sandbox.grants.create({ ...asked, consentedAt: refreshedAt - daysAgo * day, refreshedAt });
    return JSON.stringify(documentOf(provider, held));
  };

  function configure({ name, rotation, settings: more }: WorkerChoice): string {
    const shortened = choice.defaults === true ? { rotation: {} } : shortLimits;
    const secondTry = choice.defaults === true ? {} : { secondTry: { after: `${secondTryMs}ms` } };
    const names = [...new Set(Object.values(kinds).map(({ provider }) => provider))];
    const settings = {
      dataDir: join(directory, name),
      store: { kind: 'aws', find: { tag: 'pilotlight:managed=true' }, aws: awsOf(store.url) },
      clients: { rig: { secret: 'clients/rig' } },
      providers: Object.fromEntries(names.map((provider) => [provider, { limits, ...secondTry }])),
      ...shortened,
      rotation: { ...shortened.rotation, ...rotation },
      spool: { keys: { directory: keys }, fingerprintKeyFile: join(directory, 'fingerprint.key') },
      web: { port: 0 },
      log: { level: 'debug' },
      sandbox: { connectTo: front.url },
      ...more,
    };
    const file = join(directory, `${name}.yaml`);
    // JSON is YAML.
    writeFileSync(file, JSON.stringify(settings), { mode: 0o600 });
    return file;
  }

  return {
    directory,
    door,
    double,
    sandbox,
    front,
    keyring,
    customers,
    renewed,
    workers,
    document,
    spoolOf,
    connect(connection, kind) {
      customers.set(connection, kind);
      double.secrets.create(connection, consent(connection, kinds[kind], 25), { 'pilotlight:managed': 'true' });
    },
    consentAgain(connection) {
      const kind = customers.get(connection);
      if (kind !== undefined) double.secrets.put(connection, consent(connection, kinds[kind], 0));
      renewed.add(connection);
    },
    applicationRefreshes(connection) {
      const fresh = sandbox.oracle.applicationRefresh(connection);
      const changed = { refresh_token: fresh.refreshToken, access_token: fresh.accessToken };
      const value = { ...document(connection), ...changed, refreshed_at: new Date(clock.now()).toISOString() };
      double.secrets.put(connection, JSON.stringify(value));
      renewed.add(connection);
    },
    start(which) {
      const env = { REDIS_URL: door.url, AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test-secret-key' };
      const { name, role = 'all' } = which;
      const worker = startWorker({
        name,
        configFile: configure(which),
        spool: spoolOf(name),
        role,
        env: { ...env, ...which.env },
      });
      workers.push(worker);
      return worker;
    },
    close: () => closers.closeAll(),
  };
}

function awsOf(endpoint: string) {
  return { region: 'eu-central-1', endpoint, requestLimit: '2s', writesPerSecond: 50 };
}
