/** Whose fault a refusal is: clients rejected, secrets being rotated, throttling, holds, and what never follows from them. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { clientHealth, connectAll, expectAlive } from '../support/client-bench.ts';
import {
  day,
  hour,
  minute,
  otherClient,
  type RotationBench,
  rigClient,
  startRotationBench,
} from '../support/rotation-bench.ts';

let bench: RotationBench;
beforeEach(async () => {
  bench = await startRotationBench();
});
afterEach(() => bench.stop());

describe('invalid_client', () => {
  test('opens the breaker of the client at once, pages once and touches no connection', async () => {
    await connectAll(bench, 'oauth2', 'a', 'b', 'c');
    bench.sandbox.clients.setSecrets('oauth2', rigClient.clientId, ['another']);
    expect(await bench.rotate('a')).toMatchObject({
      outcome: 'misconfigured',
      reason: 'client_rejected',
      status: 401,
      error: 'invalid_client',
      breakerOpened: true,
    });
    expect(await bench.entry('a')).toMatchObject({ state: 'blocked', reason: 'client_rejected' });
    for (const id of ['b', 'c']) {
      expect(await bench.rotate(id)).toMatchObject({ outcome: 'retryLater', reason: 'client_rejected' });
      expect(await bench.entry(id)).toMatchObject({ state: 'blocked', nextAt: bench.clock.now() });
    }
    expect(bench.sandbox.oracle.presentations()).toHaveLength(1);
    const second = await bench.rotate('b', 'probe');
    expect(second).toMatchObject({ outcome: 'misconfigured' });
    expect(second.breakerOpened).toBe(false);
    await expectAlive(bench, 'a', 'b', 'c');

    bench.sandbox.clients.setSecrets('oauth2', rigClient.clientId, [rigClient.clientSecret]);
    expect(await bench.rotate('c', 'probe')).toMatchObject({ outcome: 'rotated' });
    expect(await clientHealth(bench)).toMatchObject({ breaker: 'closed', suspects: 0 });
    for (const id of ['a', 'b']) expect(await bench.rotate(id)).toMatchObject({ outcome: 'rotated' });
    await expectAlive(bench, 'a', 'b', 'c');
  });

  test('of one client leaves another one at the same provider alone', async () => {
    await connectAll(bench, 'oauth2', 'a');
    bench.connect({ provider: 'oauth2', connection: 'b', client: otherClient }, { client: 'other' });
    bench.clock.turn(12 * day);
    bench.sandbox.clients.setSecrets('oauth2', rigClient.clientId, ['another']);
    expect(await bench.rotate('a')).toMatchObject({ outcome: 'misconfigured' });
    expect(await bench.rotate('b')).toMatchObject({ outcome: 'rotated' });
  });

  test('does not keep a connection within a day of its death from trying', async () => {
    await connectAll(bench, 'oauth2', 'a', 'b');
    bench.sandbox.clients.setSecrets('oauth2', rigClient.clientId, ['another']);
    expect(await bench.rotate('a')).toMatchObject({ outcome: 'misconfigured' });
    bench.clock.turn(4 * day + hour);
    expect(await bench.rotate('b')).toMatchObject({ outcome: 'misconfigured' });
    bench.sandbox.clients.setSecrets('oauth2', rigClient.clientId, [rigClient.clientSecret]);
    expect(await bench.rotate('b')).toMatchObject({ outcome: 'rotated' });
  });

  test('a client secret corrected in the store helps without a restart', async () => {
    await connectAll(bench, 'oauth2', 'a');
    bench.sandbox.clients.setSecrets('oauth2', rigClient.clientId, ['new secret']);
    expect(await bench.rotate('a')).toMatchObject({ outcome: 'misconfigured' });
    bench.double.secrets.put(
      'clients/rig',
      JSON.stringify({ client_id: rigClient.clientId, client_secret: 'new secret' }),
    );
    expect(await bench.rotate('a', 'probe')).toMatchObject({ outcome: 'rotated' });
  });

  test('a client secret that is gone or broken stops the rotation before the request', async () => {
    await connectAll(bench, 'oauth2', 'a');
    for (const broken of ['{', '{"client_id":"x"}', '[]']) {
      bench.double.secrets.put('clients/rig', broken);
      expect(await bench.rotate('a', 'manual')).toMatchObject({
        outcome: 'retryLater',
        reason: 'client_secret_missing',
      });
    }
    bench.double.secrets.delete('clients/rig', { force: true });
    expect(await bench.rotate('a', 'manual')).toMatchObject({ outcome: 'retryLater', reason: 'client_secret_missing' });
    expect(bench.sandbox.oracle.presentations()).toEqual([]);
    bench.double.secrets.create(
      'clients/rig',
      JSON.stringify({ client_id: rigClient.clientId, client_secret: rigClient.clientSecret }),
    );
    expect(await bench.rotate('a', 'manual')).toMatchObject({ outcome: 'rotated' });
    await expectAlive(bench, 'a');
  });
});

describe('a client secret while it is rotated', () => {
  const write = (client_secret: string, previous_client_secret?: string) =>
    bench.double.secrets.put(
      'clients/rig',
      JSON.stringify({ client_id: rigClient.clientId, client_secret, previous_client_secret }),
    );

  test.each([
    'oauth2',
    'docusign',
  ])('the provider (%s) still takes only the previous one: it is used, and no connection waits for it', async (provider) => {
    await connectAll(bench, provider, 'a', 'b', 'c', 'd');
    write('tomorrow', rigClient.clientSecret);
    const outcomes: string[] = [];
    for (const id of ['a', 'b', 'c', 'd', 'a', 'b', 'c', 'd']) {
      if (outcomes.length === 4) bench.clock.turn(15 * minute);
      outcomes.push((await bench.rotate(id, outcomes.length === 4 ? 'probe' : 'due')).outcome);
    }
    expect(outcomes.filter((outcome) => outcome === 'rotated').length).toBeGreaterThanOrEqual(4);
    expect(outcomes).not.toContain('needsConsent');
    if (provider === 'oauth2') expect(outcomes).not.toContain('misconfigured');
    expect(await clientHealth(bench)).toMatchObject({ breaker: 'closed', secret: 'previous' });
    await expectAlive(bench, 'a', 'b', 'c', 'd');
  });

  test('the provider changes over: the current one is used again', async () => {
    await connectAll(bench, 'oauth2', 'a', 'b');
    write('tomorrow', rigClient.clientSecret);
    await bench.rotate('a');
    expect(await bench.rotate('a')).toMatchObject({ outcome: 'rotated' });
    bench.sandbox.clients.setSecrets('oauth2', rigClient.clientId, ['tomorrow']);
    const first = await bench.rotate('b');
    const second = first.outcome === 'rotated' ? first : await bench.rotate('b', 'probe');
    expect(second).toMatchObject({ outcome: 'rotated' });
    expect(await clientHealth(bench)).toMatchObject({ breaker: 'closed', secret: 'current' });
    write('tomorrow');
    bench.clock.turn(12 * day);
    expect(await bench.rotate('a')).toMatchObject({ outcome: 'rotated' });
    await expectAlive(bench, 'a', 'b');
  });

  test('neither is taken: the breaker opens, and nobody is marked', async () => {
    await connectAll(bench, 'oauth2', 'a');
    write('wrong', 'wrong too');
    expect(await bench.rotate('a')).toMatchObject({ outcome: 'retryLater', reason: 'client_rejected' });
    expect(await bench.rotate('a')).toMatchObject({ outcome: 'misconfigured', breakerOpened: true });
    await expectAlive(bench, 'a');
  });
});

describe("DocuSign's way of calling a wrong secret an invalid grant", () => {
  test('several connections of one client refused: the client is the suspect, nobody is flagged, and all recover', async () => {
    const all = ['a', 'b', 'c', 'd', 'e'];
    await connectAll(bench, 'docusign', ...all);
    bench.sandbox.clients.setSecrets('docusign', rigClient.clientId, ['another']);
    for (const id of ['a', 'b'])
      expect(await bench.rotate(id)).toMatchObject({ outcome: 'suspect', breakerOpened: false });
    expect(await bench.rotate('c')).toMatchObject({ outcome: 'suspect', breakerOpened: true });
    expect(await bench.rotate('d')).toMatchObject({ outcome: 'retryLater', reason: 'client_rejected' });
    for (let quarters = 0; quarters < 8; quarters++) {
      bench.clock.turn(15 * minute);
      for (const id of all) expect((await bench.rotate(id)).outcome).not.toBe('needsConsent');
      expect((await bench.rotate('e', 'probe')).outcome).not.toBe('needsConsent');
    }
    await expectAlive(bench, ...all);

    bench.sandbox.clients.setSecrets('docusign', rigClient.clientId, [rigClient.clientSecret]);
    expect(await bench.rotate('e', 'probe')).toMatchObject({ outcome: 'rotated' });
    expect(await clientHealth(bench)).toMatchObject({ breaker: 'closed', suspects: 0 });
    for (const id of ['a', 'b', 'c', 'd']) expect(await bench.rotate(id)).toMatchObject({ outcome: 'rotated' });
    await expectAlive(bench, ...all);
  });

  test('unauthorized_client in its description names the client outright', async () => {
    await connectAll(bench, 'docusign', 'a');
    bench.double.secrets.put('clients/rig', JSON.stringify({ client_id: 'not-registered', client_secret: 'x' }));
    expect(await bench.rotate('a')).toMatchObject({
      outcome: 'misconfigured',
      reason: 'client_rejected',
      breakerOpened: true,
    });
    await expectAlive(bench, 'a');
  });

  test('one success between refusals keeps the breaker closed', async () => {
    await connectAll(bench, 'docusign', 'a', 'b', 'c', 'd');
    for (const id of ['a', 'b', 'c']) bench.sandbox.grants.revoke(id);
    await bench.rotate('a');
    await bench.rotate('b');
    expect(await bench.rotate('d')).toMatchObject({ outcome: 'rotated' });
    expect(await bench.rotate('c')).toMatchObject({ outcome: 'suspect', breakerOpened: false });
    expect(await clientHealth(bench)).toMatchObject({ breaker: 'closed', suspects: 1 });
  });
});
