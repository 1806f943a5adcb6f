/** Each provider in the sandbox, asked through the real token endpoint as its file says: success, life and death. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { tokenMark } from '../../src/sandbox/providers/mint.ts';
import { dayMs, newTokenOf, startProviderBench } from '../support/provider-bench.ts';
import { laidOpen } from '../support/provider-files.ts';

let bench: Awaited<ReturnType<typeof startProviderBench>>;
beforeEach(async () => {
  bench = await startProviderBench();
});
afterEach(() => bench.stop());

describe('DocuSign', () => {
  test('gives a new refresh token with each refresh, and the old one is gone', async () => {
    const held = bench.consent('docusign', { scope: 'signature extended' });
    expect(held.refreshToken).toContain(tokenMark);
    expect(held.refreshToken.length).toBeGreaterThan(600);
    let token = held.refreshToken;
    for (let round = 0; round < 3; round++) {
      const answer = await bench.refresh('docusign', held, token);
      expect(laidOpen(answer)).toMatchObject({
        kind: 'granted',
        accessTokenLifeMs: 28_800_000,
        tokenType: 'Bearer',
        oddities: [],
      });
      expect(bench.sandbox.oracle.isLive(token)).toBe(false);
      token = newTokenOf(answer);
      expect(bench.sandbox.oracle.liveToken('c1')).toBe(token);
    }
    expect(bench.sandbox.oracle.refreshes('docusign')).toBe(3);
    expect(bench.sandbox.oracle.doubleSpends()).toEqual([]);
  });

  test('lives on with extended when refreshed, and dies 30 days after the last refresh', async () => {
    const held = bench.consent('docusign', { scope: 'signature extended' });
    bench.clock.turn(29 * dayMs);
    const token = newTokenOf(await bench.refresh('docusign', held, held.refreshToken));
    bench.clock.turn(29 * dayMs);
    expect(bench.sandbox.oracle.isLive(token)).toBe(true);
    const at = bench.clock.now() + dayMs;
    bench.clock.turn(2 * dayMs);
    expect(bench.sandbox.oracle.death('c1')).toEqual({ why: 'expired_idle', at });
    expect(await bench.refresh('docusign', held, token)).toMatchObject({
      kind: 'refused',
      means: 'grant',
      error: 'invalid_grant',
    });
  });

  test('dies 30 days after consent without extended, however often refreshed', async () => {
    const held = bench.consent('docusign', { scope: 'signature' });
    bench.clock.turn(20 * dayMs);
    const token = newTokenOf(await bench.refresh('docusign', held, held.refreshToken));
    bench.clock.turn(10 * dayMs);
    expect(bench.sandbox.oracle.death('c1')).toEqual({ why: 'expired_absolute', at: held.consentedAt + 30 * dayMs });
    expect(await bench.refresh('docusign', held, token)).toMatchObject({ means: 'grant' });
  });

  test('keeps production and demo apart', async () => {
    const held = bench.consent('docusign', { environment: 'demo' });
    expect(await bench.refresh('docusign', { environment: 'production' }, held.refreshToken)).toMatchObject({
      means: 'grant',
    });
    expect(await bench.refresh('docusign', held, held.refreshToken)).toMatchObject({ kind: 'granted' });
  });

  test('takes the replaced token again within a grace window, where it has one', async () => {
    const held = bench.consent('docusign', { scope: 'extended', rules: { graceMs: 60_000 } });
    const first = newTokenOf(await bench.refresh('docusign', held, held.refreshToken));
    bench.clock.turn(59_999);
    expect(newTokenOf(await bench.refresh('docusign', held, held.refreshToken))).toBe(first);
    bench.clock.turn(1);
    expect(await bench.refresh('docusign', held, held.refreshToken)).toMatchObject({ means: 'grant' });
  });
});

describe('Adobe Acrobat Sign', () => {
  test.each(['na1', 'eu1', 'jp1'])('refreshes on shard %s and keeps its refresh token', async (place) => {
    const held = bench.consent('adobe-acrobat-sign', { place });
    expect(held.refreshToken.endsWith('*')).toBe(true);
    expect(held.apiAccessPoint).toBe(`https://api.${place}.adobesign.com/`);
    const answer = await bench.refresh('adobe-acrobat-sign', held, held.refreshToken);
    expect(laidOpen(answer)).toMatchObject({
      kind: 'granted',
      refreshToken: undefined,
      accessTokenLifeMs: 3_600_000,
      oddities: [],
    });
    expect(bench.sandbox.oracle.liveToken('c1')).toBe(held.refreshToken);
  });

  test('lives on when used within 60 days, for years', async () => {
    const held = bench.consent('adobe-acrobat-sign');
    for (let round = 0; round < 12; round++) {
      bench.clock.turn(59 * dayMs);
      expect(await bench.refresh('adobe-acrobat-sign', held, held.refreshToken)).toMatchObject({ kind: 'granted' });
    }
    expect(bench.sandbox.oracle.doubleSpends()).toEqual([]);
    bench.clock.turn(60 * dayMs);
    expect(await bench.refresh('adobe-acrobat-sign', held, held.refreshToken)).toMatchObject({
      kind: 'refused',
      means: 'grant',
    });
  });

  test('says that an account moved, and works on its new shard', async () => {
    const held = bench.consent('adobe-acrobat-sign', { place: 'na1' });
    bench.sandbox.grants.migrate('c1', 'eu1');
    expect(await bench.refresh('adobe-acrobat-sign', held, held.refreshToken)).toMatchObject({
      means: 'access_point',
      error: 'INVALID_API_ACCESS_POINT',
    });
    const there = { apiAccessPoint: 'https://api.eu1.adobesign.com/' };
    expect(await bench.refresh('adobe-acrobat-sign', there, held.refreshToken)).toMatchObject({ kind: 'granted' });
  });
});

test('Adobe Acrobat Sign for Government refreshes at its own path and lives 30 days without use', async () => {
  expect(() => bench.consent('adobe-acrobat-sign-gov', { scope: 'agreement_read' })).toThrow('offline_access');
  const held = bench.consent('adobe-acrobat-sign-gov', { scope: 'agreement_read offline_access' });
  bench.clock.turn(29 * dayMs);
  const answer = await bench.refresh('adobe-acrobat-sign-gov', held, held.refreshToken);
  expect(laidOpen(answer)).toMatchObject({ kind: 'granted', accessTokenLifeMs: 300_000, oddities: [] });
  bench.clock.turn(30 * dayMs);
  expect(await bench.refresh('adobe-acrobat-sign-gov', held, held.refreshToken)).toMatchObject({ means: 'grant' });
});

describe('eSignGlobal', () => {
  test.each([
    ['as1', 'production'],
    ['eu1', 'production'],
    ['sml', 'sandbox'],
  ])('refreshes by multipart in data centre %s', async (place, environment) => {
    const held = bench.consent('esignglobal', { place, environment, scope: 'signature' });
    const answer = await bench.refresh('esignglobal', held, held.refreshToken);
    expect(laidOpen(answer)).toMatchObject({
      kind: 'granted',
      accessTokenLifeMs: 86_398_000,
      tokenType: 'bearer',
      oddities: [],
    });
    expect(newTokenOf(answer)).toBe(bench.sandbox.oracle.liveToken('c1'));
  });

  test('dies 365 days after consent although refreshed in time', async () => {
    const now = bench.clock.now();
    const held = bench.consent('esignglobal', { consentedAt: now - 350 * dayMs, refreshedAt: now - 10 * dayMs });
    const token = newTokenOf(await bench.refresh('esignglobal', held, held.refreshToken));
    bench.clock.turn(15 * dayMs);
    expect(bench.sandbox.oracle.death('c1')).toEqual({ why: 'expired_absolute', at: now + 15 * dayMs });
    expect(await bench.refresh('esignglobal', held, token)).toMatchObject({ means: 'grant' });
  });
});

test('an RFC 6749 server rotates, and ends the whole family when a replaced token comes again', async () => {
  const held = bench.consent('oauth2');
  const token = newTokenOf(await bench.refresh('oauth2', held, held.refreshToken));
  expect(await bench.refresh('oauth2', held, held.refreshToken)).toMatchObject({ means: 'grant' });
  expect(bench.sandbox.oracle.death('c1')).toMatchObject({ why: 'family_revoked' });
  expect(await bench.refresh('oauth2', held, token)).toMatchObject({ means: 'grant' });
  expect(bench.sandbox.oracle.doubleSpends()).toHaveLength(1);
});
