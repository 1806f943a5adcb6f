/**
 * A Secrets Manager on loopback for the demo, tests and benches: the real wire protocol with AWS's semantics, quotas and
 * lag, so that the real SDK can be pointed at it. It holds everything in memory and reads no clock but the one given.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../../runtime/clock.ts';
import type { Random } from '../../runtime/random.ts';
import type { Context, Write } from './context.ts';
import { createDirect, type DirectSecrets, type SeedSecret } from './direct.ts';
import { createFaults, type Faults } from './faults.ts';
import type { VersionLimits } from './labels.ts';
import { type OperationName, operationNames } from './operations.ts';
import { createQuotaGate, type Quotas } from './quotas.ts';
import { createServe, type RequestCount, type RequestCounts } from './serve.ts';
import { createState, type SecretRecord } from './state.ts';

export interface SecretsManagerDoubleOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly secrets?: Iterable<SeedSecret>;
  /** Requests per second by group; groups not named are free. `awsQuotas` are the real ones. */
  readonly quotas?: Quotas;
  /** How far ListSecrets lags behind, in calendar ms. Default 0; AWS says up to five minutes. */
  readonly listLagMs?: number;
  readonly versionLimits?: Partial<VersionLimits>;
  readonly region?: string;
  readonly account?: string;
  /** How many writes are remembered, newest first to stay. Default 100,000. */
  readonly writesKept?: number;
}

export interface SecretsManagerDouble {
  /** Listens on loopback (port 0: any free one). */
  start(port?: number): Promise<{ readonly url: string }>;
  /** Closes every connection at once, hanging ones included. Secrets stay, and it may be started again. */
  stop(): Promise<void>;
  readonly secrets: DirectSecrets;
  readonly faults: Faults;
  /** Requests that came over HTTP, by operation. */
  requests(op: OperationName): Readonly<RequestCount>;
  /** Requests of all operations together. */
  requestsInAll(): Readonly<RequestCount>;
  resetRequests(): void;
  /** Writes that took effect, oldest first. */
  writes(): readonly Write[];
  setQuotas(quotas: Quotas): void;
}

const versionLimitsOfAws: VersionLimits = { kept: 100, keptForMs: 86_400_000, max: 150 };

function newCounts(): RequestCounts {
  const zero = () => ({ received: 0, succeeded: 0, throttled: 0, failed: 0 });
  return Object.fromEntries(operationNames.map((op) => [op, zero()])) as unknown as RequestCounts;
}

function sum(counts: readonly RequestCount[]): RequestCount {
  const total = { received: 0, succeeded: 0, throttled: 0, failed: 0 };
  for (const count of counts) {
    for (const key of ['received', 'succeeded', 'throttled', 'failed'] as const) total[key] += count[key];
  }
  return total;
}

/** Remembers writes up to twice the limit, then lets the older half go. */
function createWriteLog(clock: Clock, kept: number) {
  let writes: Write[] = [];
  return {
    all: (): readonly Write[] => writes.slice(-kept),
    note(write: Omit<Write, 'at'>) {
      writes.push({ ...write, at: clock.now() });
      if (writes.length >= kept * 2) writes = writes.slice(-kept);
    },
  };
}

function listen(server: Server, port: number): Promise<{ readonly url: string }> {
  return new Promise((done, fail) => {
    server.once('error', fail);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', fail);
      done({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
    });
  });
}

export function createSecretsManagerDouble(options: SecretsManagerDoubleOptions): SecretsManagerDouble {
  const { clock, random } = options;
  const { region = 'eu-central-1', account = '123456789012', listLagMs = 0 } = options;
  const state = createState({ clock, random, region, account, listLagMs });
  const faults = createFaults();
  const quotas = createQuotaGate(clock, options.quotas ?? {});
  const counts = newCounts();
  const log = createWriteLog(clock, options.writesKept ?? 100_000);

  const context = (origin: Write['origin'], stale = false): Context => ({
    state,
    clock,
    random,
    versionLimits: { ...versionLimitsOfAws, ...options.versionLimits },
    faceOf: (secret: SecretRecord) => (stale ? (secret.past.at(-1)?.face ?? secret.face) : secret.face),
    itemFault: (name) => (origin === 'wire' ? faults.fireItem(name) : undefined),
    wrote: (write) => log.note({ ...write, origin }),
  });
  const fresh = context('wire');
  const serve = createServe({
    clock,
    faults,
    quotas,
    counts,
    nameOf: (secretId) => /^arn:[^/]*:secret:(.+)-.{6}$/.exec(secretId)?.[1] ?? secretId,
    context: ({ stale }) => (stale ? context('wire', true) : fresh),
  });
  let server: Server | undefined;
  const secrets = createDirect(state, context('direct'));
  secrets.seed(options.secrets ?? []);

  return {
    secrets,
    faults,
    start(port = 0) {
      server = createServer({ keepAliveTimeout: 60_000 }, serve);
      return listen(server, port);
    },
    async stop() {
      const stopping = server;
      server = undefined;
      faults.clear();
      if (stopping === undefined) return;
      const closed = new Promise((done) => stopping.close(done));
      stopping.closeAllConnections();
      await closed;
    },
    requests: (op) => counts[op],
    requestsInAll: () => sum(Object.values(counts)),
    resetRequests: () => {
      for (const count of Object.values(counts))
        Object.assign(count, { received: 0, succeeded: 0, throttled: 0, failed: 0 });
    },
    writes: () => log.all(),
    setQuotas: (next) => quotas.set(next),
  };
}
