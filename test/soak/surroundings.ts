/**
 * Everything around the service: Redis, the store's double, the providers' sandbox and a receiver of alerts, all on loopback
 * and in the harness's own process, whose memory is nobody's concern.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Closers } from '../../src/runtime/closers.ts';
import type { Random } from '../../src/runtime/random.ts';
import { createProviderSandbox, type ProviderSandbox } from '../../src/sandbox/providers/sandbox.ts';
import { createSecretsManagerDouble, type SecretsManagerDouble } from '../../src/sandbox/secrets-manager/double.ts';
import { awsQuotas } from '../../src/sandbox/secrets-manager/quotas.ts';
import { startTestRedis, type TestRedis } from '../support/redis.ts';
import type { SharedCalendar } from './calendar.ts';

export interface AlertReceiver {
  readonly url: string;
  /** Notices taken, by what they say happened. */
  readonly taken: ReadonlyMap<string, number>;
  /** Connections a person was told to act for because their token is in doubt, and that incident has not ended. */
  readonly inDoubt: ReadonlySet<string>;
  refused(): number;
  /** Answers 503 from now on, or no more. */
  refuse(wanted: boolean): void;
}

export interface Surroundings {
  readonly redis: TestRedis;
  readonly double: SecretsManagerDouble;
  readonly sandbox: ProviderSandbox;
  readonly storeUrl: string;
  readonly providersUrl: string;
  readonly alerts: AlertReceiver;
  /** Cuts every connection of Redis but our own; answers how many. */
  cutRedis(): Promise<number>;
  /** FLUSHALL; answers how many keys there were. */
  flushRedis(): Promise<number>;
}

/** How far ListSecrets lags behind, ms of the calendar; AWS says up to five minutes. */
const listLagMs = 300_000;
/** Real time a provider takes to answer. */
const latencyMs = 15;

export async function openSurroundings(
  calendar: SharedCalendar,
  random: Random,
  closers: Closers,
): Promise<Surroundings> {
  const redis = await startTestRedis();
  closers.push('Redis', () => redis.stop());
  await ageEpoch(redis);
  const sandbox = createProviderSandbox({ clock: calendar, random, latencyMs });
  const double = createSecretsManagerDouble({ clock: calendar, random, quotas: awsQuotas, listLagMs });
  const providers = await sandbox.start();
  closers.push('providers', () => sandbox.stop());
  const store = await double.start();
  closers.push('store', () => double.stop());
  const alerts = await startAlertReceiver(closers);
  const around = { redis, double, sandbox, alerts, storeUrl: store.url, providersUrl: providers.url.href };
  return {
    ...around,
    cutRedis: async () => Number(await redis.redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')),
    async flushRedis() {
      const keys = await redis.redis.dbsize();
      await redis.flush();
      return keys;
    },
  };
}

/** A Redis that is new gives no lease for the length of one: the soak does not wait for that. */
async function ageEpoch({ redis }: TestRedis): Promise<void> {
  const runId = /run_id:(\w+)/.exec(await redis.info('server'))?.[1] ?? '';
  await redis.hset('{pilotlight}:epoch', runId, '1');
}

async function startAlertReceiver(closers: Closers): Promise<AlertReceiver> {
  const taken = new Map<string, number>();
  const inDoubt = new Set<string>();
  let refusing = false;
  let refused = 0;
  const server = createServer(async (request, response) => {
    response.on('error', () => {});
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk;
    if (refusing) refused += 1;
    else {
      const { event, kind, connection } = noticeIn(body);
      taken.set(event, (taken.get(event) ?? 0) + 1);
      if (kind === 'token_in_doubt' && connection !== undefined) {
        if (event === 'incident.resolved') inDoubt.delete(connection);
        else inDoubt.add(connection);
      }
    }
    response.writeHead(refusing ? 503 : 204).end();
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  closers.push('receiver of alerts', () => {
    server.close();
    server.closeAllConnections();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/alerts`,
    taken,
    inDoubt,
    refused: () => refused,
    refuse(wanted) {
      refusing = wanted;
    },
  };
}

function noticeIn(body: string): { readonly event: string; readonly kind?: string; readonly connection?: string } {
  try {
    const { type, data } = JSON.parse(body) as { type?: unknown; data?: { kind?: string; connection?: string } };
    return { event: String(type ?? 'unknown'), ...data };
  } catch {
    return { event: 'unreadable' };
  }
}
