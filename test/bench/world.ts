/**
 * A process of its own for everything outside the service: the Secrets Manager double and the providers' sandbox. It is
 * seeded and asked over the channel, so that the service meets it over HTTP only.
 */
import { systemClock } from '../../src/runtime/clock.ts';
import { seededRandom } from '../../src/runtime/random.ts';
import { createProviderSandbox } from '../../src/sandbox/providers/sandbox.ts';
import { createSecretsManagerDouble, type SecretsManagerDouble } from '../../src/sandbox/secrets-manager/double.ts';
import { cpuMs, inputOf, serve } from './child.ts';
import {
  benchClient,
  clientSecretName,
  connectionId,
  documentOf,
  managedTags,
  provider,
  refreshedDaysAgo,
  versionId,
} from './connections.ts';

export interface WorldInput {
  /** Real milliseconds every answer of a token endpoint takes at least. */
  readonly providerLatencyMs: number;
  /** Writes per second the double allows; absent: as many as come. */
  readonly writeQuota?: number;
}

export interface WorldHello {
  readonly storeUrl: string;
  readonly providerUrl: string;
}

export interface Seed {
  readonly kind: string;
  readonly count: number;
  /** False: present in the store, and no business of the service. */
  readonly managed: boolean;
}

/** Connections of a kind, by their numbers. */
export interface Range {
  readonly kind: string;
  readonly from: number;
  readonly count: number;
}

export interface WorldCounts {
  readonly listRequests: number;
  readonly valueReads: number;
  readonly writes: number;
  readonly writesThrottled: number;
  /** Tokens spent more than once. */
  readonly doubleSpends: number;
  /** Refresh tokens shown to the provider. */
  readonly tokensShown: number;
  readonly cpuMs: number;
  /** Monotonic instant of the count, ms. */
  readonly atMs: number;
}

const input = inputOf<WorldInput>();
const clock = systemClock();
const random = seededRandom(1);
const double = createSecretsManagerDouble({
  clock,
  random,
  quotas: input.writeQuota === undefined ? {} : { write: input.writeQuota },
});
const sandbox = createProviderSandbox({ clock, random, latencyMs: input.providerLatencyMs });
double.secrets.create(
  clientSecretName,
  JSON.stringify({ client_id: benchClient.clientId, client_secret: benchClient.clientSecret }),
);

/** Connections that are due: consented at the sandbox, stored as the application would, refreshed by us before. */
function seedDue({ kind, count, managed }: Seed): void {
  const refreshedAt = clock.now() - refreshedDaysAgo * 86_400_000;
  for (let number = 0; number < count; number++) {
    const connection = connectionId(kind, number);
    const consent = { provider, connection, client: benchClient, scope: 'signature extended', refreshedAt };
    const held = sandbox.grants.create({ ...consent, consentedAt: refreshedAt - 90 * 86_400_000 });
    const version = versionId(number);
    const value = JSON.stringify(documentOf(held, version));
    const tags = managed ? { tags: managedTags } : {};
    double.secrets.seed([{ name: connection, value, versionId: version, createdAt: refreshedAt, ...tags }]);
  }
}

/** Secrets nobody reads: their values are made when asked for, and the bench fails if any is. */
function seedUnchanged({ kind, count }: Seed): void {
  function* secrets() {
    for (let number = 0; number < count; number++)
      yield { name: connectionId(kind, number), value: () => '{}', versionId: versionId(number), tags: managedTags };
  }
  double.secrets.seed(secrets());
}

function counts(of: SecretsManagerDouble): WorldCounts {
  const writes = [of.requests('PutSecretValue'), of.requests('UpdateSecretVersionStage')];
  return {
    listRequests: of.requests('ListSecrets').received,
    valueReads: of.requests('BatchGetSecretValue').received + of.requests('GetSecretValue').received,
    writes: writes.reduce((sum, { succeeded }) => sum + succeeded, 0),
    writesThrottled: writes.reduce((sum, { throttled }) => sum + throttled, 0),
    doubleSpends: sandbox.oracle.doubleSpends().length,
    tokensShown: sandbox.oracle.presentations().length,
    cpuMs: cpuMs(),
    atMs: clock.monotonic(),
  };
}

const ordered = new Map<string, () => void>();

/** A fault for as long as it is wanted. */
function switchFault(name: string, wanted: boolean, order: () => () => void): void {
  ordered.get(name)?.();
  ordered.delete(name);
  if (wanted) ordered.set(name, order());
}

/** The store takes no write. */
const refuseWrites = (wanted: boolean) =>
  switchFault('store', wanted, () => {
    const what = { error: 'InternalServiceError', status: 500 };
    return double.faults.add({ op: ['PutSecretValue', 'UpdateSecretVersionStage'], times: Infinity, what }).remove;
  });

/** Token requests are taken and neither answered nor acted upon. */
const hangRequests = (wanted: boolean) =>
  switchFault('provider', wanted, () => sandbox.faults.inject({ kind: 'hang', when: 'before' }).lift);

/** How many of these hold their live token in a version written since they were seeded. */
function renewed({ kind, from, count }: Range): number {
  const isRenewed = (number: number) => {
    const id = connectionId(kind, number);
    const current = double.secrets.current(id);
    if (current === undefined || current.versionId === versionId(number)) return false;
    const { refresh_token } = JSON.parse(String(current.value)) as { refresh_token: string };
    return refresh_token === sandbox.oracle.liveToken(id);
  };
  return Array.from({ length: count }, (_, place) => from + place).filter(isRenewed).length;
}

const store = await double.start();
const endpoints = await sandbox.start();
const hello: WorldHello = { storeUrl: store.url, providerUrl: endpoints.url.href };
const answers = { seedDue, seedUnchanged, refuseWrites, hangRequests, renewed, counts: () => counts(double) };
serve(hello, answers, async () => {
  await double.stop();
  await sandbox.stop();
});
