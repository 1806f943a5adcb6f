/** Ending a token at the providers that offer it. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Revocation } from '../../src/oauth/revoke.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { client, startProviderBench } from '../support/provider-bench.ts';
import { type ProviderName, providerFile, providerNames } from '../support/provider-files.ts';

let bench: Awaited<ReturnType<typeof startProviderBench>>;
beforeEach(async () => {
  bench = await startProviderBench();
});
afterEach(() => bench.stop());

function revoke(name: ProviderName, token: string, apiAccessPoint?: string): Promise<Revocation> {
  const subject = { provider: providerFile(name), environment: 'production', token: new Secret(token) };
  const where = apiAccessPoint === undefined ? {} : { apiAccessPoint };
  return bench.endpoint.revoke(
    { ...subject, ...where },
    { clientId: client.clientId, clientSecret: new Secret(client.clientSecret) },
  );
}

const scope = 'offline_access';

test.each([
  'adobe-acrobat-sign',
  'adobe-acrobat-sign-gov',
  'oauth2',
] as const)('%s: a revoked token is dead', async (name) => {
  const held = bench.consent(name, { scope });
  expect(await revoke(name, held.refreshToken, held.apiAccessPoint)).toEqual({ kind: 'revoked' });
  expect(bench.sandbox.oracle.death('c1')).toMatchObject({ why: 'revoked' });
  expect(await bench.refresh(name, held, held.refreshToken)).toMatchObject({ means: 'grant' });
});

test.each([
  'docusign',
  'esignglobal',
] as const)('%s: has no revocation endpoint and says so without a request', async (name) => {
  const held = bench.consent(name);
  expect(await revoke(name, held.refreshToken)).toEqual({ kind: 'unsupported' });
  expect(bench.sandbox.oracle.isLive(held.refreshToken)).toBe(true);
});

test('Adobe: tells its three error codes apart', async () => {
  const held = bench.consent('adobe-acrobat-sign');
  const point = held.apiAccessPoint;
  await revoke('adobe-acrobat-sign', held.refreshToken, point);
  expect(await revoke('adobe-acrobat-sign', held.refreshToken, point)).toEqual({
    kind: 'alreadyDead',
    error: 'EXPIRED_TOKEN',
  });
  expect(await revoke('adobe-acrobat-sign', 'never issued', point)).toMatchObject({
    kind: 'refused',
    status: 400,
    error: 'INVALID_TOKEN',
  });
  const empty = {
    kind: 'answer',
    when: 'before',
    status: 400,
    body: { code: 'INVALID_REQUEST', message: 'Empty or missing token' },
  } as const;
  const fault = bench.sandbox.faults.inject(empty, { times: 1 });
  expect(await revoke('adobe-acrobat-sign', held.refreshToken, point)).toMatchObject({
    kind: 'refused',
    error: 'INVALID_REQUEST',
  });
  expect(fault.fired()).toBe(1);
});

test('Adobe: revoking an access token ends its refresh token', async () => {
  const held = bench.consent('adobe-acrobat-sign');
  expect(await revoke('adobe-acrobat-sign', held.accessToken, held.apiAccessPoint)).toEqual({ kind: 'revoked' });
  expect(bench.sandbox.oracle.isLive(held.refreshToken)).toBe(false);
});

test('a page of a firewall is no proof that a token is dead', async () => {
  const held = bench.consent('adobe-acrobat-sign');
  const page = {
    kind: 'answer',
    when: 'before',
    status: 200,
    headers: { 'content-type': 'text/html' },
    body: '<html>hello</html>',
  } as const;
  bench.sandbox.faults.inject(page, { times: 1 });
  expect(await revoke('adobe-acrobat-sign', held.refreshToken, held.apiAccessPoint)).toMatchObject({
    kind: 'refused',
    status: 200,
  });
});

test('a lost answer is told from a refusal', async () => {
  const held = bench.consent('adobe-acrobat-sign');
  bench.sandbox.faults.inject({ kind: 'drop', when: 'before' }, { times: 1 });
  expect(await revoke('adobe-acrobat-sign', held.refreshToken, held.apiAccessPoint)).toEqual({
    kind: 'failed',
    sent: true,
    label: 'connection_reset',
  });
});

test.each(providerNames)('%s: sends nothing to a host that is not its own', async (name) => {
  const held = bench.consent(name, { scope });
  const attempt = revoke(name, held.refreshToken, 'https://evil.example/');
  if (name === 'adobe-acrobat-sign') await expect(attempt).rejects.toMatchObject({ code: 'refused' });
  else expect(await attempt).not.toMatchObject({ kind: 'failed' });
});
