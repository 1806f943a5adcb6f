/**
 * Two versions at once, and a rollback: what the first release keeps is read by today's and gone on with, and what a newer one
 * keeps is neither destroyed by this one nor in its way. See test/support/fixtures/format-1.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Queue } from 'bullmq';
import { afterEach, describe, expect, test } from 'vitest';
import { judge } from '../../src/connection/standing.ts';
import { createAttempts } from '../../src/queue/attempts.ts';
import { createConsentStates } from '../../src/queue/consent-states.ts';
import { createIncidentMemory } from '../../src/queue/incidents.ts';
import { format1, plantRedis, plantSpool, plantStore, withTestKeys } from '../support/format-1.ts';
import { type Rig, startRig } from '../support/rig.ts';
import { type RotationBench, startRotationBench } from '../support/rotation-bench.ts';

let bench: RotationBench | undefined;
let rig: Rig | undefined;
afterEach(async () => {
  await bench?.stop();
  await rig?.stop();
  bench = undefined;
  rig = undefined;
});

const kept = format1();
const soon = { timeout: 30_000, interval: 100 };

/** The install of the first release, met by today's code on the same disk. */
async function meet(): Promise<RotationBench> {
  const made = await startRotationBench({ change: withTestKeys });
  bench = made;
  await plantRedis(made.redis.redis);
  plantStore(made.double);
  plantSpool(made.config);
  made.clock.turn(kept.at - made.clock.now());
  await made.restart('none');
  return made;
}

describe('what format 1 keeps', () => {
  test('of connections is read: every entry, who holds a token, what is due', async () => {
    const { services } = await meet();
    for (const [id, entry] of Object.entries(kept.entries)) {
      // What it was seen by were other rules than ours: inventory judges it anew.
      expect(await services.index.get(id), id).toEqual({ ...entry, seen: expect.any(String) });
      expect(await services.index.holderOf(entry.fingerprint, 'nobody'), id).toBe(id);
    }
    expect(await services.index.count()).toBe(Object.keys(kept.entries).length);
    const { due, ready } = await services.due.backlog(kept.at);
    expect(due + ready).toBeGreaterThan(0);
    expect((await services.lamps.read()).get('sweep')).toBe(kept.at);
  });

  test('of incidents, deliveries, orders, attempts and consents is read', async () => {
    const { redis, services } = await meet();
    const memory = createIncidentMemory({ redis: redis.redis });
    const { key } = kept.incident;
    expect(await memory.all()).toEqual([kept.incident]);
    expect(await memory.delivery(key, 'pager')).toMatchObject({ sequence: 1, reference: 'r-1', tries: 2 });
    expect((await memory.channels()).get('pager')).toMatchObject({ why: 'http_500', final: false });
    expect((await memory.recalled()).get(key)).toMatchObject({ connection: 'umbrella' });
    expect(await memory.spokenOf()).toEqual(new Set([key]));
    expect(await memory.foreign()).toMatchObject([{ connection: 'stark', provider: 'docusign' }]);
    expect(await memory.orders()).toMatchObject({ snooze: [{ key, reason: 'mail sent' }], confirm: ['docusign'] });
    expect(await createAttempts({ redis: redis.redis }).of('globex')).toMatchObject([
      { outcome: 'unknown', status: 500 },
    ]);
    expect(await createConsentStates({ redis: redis.redis }).take('nonce-1')).toMatchObject({
      connection: 'umbrella',
      codeVerifier: 'test-verifier',
    });
    const other = (await services.clients.list()).find(({ at }) => at.client === 'other');
    expect(other?.health).toMatchObject({ breaker: 'closed', suspects: 1 });
  });

  test('in a secret is understood: its own section, its fingerprint, its flag', async () => {
    const { services, double } = await meet();
    const name = 'acme';
    const current = await services.store.read(name, { stage: 'AWSCURRENT' });
    const { tags, stages } = await services.store.describe(name);
    const standing = judge({ id: name, tags, stages, version: current, known: undefined }, services.rules, kept.at);
    if (!standing.usable) throw new Error(standing.reason);
    expect(standing.fingerprint).toBe(kept.entries.acme?.fingerprint);
    expect(standing.document.own.spent).toHaveLength(1);
    expect(standing.document.own.attempt).toBe(current.versionId);
    expect(double.secrets.tags('umbrella')['pilotlight:state']).toBe('reauth_required');
  });

  test.each([
    'its own disk',
    'the mirror of a pod that is gone',
  ])('as a sealed answer is brought home from %s, and what waits goes on waiting', async (where) => {
    const made = await meet();
    if (where !== 'its own disk') await made.replace('none');
    const reports = await made.recover();
    expect(reports.find(({ connection }) => connection === 'initech')).toMatchObject({ outcome: 'rotated' });
    expect(made.document('initech').refresh_token).toBe(kept.initechToken);
    expect(made.sandbox.oracle.presentations()).toEqual([]);
    const open = await made.ports().spool.openOf('globex');
    expect(open).toMatchObject({ records: [{ state: 'answered' }], unreadable: [] });
    expect((await made.ports().spool.openOf('initech')).records).toEqual([]);
  });

  test('is gone on with by the whole service: its job is taken, its record finished, its flag stands', async () => {
    const made = await startRig({ change: withTestKeys });
    rig = made;
    await plantRedis(made.redis.redis);
    plantStore(made.double);
    plantSpool(made.config);
    made.clock.turn(kept.at - made.clock.now());
    const home = made.next('initech', ({ outcome }) => outcome === 'rotated');
    const taken = made.next('stark', ({ asked }) => asked === 'due');
    const app = await made.start();
    await home;
    await taken;
    await app.settled;
    expect(made.document('initech').refresh_token).toBe(kept.initechToken);
    expect((await app.services.index.get('umbrella'))?.state).toBe('reauth_required');
    expect(made.log.filter(({ event }) => event === 'job.failed' || event === 'spool.unreadable')).toEqual([]);
  });
});

describe('what a newer version keeps', () => {
  const newer = Buffer.concat([Buffer.from('PILOTLIGHT SPOOL 2\n'), Buffer.alloc(6_000, 0x5a)]);

  test('in the spool stays as it is, byte for byte, and is in nobody else’s way', async () => {
    const made = await meet();
    const folder = made.config.spool.directory;
    const name = '11111111-2222-4333-8444-555555555555.rec';
    writeFileSync(join(folder, name), newer);
    await made.restart('none');
    expect(made.ports().spool.unreadable()).toMatchObject([{ file: name, why: 'unknown_format' }]);
    expect((await made.recover()).find(({ connection }) => connection === 'initech')).toMatchObject({
      outcome: 'rotated',
    });
    expect(readdirSync(folder)).toContain(name);
    expect(readFileSync(join(folder, name)).equals(newer)).toBe(true);
  });

  test('in the mirror blocks its own connection, stays, and blocks no other', async () => {
    const made = await meet();
    const { redis } = made.redis;
    await redis.hset('{pilotlight}:spool:acme', 'newer-attempt', newer);
    await redis.sadd('{pilotlight}:spools', 'acme');
    const reports = await made.recover();
    expect(reports.find(({ connection }) => connection === 'acme')).toMatchObject({
      outcome: 'quarantined',
      reason: 'record_unreadable',
    });
    expect(reports.find(({ connection }) => connection === 'initech')).toMatchObject({ outcome: 'rotated' });
    expect(await made.rotate('acme', 'manual')).toMatchObject({ reason: 'record_unreadable' });
    expect(made.sandbox.oracle.presentations()).toEqual([]);
    expect((await redis.hgetBuffer('{pilotlight}:spool:acme', 'newer-attempt'))?.equals(newer)).toBe(true);
  });

  test.each<[what: string, change: (value: string) => string]>([
    ['another layout', (value) => `2${value.slice(1)}`],
    ['a state nobody knows here', (value) => value.replace(/,..../, ',####')],
    ['text that is not encoded as ours', (value) => value.replace(/,[^,]*$/, ',%E0%A4%A')],
    ['nothing at all', () => ''],
  ])('as an index entry with %s is made anew from the store, and stops no pass', async (_, change) => {
    const made = await meet();
    const { redis } = made.redis;
    const place = await placeOf(redis, 'stark');
    await redis.hset(place.key, place.field, change(place.value));
    expect(await made.services.index.get('stark')).toBeUndefined();
    await made.inventory();
    expect(await made.services.index.get('stark')).toMatchObject({ id: 'stark', at: { provider: 'docusign' } });
    expect(await made.services.index.get('globex')).toMatchObject({ state: 'retrying', reason: 'unknown_outcome' });
    let seen = 0;
    for await (const page of made.services.index.scan()) seen += page.length;
    expect(seen).toBe(Object.keys(kept.entries).length);
  });

  test('as a longer index entry is read as far as it is known', async () => {
    const made = await meet();
    const { redis } = made.redis;
    const place = await placeOf(redis, 'stark');
    await redis.hset(place.key, place.field, `${place.value},later,words`);
    expect(await made.services.index.get('stark')).toEqual({ ...kept.entries.stark, seen: expect.any(String) });
  });

  test('in a queue fails alone: a job with more members, or for a reason unknown here', async () => {
    const made = await startRig();
    rig = made;
    made.connect({ provider: 'docusign', connection: 'acme', scope: 'signature extended' });
    const app = await made.start();
    await app.settled;
    const refused = made.logged('worker.payload_invalid');
    const looked = made.next('acme', ({ asked }) => asked === 'due');
    const queue = new Queue('refresh-docusign', { connection: made.redis.redis, prefix: '{pilotlight}' });
    await queue.addBulk([
      { name: 'refresh', data: { connection: 'odd-0', reason: 'premonition' } },
      { name: 'refresh', data: { connection: 'odd-1', reason: 'due', later: true } },
    ]);
    await app.queues.add('docusign', [{ connection: 'acme', reason: 'due' }]);
    await Promise.all([refused, looked]);
    await expect.poll(async () => (await queue.getFailed()).length, soon).toBe(2);
    await queue.close();
    expect(made.reports.filter(({ connection }) => connection.startsWith('odd'))).toEqual([]);
    expect(made.sandbox.oracle.presentations()).toEqual([]);
  });

  test('as an incident of a kind unknown here is left to it, and every other is watched over', async () => {
    const made = await startRig({
      change: (config) => ({ ...config, alerts: { ...config.alerts, watch: '* * * * * *' } }),
    });
    rig = made;
    const memory = createIncidentMemory({ redis: made.redis.redis });
    const strange = { ...kept.incident, key: 'production/omen/1', kind: 'omen', severity: 'whisper', later: { a: 1 } };
    const known = { ...kept.incident, kind: 'quarantined' as const, key: 'production/connection/gone/answer' };
    await memory.write([strange as unknown as typeof kept.incident, known], []);
    const app = await made.start();
    const second = await made.start({ name: 'second' });
    await Promise.all([app.settled, second.settled]);
    // What is not true any more begins to end: the look has been made.
    await expect
      .poll(async () => (await memory.get('production/connection/gone/answer'))?.clearSince, soon)
      .toBeDefined();
    expect(await memory.get('production/omen/1')).toEqual(strange);
    expect(made.log.filter(({ event }) => event === 'job.failed')).toEqual([]);
    expect((await fetch(new URL('/incidents', app.url))).status).toBe(200);
    expect((await fetch(new URL('/metrics', app.healthUrl))).status).toBe(200);
  });
});

/** Where an entry lies: a field of one of the index's hashes. */
async function placeOf(
  redis: Rig['redis']['redis'],
  id: string,
): Promise<{ key: string; field: string; value: string }> {
  for (const key of await redis.keys('{pilotlight}:e:*')) {
    for (const [field, value] of Object.entries(await redis.hgetall(key)))
      if (field.includes(id)) return { key, field, value };
  }
  throw new Error(`no entry of ${id}`);
}
