/**
 * A customer authorises again while the old token is being rotated, and goes on being kept alive afterwards: the real
 * protocol, Redis and Secrets Manager double, with a new grant of the sandbox's.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createConsentStates } from '../../src/queue/consent-states.ts';
import { createReconsent, type Reconsent } from '../../src/reconsent/reconsent.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { extended, startAcmeBench } from '../support/acme-bench.ts';
import { type FakeAuthorization, fakeAuthorization } from '../support/fakes/authorization.ts';
import { publicUrl, testKeys } from '../support/reconsent-bench.ts';
import { day, type RotationBench, type Step } from '../support/rotation-bench.ts';

let bench: RotationBench;
let authorization: FakeAuthorization;
let reconsent: Reconsent;
beforeEach(async () => {
  bench = await startAcmeBench();
  authorization = fakeAuthorization();
  const { services, deps, redis } = bench;
  reconsent = createReconsent({
    ...services,
    ...deps,
    publicUrl,
    keys: testKeys,
    authorization,
    states: createConsentStates({ redis: redis.redis }),
    audit: () => undefined,
    changed: () => Promise.resolve(),
  });
});
afterEach(() => bench.stop());

/** The grant the customer gives now, under a name of its own in the sandbox. */
async function authorise(): Promise<string> {
  const { refreshToken } = bench.sandbox.grants.create({
    ...extended,
    connection: 'acme-again',
    client: { clientId: 'rig-client', clientSecret: 'PLTOKEN-5f0c9d52-8e7b-4c1a-9c27-d1f6a2b3c4d5' },
  });
  authorization.more = { refreshToken: new Secret(refreshToken) };
  const version = bench.double.secrets.current('acme')?.versionId ?? '';
  const link = reconsent.linkFor({ kind: 'reconsent', connection: 'acme', version });
  const token = link.slice(`${publicUrl}/reconsent/`.length);
  const browser = reconsent.newBrowser();
  const form = { token: reconsent.formToken(token, browser), origin: publicUrl, fetchSite: 'same-origin', browser };
  const begun = await reconsent.begin(token, form);
  if (begun.kind !== 'begun') throw new Error(begun.end);
  const query = authorization.consent(begun.to, undefined).searchParams;
  expect(await reconsent.finish({ provider: 'docusign', query, browser })).toMatchObject({ end: 'done' });
  return refreshToken;
}

/** The new grant is refreshed from now on, and nothing else is. */
async function expectKeptAlive(): Promise<void> {
  await bench.inventory();
  expect(await bench.entry('acme')).toMatchObject({ state: 'active' });
  bench.clock.turn(12 * day);
  await bench.inventory();
  expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
  expect(bench.document('acme').refresh_token).toBe(bench.sandbox.oracle.liveToken('acme-again'));
  expect(bench.sandbox.oracle.doubleSpends()).toEqual([]);
  expect(await bench.spoolFiles()).toEqual([]);
}

describe('a consent while the old token is rotated', () => {
  test.each<[Step, string]>([
    ['posting', 'orphaned'],
    ['answered', 'orphaned'],
    ['sealed', 'orphaned'],
    ['put', 'orphaned'],
    ['swapping', 'orphaned'],
    ['swapped', 'rotated'],
  ])('at %s: the new grant stays current, whatever the rotation comes to', async (step, outcome) => {
    const met: string[] = [];
    bench.at(step, async () => void met.push(await authorise()));
    expect(await bench.rotate('acme')).toMatchObject({ outcome });
    expect(met).toHaveLength(1);
    expect(bench.document('acme').refresh_token).toBe(met[0]);
    await expectKeptAlive();
  });

  test('whose process died with a sealed answer: recovery keeps that one aside', async () => {
    await bench.crash('acme', 'sealed');
    const token = await authorise();
    expect(await bench.recover()).toMatchObject([{ outcome: 'orphaned' }]);
    expect(bench.document('acme').refresh_token).toBe(token);
    await expectKeptAlive();
  });
});

test('a flagged connection is active again and refreshed with the new grant, never with the old', async () => {
  const version = bench.double.secrets.current('acme')?.versionId ?? '';
  bench.double.secrets.tag('acme', {
    'pilotlight:state': 'reauth_required',
    'pilotlight:reason': 'invalid_grant',
    'pilotlight:since': new Date(bench.clock.now()).toISOString(),
    'pilotlight:version': version,
  });
  await bench.inventory();
  expect(await bench.entry('acme')).toMatchObject({ state: 'reauth_required', nextAt: null });
  await authorise();
  await expectKeptAlive();
  expect(bench.sandbox.oracle.presentations('acme')).toEqual([]);
});
