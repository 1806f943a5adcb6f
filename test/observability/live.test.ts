/**
 * Real faults in the real service, and what on-call would hear of each: the alerts that name the cause, no other, and their
 * end after the mend.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually, type LiveStage, setStage } from './live-stage.ts';

let stage: LiveStage;

beforeAll(async () => {
  stage = await setStage();
  for (const role of ['scheduler', 'worker'] as const) await stage.start(role);
});
afterAll(async () => {
  const lines = (stage?.changes() ?? []).map(
    ({ alert, status, atS }) => `${atS.toFixed(1).padStart(7)} s  ${status.padEnd(8)}  ${alert}`,
  );
  process.stdout.write(`\nTold by Alertmanager:\n${lines.join('\n')}\n`);
  await stage?.stop();
}, 60_000);

const someMs = 90_000;

/** Exactly these alerts, from a calm to the next. */
async function told(alerts: readonly string[], fault: () => void | Promise<void>, mend: () => void | Promise<void>) {
  expect(stage.firing()).toEqual([]);
  const before = stage.changes().length;
  await fault();
  const since = () => stage.changes().slice(before);
  const fired = () =>
    [...new Set(since().flatMap(({ alert, status }) => (status === 'firing' ? [alert] : [])))].toSorted();
  await eventually(`${alerts} fire`, () => alerts.every((alert) => fired().includes(alert)), someMs, fired);
  await mend();
  await eventually(
    'all ends',
    () => stage.firing().length === 0,
    someMs,
    () => stage.firing(),
  );
  expect(fired()).toEqual([...alerts].toSorted());
}

/** A connection that is due is refreshed, and what comes back is in the store and settled. */
async function refreshed(connection: string): Promise<void> {
  stage.connect(connection, 'docusign', 20);
  await eventually(
    `${connection} is refreshed`,
    () => stage.isKept(connection) && presented(connection) > 0 && stage.unsettled() === 0,
    someMs,
    () => stage.firing(),
  );
}
const presented = (connection: string) =>
  stage.world.sandbox.oracle.presentations().filter((one) => one.connection === connection).length;

it('an installation that is well fires the watchdog and nothing else', async () => {
  for (const connection of ['customers/a', 'customers/b', 'customers/c']) await refreshed(connection);
  const watchdog = () => stage.changes().some(({ alert, status }) => alert === 'Watchdog' && status === 'firing');
  await eventually('the watchdog fires', watchdog, someMs, () => stage.changes());
  const scraped = await stage.prometheus.value('sum(pilotlight_refresh_attempts_total{outcome="rotated"})');
  expect(scraped).toBeGreaterThanOrEqual(1);
  expect(stage.changes().map(({ alert }) => alert)).toEqual(['Watchdog']);
}, 120_000);

it('a scheduler that hangs: SchedulerStale', async () => {
  await told(
    ['SchedulerStale'],
    () => stage.processes.scheduler?.signal('SIGSTOP'),
    () => stage.processes.scheduler?.signal('SIGCONT'),
  );
}, 200_000);

it('a worker that is gone: WorkerAbsent', async () => {
  await told(
    ['WorkerAbsent'],
    () => stage.kill('worker'),
    () => stage.start('worker'),
  );
  await refreshed('customers/d');
}, 200_000);

it('a store that denies: StoreDenied', async () => {
  const denial = { error: 'AccessDeniedException', status: 400 };
  let fault: ReturnType<typeof stage.world.double.faults.add> | undefined;
  await told(
    ['StoreDenied'],
    () => {
      fault = stage.world.double.faults.add({ op: '*', times: Number.POSITIVE_INFINITY, what: denial });
    },
    () => fault?.remove(),
  );
  expect(fault?.fired()).toBeGreaterThan(0);
  await refreshed('customers/e');
}, 200_000);

it('a store that takes no writes while an answer is under way: SpoolNotEmpty, SpoolStuck, StoreUnwritable', async () => {
  const { world } = stage;
  const connection = 'customers/sealed';
  let fault: ReturnType<typeof world.double.faults.add> | undefined;
  await told(
    ['SpoolNotEmpty', 'SpoolStuck', 'StoreUnwritable'],
    async () => {
      const hold = world.front.hold('committed');
      stage.connect(connection, 'docusign', 20);
      await hold.reached;
      const what = { error: 'InternalServiceError', status: 500 };
      fault = world.double.faults.add({ op: ['PutSecretValue'], times: Number.POSITIVE_INFINITY, what });
      hold.release('go');
    },
    () => {
      expect(stage.isKept(connection)).toBe(false);
      fault?.remove();
    },
  );
  expect(fault?.fired()).toBeGreaterThan(0);
  // What waited is there, and was spent once.
  expect(stage.isKept(connection)).toBe(true);
  expect(presented(connection)).toBe(1);
}, 200_000);

it('a deadline that comes near, and a client that is rejected: DeadlineNear, DeadlineImminent, ClientRejected', async () => {
  const { sandbox } = stage.world;
  const away = sandbox.faults.inject({ kind: 'answer', when: 'before', status: 503 }, { connection: 'customers/near' });
  const wrong = sandbox.faults.inject({ kind: 'wrongSecret' }, { provider: 'oauth2' });
  await told(
    ['ClientRejected', 'DeadlineImminent', 'DeadlineNear'],
    () => {
      stage.connect('customers/near', 'docusign', 28.5);
      stage.connect('customers/rejected', 'oauth2', 20);
    },
    () => {
      away.lift();
      wrong.lift();
    },
  );
  expect(away.fired()).toBeGreaterThan(0);
  expect(wrong.fired()).toBeGreaterThan(0);
  for (const connection of ['customers/near', 'customers/rejected']) expect(stage.isKept(connection)).toBe(true);
}, 300_000);

it('a Redis that is away: RedisDown, and none of what follows from it; /metrics answers all the same', async () => {
  const { door } = stage.world;
  await told(
    ['RedisDown'],
    () => door.shut(),
    async () => {
      const { status, body, ms } = await stage.metricsOf('scheduler');
      expect(status).toBe(200);
      expect(body).toContain('pilotlight_redis_up 0');
      expect(ms).toBeLessThan(5_000);
      door.open();
    },
  );
}, 200_000);

it('no process at all: TargetAbsent, not each of its parts', async () => {
  await told(
    ['TargetAbsent'],
    async () => {
      for (const role of ['scheduler', 'worker'] as const) await stage.kill(role);
    },
    async () => {
      for (const role of ['scheduler', 'worker'] as const) await stage.start(role);
    },
  );
}, 200_000);
