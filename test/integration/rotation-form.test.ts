/**
 * Secrets in an unusual form, and secrets that are not ours to refresh (bad-inputs 4b, 73 to 78, 87, 89, 90, 92, 93): what the
 * customer wrote survives byte for byte, and what must be left alone is.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Consented } from '../../src/sandbox/providers/sandbox.ts';
import { changed, whole } from '../support/docusign-content.ts';
import { day, hour, type RotationBench, startRotationBench } from '../support/rotation-bench.ts';
import { documentOf } from '../support/world.ts';

let bench: RotationBench;
beforeEach(async () => {
  bench = await startRotationBench();
});
afterEach(() => bench.stop());

describe('content in an unusual form', () => {
  test.each([
    [
      'a byte order mark and Windows line ends',
      (held: Consented) =>
        `\ufeff${JSON.stringify(documentOf('docusign', held), null, 2).replaceAll('\n', '\r\n')}\r\n`,
    ],
    [
      'everything else the customer wrote, numbers as they spelt them included',
      (held: Consented) =>
        changed({ 'x-note': 'do not touch', nested: { deep: [1, 2.5, 'é'] }, big: 0 })(held).replace(
          '"big":0',
          '"big": 12345678901234567890.10',
        ),
    ],
  ])('%s survives a refresh byte for byte', async (_, content) => {
    const held = bench.connect({ provider: 'docusign', connection: 'acme', scope: 'signature extended' });
    bench.clock.turn(12 * day);
    const found = content(held);
    bench.double.secrets.put('acme', found);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
    const written = String(bench.double.secrets.current('acme')?.value);
    const live = String(bench.sandbox.oracle.liveToken('acme'));
    const own = /,\s*"pilotlight":\s*\{[^}]*\}/;
    const changing = /,\s*"(refresh_token|access_token|expires_at|refreshed_at)":\s*"[^"]*"/g;
    expect(written).toContain(live);
    expect(written.replace(own, '').replace(changing, '')).toBe(found.replace(changing, ''));
  });

  test('names in another spelling are found and written back under it', async () => {
    const held = bench.connect({ provider: 'docusign', connection: 'acme', scope: 'signature extended' });
    bench.clock.turn(12 * day);
    const { refresh_token, access_token, ...rest } = documentOf('docusign', held);
    bench.double.secrets.put(
      'acme',
      JSON.stringify({ ...rest, RefreshToken: refresh_token, accessToken: access_token }),
    );
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
    const document = bench.document('acme');
    expect(document.RefreshToken).toBe(bench.sandbox.oracle.liveToken('acme'));
    expect(document).not.toHaveProperty('refresh_token');
    expect(document).not.toHaveProperty('access_token');
    expect(document.accessToken).not.toBe(access_token);
  });

  test('bytes are read as text and written back as bytes', async () => {
    const held = bench.connect({ provider: 'docusign', connection: 'acme', scope: 'signature extended' });
    bench.clock.turn(12 * day);
    bench.double.secrets.put('acme', Buffer.from(whole(held)));
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
    const value = bench.double.secrets.current('acme')?.value;
    expect(Buffer.isBuffer(value)).toBe(true);
    expect(JSON.parse(String(value)).refresh_token).toBe(bench.sandbox.oracle.liveToken('acme'));
  });

  test.each([
    ['in the past', '1999-01-01T00:00:00Z'],
    ['in the year 9999', '9999-12-31T23:59:59Z'],
    ['in seconds', 1_763_625_600],
    ['no date at all', 'tomorrow'],
    ['beyond every number', 1e300],
  ])('an expires_at %s changes nothing about when it is refreshed', async (_, expires_at) => {
    bench.connect({ provider: 'docusign', connection: 'acme', scope: 'signature extended' }, { expires_at });
    await bench.inventory();
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'notDue' });
    bench.clock.turn(12 * day);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
    expect(await bench.entry('acme')).toMatchObject({ state: 'active' });
  });
});

describe('a secret that is not ours to refresh', () => {
  const live = () => bench.sandbox.oracle.liveToken('acme');
  const unposted = () => expect(bench.sandbox.oracle.presentations()).toEqual([]);

  test('a value that could outgrow the limit of 65,536 bytes is refused before its token is spent', async () => {
    const padding = 'x'.repeat(60_000);
    bench.connect({ provider: 'docusign', connection: 'acme', scope: 'signature extended' }, { padding });
    bench.clock.turn(12 * day);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'quarantined', reason: 'too_large' });
    unposted();
    expect(await bench.entry('acme')).toMatchObject({ state: 'invalid', reason: 'too_large' });
    bench.save('acme', { padding: 'x' });
    await bench.inventory();
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
  });

  test.each([
    ['http://api.na1.adobesign.com/', 'plain HTTP'],
    ['https://adobesign.example/', 'a foreign host'],
    ['https://api.na1.adobesign.com.evil.example/', 'a host that begins like the right one'],
    ['https://user@api.na1.adobesign.com/', 'user information'],
    ['https://api.na1.adobesign.com:8443/', 'a port'],
    ['https://169.254.169.254/', 'an address'],
  ])('an access point at %s (%s) gets nothing', async (api_access_point) => {
    bench.connect({ provider: 'adobe-acrobat-sign', connection: 'acme' }, { api_access_point });
    bench.clock.turn(25 * day);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'quarantined', reason: 'host_not_allowed' });
    unposted();
    bench.save('acme', { api_access_point: 'https://api.na1.adobesign.com/' });
    await bench.inventory();
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
  });

  test('a secret tagged for another installation is left alone until the tag goes', async () => {
    bench.connect(
      { provider: 'docusign', connection: 'acme', scope: 'signature extended' },
      {},
      { 'pilotlight:environment': 'staging' },
    );
    bench.clock.turn(12 * day);
    await bench.inventory();
    expect(await bench.rotate('acme', 'manual')).toMatchObject({
      outcome: 'quarantined',
      reason: 'environment_mismatch',
    });
    unposted();
    bench.double.secrets.tag('acme', { 'pilotlight:environment': 'production' });
    await bench.inventory();
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
  });

  test('a read-only replica is refused', async () => {
    const held = bench.sandbox.grants.create({
      provider: 'docusign',
      connection: 'acme',
      scope: 'signature extended',
      client: { clientId: 'rig-client', clientSecret: 'any' },
    });
    bench.double.secrets.seed([
      { name: 'acme', value: whole(held), tags: { 'pilotlight:managed': 'true' }, primaryRegion: 'eu-west-1' },
    ]);
    bench.clock.turn(12 * day);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'quarantined', reason: 'replica' });
    unposted();
  });

  test('a secret that Secrets Manager itself is rotating is left alone until it is done', async () => {
    bench.connect({ provider: 'docusign', connection: 'acme', scope: 'signature extended' });
    bench.clock.turn(12 * day);
    const theirs = bench.double.secrets.put('acme', '{}', { stages: ['AWSPENDING'] });
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'quarantined', reason: 'foreign_rotation' });
    unposted();
    bench.double.secrets.moveStage('acme', 'AWSPENDING', { from: theirs });
    bench.clock.turn(6 * hour);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
    expect(bench.document('acme').refresh_token).toBe(live());
  });

  test('a client_credentials connection is refused, because it holds nothing to keep alive', async () => {
    bench.connect({ provider: 'esignglobal', connection: 'acme' }, { grant_type: 'client_credentials' });
    bench.clock.turn(12 * day);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'quarantined', reason: 'grant_holds_nothing' });
    unposted();
    expect(bench.config.providers.esignglobal?.refuseGrants.client_credentials).toMatch(/nothing to keep alive/);
  });

  test('a client nobody configured is told, and a configured one refreshed', async () => {
    bench.connect({ provider: 'docusign', connection: 'acme', scope: 'signature extended' }, { client: 'unheard-of' });
    bench.clock.turn(12 * day);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'retryLater', reason: 'client_secret_missing' });
    unposted();
    expect(await bench.entry('acme')).toMatchObject({ state: 'retrying', reason: 'client_secret_missing' });
    bench.save('acme', { client: 'rig' });
    bench.clock.turn(2 * hour);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
  });
});
