/** A Redis that answers and does not do what it is asked: it hangs for a moment, or refuses every write for a while. */
import { expect, test } from 'vitest';
import { refreshJob } from '../../jobs/refresh.ts';
import { createAlertQueue, createAlertWorker } from '../../src/queue/alert-queue.ts';
import { connectRedis } from '../../src/queue/redis.ts';
import { createRefreshQueues } from '../../src/queue/refresh-queues.ts';
import { silentLogger } from '../../src/runtime/logger.ts';
import { dueJob, queueBench } from '../support/queue-bench.ts';

const bench = queueBench();
const { clock, logger } = bench;

const events = (beginning: string) => bench.logged.filter(({ event }) => event.startsWith(beginning));
const configure = (setting: string, value: string) => bench.server.redis.config('SET', setting, value);

/** Scripts run since they were last counted anew. */
async function scriptsRun(): Promise<number> {
  return Number(/cmdstat_evalsha:calls=(\d+)/.exec(await bench.server.redis.info('commandstats'))?.[1] ?? 0);
}

test('a queue first used while Redis hangs works as soon as Redis does', async () => {
  const { url, pid } = bench.server;
  const connection = connectRedis({ url, role: 'queues', logger: silentLogger, clock, commandTimeoutMs: 100 });
  bench.closers.push('connection', () => connection.close());
  await connection.untilReached(5_000);
  const queues = createRefreshQueues({ redis: connection.redis, clock, logger, job: refreshJob });
  bench.closers.push('some queues', () => queues.close());
  const tell = { key: 'k', channel: 'c' } as Parameters<ReturnType<typeof createAlertQueue>['add']>[0][number];
  process.kill(pid, 'SIGSTOP');
  const alerts = createAlertQueue({ redis: connection.redis, logger });
  bench.closers.push('alerts', () => alerts.close());
  try {
    await expect(queues.backlog('docusign')).rejects.toMatchObject({ code: 'redis_unavailable' });
    await expect(alerts.add([tell])).rejects.toMatchObject({ code: 'redis_unavailable' });
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await expect.poll(() => connection.ping()).toBe(true);
  await queues.add('docusign', [dueJob('c1')]);
  expect(await queues.backlog('docusign')).toBe(1);
  await alerts.add([tell]);
});

test.for<[setting: string, refusing: string, usual: string, why: string]>([
  ['maxmemory', '1', '0', 'OOM'],
  ['min-replicas-to-write', '1', '0', 'NOREPLICAS'],
])('refused by %s, workers ask now and then, say it once, and go on when it is over', async ([
  setting,
  refusing,
  usual,
  why,
]) => {
  const done: string[] = [];
  await bench.queues.add('docusign', [dueJob('c1')]);
  try {
    await configure(setting, refusing);
    await bench.work(async ({ connection }) => void done.push(connection));
    await expect
      .poll(() => events('worker.'))
      .toEqual([{ event: 'worker.refused', fields: { provider: 'docusign', why } }]);
    await bench.server.redis.config('RESETSTAT');
    const since = clock.monotonic();
    await expect.poll(scriptsRun, { timeout: 10_000 }).toBeGreaterThan(1);
    expect(clock.monotonic() - since).toBeGreaterThan(500);
  } finally {
    await configure(setting, usual);
  }
  await expect.poll(() => done, { timeout: 10_000 }).toEqual(['c1']);
  expect(events('worker.').map(({ event }) => event)).toEqual(['worker.refused', 'worker.accepted']);
});

test('workers whose commands are refused end at once', async () => {
  const { redis } = await bench.server.connect('workers');
  const deliveries = createAlertWorker({
    redis,
    logger,
    clock,
    deliveryMsMax: 30_000,
    read: () => undefined,
    run: async () => undefined,
  });
  try {
    await configure('min-replicas-to-write', '1');
    deliveries.start();
    const workers = await bench.work(async () => undefined);
    await expect
      .poll(() => events('worker.refused').map(({ fields }) => fields))
      .toEqual(
        expect.arrayContaining([
          { provider: 'docusign', why: 'NOREPLICAS' },
          { queue: 'alerts', why: 'NOREPLICAS' },
        ]),
      );
    const since = clock.monotonic();
    expect(await workers.drain(30_000)).toBe(0);
    await deliveries.close();
    expect(clock.monotonic() - since).toBeLessThan(5_000);
  } finally {
    await configure('min-replicas-to-write', '0');
  }
});
