/**
 * A whole rotation in memory: the real protocol, spool, reader, logger, metrics and audit over simulated Redis, disk and
 * store that do at once what they are told. What the provider answers is given. Everything anybody could see is collected.
 */
import { inspect } from 'node:util';
import { createTokenEndpoint } from '../../../src/oauth/token-endpoint.ts';
import { account } from '../../../src/rotation/account.ts';
import type { RotationPorts } from '../../../src/rotation/attempt.ts';
import type { RotationReport } from '../../../src/rotation/outcome.ts';
import type { Exchange } from '../../../src/rotation/ports.ts';
import { recover } from '../../../src/rotation/recover.ts';
import { rotate } from '../../../src/rotation/rotate.ts';
import { createStoreTrust } from '../../../src/rotation/store-trust.ts';
import type { Clock } from '../../../src/runtime/clock.ts';
import { seededRandom } from '../../../src/runtime/random.ts';
import { Secret } from '../../../src/runtime/secret.ts';
import { openDiskSpool } from '../../../src/spool/disk.ts';
import { type MirroredSpool, mirroredSpool } from '../../../src/spool/mirrored.ts';
import { createAudit } from '../../../src/telemetry/audit.ts';
import { createLogger } from '../../../src/telemetry/log.ts';
import { createMetrics } from '../../../src/telemetry/metrics.ts';
import { createObserver } from '../../../src/telemetry/observe.ts';
import type { Calls } from '../sim/call.ts';
import { createSimDisk } from '../sim/files.ts';
import { createSimRedis } from '../sim/redis.ts';
import { createSimStore } from '../sim/store.ts';
import { config, nameOf, rules, settings } from './install.ts';

/** When everything happens. */
export const nowAt = Date.UTC(2026, 10, 20, 8);
const connection = 'customers/1';
const versionOld = '00000000-0000-4000-8000-000000000001';
const keyring = { sealWith: 'k', keys: new Map([['k', Buffer.alloc(32, 3)]]) };
const atOnce: Calls = async ({ effect }) => effect();

/** One for all: making its hundred series costs more than a rotation. Nothing of an input may become a label. */
export const metrics = createMetrics({
  providers: Object.keys(config.providers),
  queues: Object.keys(config.providers),
  build: { version: '0', commit: 'fuzz', node: '24' },
  runtimeMetrics: false,
});

/** Reads and prepares; it sends nothing and keeps nothing. */
const endpoint = createTokenEndpoint({ clock: clockOf(), random: seededRandom(1) });

/** Pauses of the protocol's own are over at once; limits of minutes are never reached. */
function clockOf(): Clock {
  let monotonic = 1_000_000;
  return {
    now: () => nowAt,
    monotonic: () => (monotonic += 0.01),
    sleep: (ms, signal) =>
      new Promise((wake, fail) => {
        if (signal?.aborted) return fail(signal.reason);
        signal?.addEventListener('abort', () => fail(signal.reason), { once: true });
        if (ms > 10_000) return;
        monotonic += ms;
        wake();
      }),
  };
}

export interface FuzzWorld {
  /** One refresh job; the provider answers with what was given. */
  rotate(exchange: Exchange, clientSecret: string): Promise<RotationReport>;
  /** A new life of the worker on the same disk finishes what is open. */
  recover(): Promise<readonly RotationReport[]>;
  /** Text under AWSCURRENT now. */
  current(): string;
  tags(): Readonly<Record<string, string>>;
  /** Bodies of every answer that is sealed on the disk, opened by a life that knows nothing else. */
  sealedBodies(): Promise<readonly Buffer[]>;
  /** Everything that was shown or lies open: logs, audit, reports, index, clients, tags. */
  shown(): string;
  /** Disk and mirror, byte for byte. */
  sealed(): string;
}

export async function openWorld(document: string | Buffer): Promise<FuzzWorld> {
  const clock = clockOf();
  const random = seededRandom(1);
  const disk = createSimDisk();
  const redis = createSimRedis({ monotonic: clock.monotonic, leaseMs: settings.leaseMs });
  redis.grownUp();
  const store = createSimStore({ now: clock.now, monotonic: clock.monotonic });
  store.create(nameOf(connection), versionOld, document, { 'pilotlight:managed': 'true' });
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line);
  const log = createLogger({ level: 'debug', destination: { write }, clock });
  const observe = createObserver(metrics, createAudit({ write, clock }), clock.now);
  let answered: Exchange | undefined;
  let secret = '';
  let lives = 0;

  async function life(): Promise<{ readonly ports: RotationPorts; readonly spool: MirroredSpool }> {
    lives += 1;
    const bound = redis.bind(atOnce, clock, `life ${lives}`);
    const own = await openDiskSpool({
      files: disk.bind(atOnce),
      keyring,
      install: 'test',
      answerSpaceBytes: 2_048,
      random,
    });
    const spool = mirroredSpool({ disk: own, mirror: bound.mirror, keyring, install: 'test' });
    const ports: RotationPorts = {
      ...bound,
      clock,
      random,
      store: store.bind(atOnce),
      registry: { credentials: async () => ({ clientId: 'main', clientSecret: new Secret(secret) }), forget() {} },
      endpoint: { ...endpoint, send: async () => answered ?? { kind: 'notSent', label: 'nothing given' } },
      spool,
      rules,
      trust: createStoreTrust(),
      nameOf,
    };
    return { ports, spool };
  }

  const settle = async ({ ports }: { readonly ports: RotationPorts }, report: RotationReport) => {
    await account(report, { index: ports.index, log, observe });
    lines.push(JSON.stringify(report), inspect(report, { depth: 9, showHidden: true }));
    return report;
  };
  const first = await life();
  return {
    async rotate(exchange, clientSecret) {
      answered = exchange;
      secret = clientSecret;
      const report = await rotate(
        { connection, reason: 'manual' },
        first.ports,
        settings,
        new AbortController().signal,
      );
      return settle(first, report);
    },
    async recover() {
      const next = await life();
      const reports: RotationReport[] = [];
      for await (const report of recover(next.ports, settings)) reports.push(await settle(next, report));
      return reports;
    },
    current() {
      const value = store.current(nameOf(connection))?.value;
      if (value === undefined) return '';
      return 'text' in value ? value.text.reveal() : value.binary.toString('utf8');
    },
    tags: () => store.tags(nameOf(connection)),
    async sealedBodies() {
      const { spool } = await life();
      const answeredRecords = spool.all().filter(({ state }) => state === 'answered');
      const found = await Promise.all(answeredRecords.map((record) => record.answer()));
      return found.flatMap((answer) => answer?.body ?? []);
    },
    shown() {
      const entries = [...redis.index.entries.values()].map((entry) => JSON.stringify(entry));
      const clients = JSON.stringify(redis.clients.digest());
      return [...lines, ...entries, clients, JSON.stringify(store.tags(nameOf(connection)))].join('\n');
    },
    sealed() {
      const bytes = [...disk.files.values(), ...redis.mirror.recordsOf(connection).values()];
      return bytes.map((one) => one.toString('latin1')).join('\n');
    },
  };
}
