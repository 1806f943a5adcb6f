/** Look after look: whoever is to hear of something hears it, and hears its end, whatever failed between. */
import { describe, expect, it } from 'vitest';
import type { IndexEntry } from '../../src/connection/entry.ts';
import type { ClientHealth } from '../../src/rotation/ports.ts';
import { watchBench } from '../support/watch-bench.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const t0 = 1_800_000_000_000;
const at = { provider: 'docusign', environment: 'production', client: 'main', host: 'account.docusign.com' };
const entry = (id: string, more: Partial<IndexEntry> = {}): IndexEntry => ({
  id,
  at,
  state: 'active',
  reason: 'none',
  since: t0,
  seen: '',
  fingerprint: id,
  nextAt: t0 + 9 * day,
  deadlineAt: t0 + 30 * day,
  clock: 'idle',
  estimated: false,
  extendedAt: t0 - day,
  failures: 0,
  ...more,
});
const dead = (id: string, more: Partial<IndexEntry> = {}) =>
  entry(id, { state: 'reauth_required', reason: 'invalid_grant', nextAt: null, ...more });
const health = (more: Partial<ClientHealth> = {}): ClientHealth => ({
  breaker: 'closed',
  breakerReason: '',
  openedAt: null,
  nextProbeAt: null,
  lastSuccessAt: null,
  suspects: 0,
  heldUntil: 0,
  secret: 'current',
  ...more,
});
const consentKey = 'p/connection/acme/consent';
const clientKey = 'p/client/docusign/production/main@account.docusign.com';

describe('a channel that is routed by owner', () => {
  const routes = [{ channel: 'pager', owners: ['team-contracts'] }];

  it('hears of an incident whose owner could not be read when it opened', async () => {
    const { world, look } = watchBench(t0, { routes });
    world.entries = [dead('acme')];
    world.storeIsDown = true;
    expect(await look()).toEqual([]);
    world.storeIsDown = false;
    expect(await look(minute)).toEqual([`pager opened page reauth_required ${consentKey}`]);
  });

  it('hears an end whose beginning was lost with Redis', async () => {
    const { world, memory, look } = watchBench(t0, { routes });
    world.entries = [entry('acme')];
    await memory.recall(consentKey, { connection: 'acme', provider: 'docusign', since: t0 - day });
    expect(await look()).toEqual([`pager resolved page reauth_required ${consentKey}`]);
  });
});

it('an end whose beginning was lost reaches a pager by its key, whatever its routes say of it', async () => {
  const { world, look } = watchBench(t0, { routes: [{ channel: 'pager', environments: ['production'] }] });
  world.clients = [{ at, health: health({ lastSuccessAt: t0 }) }];
  world.entries = [entry('acme')];
  expect(await look()).toEqual([`pager resolved page client_rejected ${clientKey}`]);
});

describe('a mass of refusals', () => {
  const those = Array.from({ length: 30 }, (_, n) => dead(`c${n}`, { since: t0 - 20 * day }));
  async function confirmed() {
    const bench = watchBench(t0);
    await bench.memory.writeMass(new Map([['docusign', { since: t0 - 20 * day, confirmedAt: t0 - 19 * day }]]));
    bench.world.entries = those;
    return bench;
  }

  it('hides no connection that dies of something else, and tells no end when it does', async () => {
    const { world, look } = await confirmed();
    const unkeepable = { state: 'unkeepable', reason: 'absolute_lifetime', clock: 'absolute' } as const;
    world.entries = [...those, entry('acme', unkeepable)];
    expect(await look()).toContain(`pager opened warn cannot_be_kept ${consentKey}`);
    world.entries = [...those, dead('acme', { reason: 'expired' })];
    expect(await look(minute)).toEqual([
      `pager updated page reauth_required ${consentKey}`,
      `chat updated page reauth_required ${consentKey}`,
    ]);
  });

  it('hides no single refusal weeks after it was confirmed', async () => {
    const { world, look } = await confirmed();
    await look();
    world.entries = [...those, dead('acme')];
    expect(await look(minute)).toContain(`pager opened page reauth_required ${consentKey}`);
  });

  it('is told again each time it has doubled since it was told, however small the steps', async () => {
    const { world, look } = watchBench(t0);
    const told: string[] = [];
    for (let count = 21; count < 1_000; count += 15) {
      world.entries = Array.from({ length: count }, (_, n) =>
        entry(`c${n}`, { state: 'suspect', reason: 'invalid_grant', since: t0 }),
      );
      told.push(...(await look(15_000)).filter((one) => one.startsWith('pager')));
    }
    expect(told.map((one) => one.split(' ')[1])).toEqual(['opened', ...Array(5).fill('updated')]);
  });
});

describe('a page that nothing can end', () => {
  it('is none: of a client that no connection uses any more, which is forgotten', async () => {
    const { world, memory, look } = watchBench(t0);
    world.clients = [{ at, health: health({ breaker: 'open', openedAt: t0 }) }];
    world.entries = [entry('acme', { state: 'blocked', reason: 'client_rejected' })];
    expect(await look()).toContain(`pager opened page client_rejected ${clientKey}`);
    expect(world.forgotten).toEqual([]);
    world.entries = [entry('acme', { at: { ...at, client: 'right' } })];
    await look(minute);
    expect(world.forgotten).toEqual([at]);
    expect(await look(10 * minute)).toContain(`pager resolved page client_rejected ${clientKey}`);
    expect([...memory.incidents.values()].filter(({ endedAt }) => endedAt === undefined)).toEqual([]);
  });

  it('is none: of a channel that is owed nothing any more', async () => {
    const { world, memory, look } = watchBench(t0);
    const failing = () =>
      [...memory.incidents.values()].filter(({ kind, endedAt }) => kind === 'channel_failing' && endedAt === undefined);
    world.entries = [entry('acme', { state: 'quarantined', reason: 'answer_not_understood' })];
    world.down.add('chat');
    for (let n = 0; n < 30; n += 1) await look(20_000);
    expect(failing()).toHaveLength(1);
    world.entries = [entry('acme')];
    for (const after of [minute, 10 * minute, minute, 10 * minute]) await look(after);
    expect(failing()).toEqual([]);
  });
});

describe('what a look has taken', () => {
  it('is not lost where it fails: an order is carried out by the next', async () => {
    const { world, memory, look } = watchBench(t0);
    world.entries = Array.from({ length: 30 }, (_, n) => entry(`c${n}`, { state: 'suspect', reason: 'invalid_grant' }));
    await look();
    await memory.order({ confirm: ['docusign'] });
    world.scanFails = true;
    await expect(look(minute)).rejects.toThrow('redis is away');
    world.scanFails = false;
    await look(minute);
    expect((await memory.mass()).get('docusign')?.confirmedAt).toBe(world.now);
    expect((await memory.orders()).taken).toBe(0);
  });

  it('is not lost where a person closed the incident first: the flag of a later consent goes', async () => {
    const { world, memory, look } = watchBench(t0);
    world.entries = [dead('acme')];
    for (const set of [world.flagged, world.judged]) set.add('acme');
    await look();
    await memory.order({ resolve: [consentKey] });
    for (const after of [minute, minute]) await look(after);
    expect(memory.incidents.get(consentKey)).toMatchObject({ closed: true });
    world.judged.delete('acme');
    world.entries = [entry('acme')];
    await memory.recall(consentKey, { connection: 'acme', provider: 'docusign', since: t0 });
    await look(minute);
    expect([...world.flagged]).toEqual([]);
  });
});

it('a pager that hears pages only is not woken by a warning about what once paged', async () => {
  let urgency: 'page' | 'warn' = 'page';
  const routes = [{ channel: 'pager', severities: ['page'] as const }];
  const { world, look } = watchBench(t0, { routes, urgencyOf: () => urgency });
  const told: string[] = [];
  for (const next of ['page', 'warn', 'warn'] as const) {
    urgency = next;
    world.entries = [entry('acme', { state: 'retrying', reason: 'network' })];
    told.push(...(await look(11 * minute)));
    world.entries = [];
    for (const after of [minute, 11 * minute]) told.push(...(await look(after)));
  }
  const ofIt = told.filter((one) => one.endsWith('p/connection/acme/refresh'));
  expect(ofIt.map((one) => one.split(' ')[1])).toEqual(['opened', 'resolved']);
});

it('a digest a day for a year leaves no more behind than one for a week', async () => {
  const { world, memory, look } = watchBench(t0);
  world.entries = [entry('acme', { state: 'unkeepable', reason: 'absolute_lifetime', deadlineAt: t0 + 400 * day })];
  async function digestsOf(days: number): Promise<number> {
    let told = 0;
    for (let hours = 0; hours < days * 24; hours++)
      told += (await look(hour)).filter((one) => one.includes('daily_digest')).length;
    return told;
  }
  const kept = async () => [
    (await memory.all()).length,
    (await memory.deliveries()).size,
    (await memory.spokenOf()).size,
  ];
  expect(await digestsOf(7)).toBeGreaterThanOrEqual(7);
  const afterAWeek = await kept();
  expect(await digestsOf(357)).toBeGreaterThanOrEqual(357);
  expect(await kept()).toEqual(afterAWeek);
});

describe('after a look', () => {
  const restMs = 7_500;
  const restAfter = async (change: { scanMs: number; scanFails?: boolean }) => {
    const { world, memory, look } = watchBench(t0, { restMs });
    Object.assign(world, change);
    await look().catch(() => undefined);
    expect(memory.rests).toHaveLength(1);
    return memory.rests[0];
  };

  it.each([
    [100, restMs],
    [2_000, 18_000],
  ])('that took %d ms everybody rests for %d ms', async (scanMs, rest) => {
    expect(await restAfter({ scanMs })).toBe(rest);
  });

  it('in the middle of which its process was held up, the next one comes within minutes', async () => {
    expect(await restAfter({ scanMs: hour })).toBe(5 * minute);
  });

  it.each([100, 10_000, hour])('that failed after %d ms, the next one comes as soon as ever', async (scanMs) => {
    expect(await restAfter({ scanMs, scanFails: true })).toBe(restMs);
  });
});
