/** The whole way against the sandbox's own consent pages and token endpoints, provider by provider, over real HTTP. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createAuthorization } from '../../src/oauth/authorization.ts';
import { createConsentStates } from '../../src/queue/consent-states.ts';
import type { ConsentEvent } from '../../src/reconsent/ports.ts';
import { createReconsent, type Reconsent } from '../../src/reconsent/reconsent.ts';
import { get } from '../browser/serve.ts';
import { publicUrl, testKeys } from '../support/reconsent-bench.ts';
import { day, type RotationBench, startRotationBench } from '../support/rotation-bench.ts';

let bench: RotationBench;
let reconsent: Reconsent;
let audited: ConsentEvent[];
beforeEach(async () => {
  bench = await startRotationBench();
  audited = [];
  const { services, deps, redis, config, clock } = bench;
  reconsent = createReconsent({
    ...services,
    ...deps,
    publicUrl,
    keys: testKeys,
    authorization: createAuthorization({
      clock,
      random: deps.random,
      providers: config.providers,
      connectTo: new URL(config.sandbox?.connectTo ?? ''),
    }),
    states: createConsentStates({ redis: redis.redis }),
    audit: (event) => void audited.push(event),
    changed: () => Promise.resolve(),
  });
});
afterEach(() => bench.stop());

/** Presses the button, decides at the provider's page, and comes back. */
async function consent(provider: string, form: Record<string, string>) {
  const version = bench.double.secrets.current('acme')?.versionId ?? '';
  const token = reconsent
    .linkFor({ kind: 'reconsent', connection: 'acme', version })
    .slice(`${publicUrl}/reconsent/`.length);
  const browser = reconsent.newBrowser();
  const sent = { token: reconsent.formToken(token, browser), origin: publicUrl, fetchSite: 'same-origin', browser };
  const begun = await reconsent.begin(token, sent);
  if (begun.kind !== 'begun') throw new Error(begun.end);
  expect((await get(begun.to.href)).status).toBe(200);
  const decided = await get(begun.to.href, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(form).toString(),
  });
  const back = new URL(String(decided.headers.location));
  expect(back.href.split('?')[0]).toBe(`${publicUrl}/oauth/callback/${provider}`);
  return reconsent.finish({ provider, query: back.searchParams, browser });
}

test.each([
  ['docusign', { scope: 'signature extended' }],
  ['adobe-acrobat-sign', { scope: 'user_read:account agreement_read:account' }],
  ['esignglobal', {}],
] as const)('%s: a connection that died comes back and is refreshed again', async (provider, more) => {
  const held = bench.connect({ provider, connection: 'acme', ...more });
  await bench.inventory();
  bench.clock.turn(70 * day);
  expect(await consent(provider, { decision: 'allow', as: 'acme' })).toMatchObject({ end: 'done' });
  const stored = bench.document('acme');
  expect(stored.refresh_token).not.toBe(held.refreshToken);
  expect(stored.refresh_token).toBe(bench.sandbox.oracle.liveToken('acme'));
  if ('scope' in more) expect(stored.scope).toBe(more.scope);
  await bench.inventory();
  expect(await bench.entry('acme')).toMatchObject({ state: 'active' });
  bench.clock.turn(25 * day);
  expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
  expect(bench.document('acme').refresh_token).toBe(bench.sandbox.oracle.liveToken('acme'));
});

test('a customer who says no leaves everything as it was', async () => {
  bench.connect({ provider: 'docusign', connection: 'acme', scope: 'signature extended' });
  const before = bench.document('acme');
  expect(await consent('docusign', { decision: 'deny' })).toMatchObject({ end: 'denied' });
  expect(bench.document('acme')).toEqual(before);
});

test('somebody signed in with another account is refused by what the provider says of it', async () => {
  bench.connect({ provider: 'docusign', connection: 'acme', scope: 'signature extended' }, { account_id: 'mine' });
  bench.sandbox.consents.expect({ provider: 'docusign', connection: 'acme', account: 'theirs' });
  expect(await consent('docusign', { decision: 'allow', as: 'acme' })).toMatchObject({ end: 'wrong_account' });
  expect(audited.at(-1)).toMatchObject({ outcome: 'wrong_account', account: 'changed' });
});
