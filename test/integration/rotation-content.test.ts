/**
 * What a secret may hold instead of a usable connection (bad-inputs 4b, 70 to 72, 75, 77): nothing is posted, the secret stays as
 * it is, the reason is said, and once the cause is mended the connection is refreshed by the next inventory.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Reason } from '../../src/connection/entry.ts';
import type { Consented } from '../../src/sandbox/providers/sandbox.ts';
import { changed, whole } from '../support/docusign-content.ts';
import { day, type RotationBench, startRotationBench } from '../support/rotation-bench.ts';
import { documentOf } from '../support/world.ts';

let bench: RotationBench;
beforeEach(async () => {
  bench = await startRotationBench();
});
afterEach(() => bench.stop());

const without =
  (...names: string[]) =>
  (held: Consented) =>
    JSON.stringify(
      Object.fromEntries(Object.entries(documentOf('docusign', held)).filter(([key]) => !names.includes(key))),
    );

const unusable: readonly [string, (held: Consented) => string | Buffer, Reason][] = [
  ['text that is no JSON', () => 'refresh_token=abc', 'content_not_json'],
  ['JSON cut short', (held) => whole(held).slice(0, -2), 'content_not_json'],
  ['a JSON string', (held) => JSON.stringify(held.refreshToken), 'content_not_object'],
  ['an array', (held) => `[${whole(held)}]`, 'content_not_object'],
  ['null', () => 'null', 'content_not_object'],
  ['no provider', without('provider'), 'provider_missing'],
  ['a provider nobody configured', changed({ provider: 'docusing' }), 'provider_unknown'],
  ['an environment the provider has not', changed({ environment: 'staging' }), 'environment_unknown'],
  [
    'an environment named like a property of every object',
    changed({ environment: 'constructor' }),
    'environment_unknown',
  ],
  ['no client', without('client'), 'client_missing'],
  ['a member given twice', (held) => whole(held).replace('{', '{"refresh_token":"another",'), 'duplicate_key'],
  [
    'a member in two other spellings',
    (held) => whole(held).replace('"refresh_token"', '"refreshToken":"another","RefreshToken"'),
    'duplicate_key',
  ],
  ['our own section taken by something else', changed({ pilotlight: 'theirs' }), 'forbidden_key'],
  ['bytes that are no text', () => Buffer.from([0xff, 0xfe, 0x00, 0x80]), 'binary_not_text'],
];

describe('content that cannot be used', () => {
  test.each(unusable)('%s: nothing is posted, and mended it is refreshed', async (_, content, reason) => {
    const held = bench.connect({ provider: 'docusign', connection: 'acme', scope: 'signature extended' });
    bench.clock.turn(12 * day);
    const broken = content(held);
    bench.double.secrets.put('acme', broken);
    const before = bench.double.secrets.versions('acme');

    await bench.inventory();
    expect(await bench.entry('acme')).toMatchObject({ state: 'invalid', reason });
    expect(await bench.rotate('acme', 'manual')).toMatchObject({ outcome: 'quarantined', reason });
    expect(bench.sandbox.oracle.presentations()).toEqual([]);
    expect(bench.double.secrets.versions('acme')).toEqual(before);
    expect(bench.double.secrets.tags('acme')).toEqual({ 'pilotlight:managed': 'true' });
    expect(await bench.spoolFiles()).toEqual([]);

    bench.double.secrets.put('acme', whole(held));
    await bench.inventory();
    expect(await bench.entry('acme')).toMatchObject({ state: 'active', reason: 'none' });
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
    expect(bench.document('acme').refresh_token).toBe(bench.sandbox.oracle.liveToken('acme'));
  });

  test.each([
    ['no refresh token', without('refresh_token')],
    ['null for a refresh token', changed({ refresh_token: null })],
    ['an empty refresh token', changed({ refresh_token: '' })],
    ['a blank refresh token', changed({ refresh_token: ' \n' })],
    ['a placeholder', changed({ refresh_token: 'changeme' })],
    ['a placeholder in brackets', changed({ refresh_token: '<your refresh token>' })],
  ] as const)('%s: the customer is asked at once, without a failed authentication', async (_, content) => {
    const held = bench.connect({ provider: 'docusign', connection: 'acme', scope: 'signature extended' });
    bench.clock.turn(12 * day);
    const judged = bench.double.secrets.put('acme', content(held));

    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'needsConsent', reason: 'refresh_token_missing' });
    expect(bench.sandbox.oracle.presentations()).toEqual([]);
    expect(bench.double.secrets.current('acme')?.versionId).toBe(judged);
    expect(bench.double.secrets.tags('acme')).toMatchObject({
      'pilotlight:state': 'reauth_required',
      'pilotlight:reason': 'refresh_token_missing',
      'pilotlight:version': judged,
    });
    expect(await bench.entry('acme')).toMatchObject({ state: 'reauth_required', nextAt: null });

    bench.double.secrets.put('acme', whole(held));
    await bench.inventory();
    expect(bench.double.secrets.tags('acme')).toEqual({ 'pilotlight:managed': 'true' });
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
  });

  test('a member that every object has by nature is kept and harms nothing', async () => {
    const held = bench.connect({ provider: 'docusign', connection: 'acme', scope: 'signature extended' });
    bench.clock.turn(12 * day);
    bench.double.secrets.put(
      'acme',
      whole(held).replace('{', '{"__proto__":{"refresh_token":"hostile"},"constructor":1,'),
    );
    const report = await bench.rotate('acme');
    const text = String(bench.double.secrets.current('acme')?.value);
    if (report.outcome === 'rotated')
      expect(text).toContain('{"__proto__":{"refresh_token":"hostile"},"constructor":1,');
    else expect(report).toMatchObject({ outcome: 'quarantined', reason: 'forbidden_key' });
    expect(Object.hasOwn({}, 'refresh_token')).toBe(false);
  });
});
