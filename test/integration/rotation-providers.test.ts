/**
 * Each provider from consent through several refreshes, by its documented bodies, hosts and lifetimes, and the refusals that
 * are its own. The sandbox judges requests as strictly as the documentation reads.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Config } from '../../config/derive.ts';
import { day, hour, minute, type RotationBench, startRotationBench } from '../support/rotation-bench.ts';

let bench: RotationBench;
beforeEach(async () => {
  bench = await startRotationBench();
});
afterEach(() => bench.stop());

const providers = [
  { name: 'docusign', consent: { scope: 'signature extended' }, everyDays: 10, replaces: true },
  { name: 'docusign', consent: { scope: 'signature extended', environment: 'demo' }, everyDays: 10, replaces: true },
  { name: 'adobe-acrobat-sign', consent: { place: 'na1' }, everyDays: 20, replaces: false },
  { name: 'adobe-acrobat-sign', consent: { place: 'eu2' }, everyDays: 20, replaces: false },
  {
    name: 'adobe-acrobat-sign-gov',
    consent: { scope: 'agreement_read offline_access' },
    everyDays: 10,
    replaces: false,
  },
  { name: 'esignglobal', consent: { place: 'as1' }, everyDays: 10, replaces: true },
  { name: 'esignglobal', consent: { environment: 'sandbox' }, everyDays: 10, replaces: true },
  { name: 'oauth2', consent: {}, everyDays: 10, replaces: true },
];

describe('a connection kept alive for three lives', () => {
  test.each(providers)('$name $consent', async ({ name, consent, everyDays, replaces }) => {
    const held = bench.connect({ provider: name, connection: 'acme', ...consent });
    const { refresh_token: first, scope } = bench.document('acme');
    await bench.inventory();
    const endAt = bench.clock.now() + 3 * 3 * everyDays * day;
    let refreshes = 0;
    while (bench.clock.now() < endAt) {
      const entry = await bench.entry('acme');
      expect(entry).toMatchObject({ state: 'active', reason: 'none' });
      const waitMs = (entry?.nextAt ?? 0) - bench.clock.now();
      expect(waitMs).toBeGreaterThan(0.85 * everyDays * day);
      expect(waitMs).toBeLessThan(1.15 * everyDays * day);
      bench.clock.turn(waitMs);
      const report = await bench.rotate('acme');
      expect(report).toMatchObject({ outcome: 'rotated', status: 200, oddities: [] });
      refreshes++;
    }
    const document = bench.document('acme');
    expect(document).toMatchObject({
      scope,
      environment: held.environment,
      refreshed_at: new Date(bench.clock.now()).toISOString(),
    });
    expect(document.access_token).not.toBe(held.accessToken);
    expect(Date.parse(String(document.expires_at))).toBeGreaterThan(bench.clock.now());
    expect(document.refresh_token === first).toBe(!replaces);
    expect(document.refresh_token).toBe(bench.sandbox.oracle.liveToken('acme'));
    expect(bench.sandbox.oracle.refreshes(name)).toBe(refreshes);
    expect(bench.sandbox.oracle.doubleSpends()).toEqual([]);
    expect(await bench.spoolFiles()).toEqual([]);
  });
});

describe('DocuSign', () => {
  test('without `extended` a refresh would move nothing, so none is made', async () => {
    bench.connect({ provider: 'docusign', connection: 'acme', scope: 'signature' });
    await bench.inventory();
    for (let days = 0; days < 29; days += 4) {
      expect(await bench.rotate('acme')).toMatchObject({ outcome: 'notDue' });
      bench.clock.turn(4 * day);
    }
    expect(bench.sandbox.oracle.presentations()).toEqual([]);
  });

  test('with a scope nobody wrote down it is refreshed as if it helped and warned about as if it did not', async () => {
    bench.connect({ provider: 'docusign', connection: 'acme', scope: 'signature extended' }, { scope: undefined });
    await bench.inventory();
    expect(await bench.entry('acme')).toMatchObject({ state: 'active', estimated: true });
    bench.clock.turn(12 * day);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
    expect(await bench.entry('acme')).toMatchObject({ estimated: true, deadlineAt: bench.clock.now() + 18 * day });
    bench.clock.turn(28 * day);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
  });
});

describe('Adobe Acrobat Sign', () => {
  test('an account that moved to another shard: the same token waits for the new access point, and nobody is suspected', async () => {
    bench.connect({ provider: 'adobe-acrobat-sign', connection: 'acme', place: 'na1' });
    await bench.inventory();
    bench.clock.turn(25 * day);
    bench.sandbox.grants.migrate('acme', 'eu1');
    expect(await bench.rotate('acme')).toMatchObject({
      outcome: 'retryLater',
      reason: 'access_point_moved',
      status: 401,
      error: 'INVALID_API_ACCESS_POINT',
    });
    expect(await bench.entry('acme')).toMatchObject({ state: 'retrying', reason: 'access_point_moved' });
    expect((await bench.services.clients.list())[0]?.health).toMatchObject({ breaker: 'closed', suspects: 0 });
    expect(await bench.spoolFiles()).toEqual([]);
    bench.save('acme', { api_access_point: 'https://api.eu1.adobesign.com/' });
    await bench.inventory();
    bench.clock.turn(2 * hour);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
  });

  test('an expired token is refused with invalid_request, which is a suspicion here and no fault of ours', async () => {
    bench.connect({ provider: 'adobe-acrobat-sign', connection: 'acme' });
    bench.clock.turn(61 * day);
    expect(await bench.rotate('acme')).toMatchObject({
      outcome: 'suspect',
      reason: 'invalid_grant',
      error: 'invalid_request',
    });
    expect((await bench.services.clients.list())[0]?.health.breaker).toBe('closed');
  });

  test('its 429 is waited for as its body says', async () => {
    bench.connect({ provider: 'adobe-acrobat-sign', connection: 'acme' });
    bench.clock.turn(25 * day);
    bench.sandbox.faults.inject(
      {
        kind: 'answer',
        when: 'before',
        status: 429,
        body: { code: 'THROTTLING_TOO_MANY_REQUESTS', retryAfter: 1_800 },
      },
      { times: 1 },
    );
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'throttled' });
    expect((await bench.entry('acme'))?.nextAt).toBeGreaterThanOrEqual(bench.clock.now() + 30 * minute);
  });
});

describe('Adobe Acrobat Sign for Government', () => {
  test('its way of refusing a client opens the breaker', async () => {
    bench.connect({ provider: 'adobe-acrobat-sign-gov', connection: 'acme', scope: 'offline_access' });
    bench.clock.turn(12 * day);
    bench.sandbox.clients.setSecrets('adobe-acrobat-sign-gov', 'rig-client', []);
    expect(await bench.rotate('acme')).toMatchObject({
      outcome: 'misconfigured',
      status: 400,
      error: 'invalid_client',
      breakerOpened: true,
    });
  });
});

describe('eSignGlobal', () => {
  const answer = (body: unknown) =>
    bench.sandbox.faults.inject({ kind: 'answer', when: 'before', status: 200, body }, { times: 1 });
  beforeEach(async () => {
    bench.connect({ provider: 'esignglobal', connection: 'acme', place: 'eu1' });
    await bench.inventory();
    bench.clock.turn(12 * day);
  });

  test('a 2xx without access_token and refresh_token is no success', async () => {
    answer({ expires_in: 86_398, scope: 'read-write', token_type: 'bearer' });
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'quarantined', reason: 'answer_not_understood' });
  });

  test('a 2xx without access_token that brings a refresh token keeps it, and the operator hears', async () => {
    answer({ refresh_token: 'PLTOKEN-new', expires_in: 86_398 });
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated', oddities: ['access_token_missing'] });
    expect(bench.document('acme').refresh_token).toBe('PLTOKEN-new');
  });

  test('an answer wrapped as those of its business APIs is read', async () => {
    answer({ code: 0, message: 'ok', data: { access_token: 'PLTOKEN-a', refresh_token: 'PLTOKEN-new' } });
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
    expect(bench.document('acme').refresh_token).toBe('PLTOKEN-new');
  });

  test('a business error with 200 is tried again and asks nobody for consent', async () => {
    answer({ code: 72_000_009, message: 'system busy', data: null });
    expect(await bench.rotate('acme')).toMatchObject({
      outcome: 'retryLater',
      reason: 'provider_unavailable',
      error: '72000009',
    });
    bench.clock.turn(hour);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
  });

  test('365 days after consent the customer is asked, and not before', async () => {
    const consentedAt = bench.clock.now() - 12 * day;
    let report = await bench.rotate('acme');
    let refreshes = 0;
    for (; report.outcome !== 'needsConsent'; report = await bench.rotate('acme')) {
      if (report.outcome === 'rotated') refreshes++;
      const nextAt = (await bench.entry('acme'))?.nextAt ?? 0;
      expect(nextAt).toBeGreaterThan(bench.clock.now());
      bench.clock.turn(nextAt - bench.clock.now());
    }
    expect(report).toMatchObject({ reason: 'expired' });
    expect(bench.clock.now()).toBe(consentedAt + 365 * day);
    expect(bench.sandbox.oracle.death('acme')).toMatchObject({ why: 'expired_absolute', at: bench.clock.now() });
    expect(refreshes).toBeGreaterThan(25);
    expect(bench.sandbox.oracle.presentations()).toHaveLength(refreshes);
    expect(bench.sandbox.oracle.doubleSpends()).toEqual([]);
  });
});

describe('keep: access-token', () => {
  const keepAccess = (config: Config): Config => ({
    ...config,
    providers: Object.fromEntries(
      Object.entries(config.providers).map(([name, file]) => [name, { ...file, keep: 'access-token' as const }]),
    ),
  });
  beforeEach(async () => {
    await bench.stop();
    bench = await startRotationBench({ change: keepAccess });
  });

  test.each([
    { name: 'docusign', consent: { scope: 'signature extended' }, lifeMs: 8 * hour },
    { name: 'docusign', consent: { scope: 'signature' }, lifeMs: 8 * hour },
    { name: 'adobe-acrobat-sign', consent: {}, lifeMs: hour },
    { name: 'esignglobal', consent: {}, lifeMs: 86_398_000 },
    { name: 'oauth2', consent: {}, lifeMs: hour },
  ])('$name $consent: refreshed before the access token ends, each time', async ({ name, consent, lifeMs }) => {
    bench.connect({ provider: name, connection: 'acme', ...consent });
    await bench.inventory();
    for (let round = 0; round < 4; round++) {
      const nextAt = (await bench.entry('acme'))?.nextAt ?? 0;
      expect(nextAt - bench.clock.now()).toBeGreaterThanOrEqual(lifeMs / 2);
      expect(nextAt - bench.clock.now()).toBeLessThanOrEqual(lifeMs - 5 * minute);
      bench.clock.turn(nextAt - bench.clock.now());
      expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
      expect(Date.parse(String(bench.document('acme').expires_at))).toBe(bench.clock.now() + lifeMs);
    }
  });
});
