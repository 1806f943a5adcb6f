/** /metrics of the real app: cheap, shared by those who ask at once, and answered whatever Redis does. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { App } from '../../src/app.ts';
import { type Rig, startRig } from '../support/rig.ts';

let rig: Rig;
let app: App;

beforeAll(async () => {
  rig = await startRig();
  app = await rig.start();
  await app.settled;
});
afterAll(() => rig.stop());

async function scrape(): Promise<{ readonly status: number; readonly body: string; readonly ms: number }> {
  const from = performance.now();
  const answer = await fetch(new URL('metrics', app.healthUrl), { headers: { connection: 'close' } });
  return { status: answer.status, body: await answer.text(), ms: performance.now() - from };
}

const pings = async () => Number(/cmdstat_ping:calls=(\d+)/.exec(await rig.redis.redis.info('commandstats'))?.[1] ?? 0);

it('shows what the process does, its queues and what it ran', async () => {
  const { status, body } = await scrape();
  expect(status).toBe(200);
  for (const line of [
    'pilotlight_redis_up 1',
    'pilotlight_role{role="scheduler"} 1',
    'pilotlight_role{role="worker"} 1',
    'pilotlight_queue_jobs{queue="docusign",state="waiting"} 0',
    'pilotlight_ready_connections 0',
  ])
    expect(body).toContain(`\n${line}\n`);
  expect(body).toMatch(/^pilotlight_cron_runs_total\{cron_job="inventory",result="ok"\} [1-9]/m);
  expect(body).not.toContain('connection="');
});

it('asks Redis once for many who scrape at once', async () => {
  const before = await pings();
  const all = await Promise.all(Array.from({ length: 20 }, scrape));
  expect(all.every(({ status }) => status === 200)).toBe(true);
  // Readiness is asked by nobody here; what is beyond a few would be one for each.
  expect((await pings()) - before).toBeLessThan(15);
});

it('answers quickly while Redis hangs, and shows nothing it cannot know', async () => {
  process.kill(rig.redis.pid, 'SIGSTOP');
  try {
    const { status, body, ms } = await scrape();
    expect(status).toBe(200);
    expect(ms).toBeLessThan(5_000);
    expect(body).toContain('\npilotlight_redis_up 0\n');
    expect(body).toContain('\npilotlight_spool_records{state="answered"} 0\n');
    expect(body).not.toMatch(/^pilotlight_(?:queue|ready)_\w+(?:\{.*\})? /m);
  } finally {
    process.kill(rig.redis.pid, 'SIGCONT');
  }
  await expect.poll(async () => (await scrape()).body, { timeout: 30_000 }).toContain('\npilotlight_redis_up 1\n');
  expect((await scrape()).body).toContain('\npilotlight_queue_jobs{queue="docusign",state="waiting"} 0\n');
});
