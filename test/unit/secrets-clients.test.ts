/** Client credentials: where they come from, how long they are kept, and what is said when they are not usable. */
import { describe, expect, test } from 'vitest';
import { type SecretValue, type SecretVersion, stage } from '../../src/rotation/ports.ts';
import { type Clock, systemClock } from '../../src/runtime/clock.ts';
import { PilotlightError } from '../../src/runtime/errors.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { type ClientSource, createClientRegistry } from '../../src/secrets/clients.ts';
import { printed, text } from '../support/store-fixture.ts';

/** A store that answers with what it is given next, and counts. */
function fakeStore(answer: (name: string) => SecretValue | Promise<SecretValue>) {
  const reads: string[] = [];
  return {
    reads,
    async read(name: string): Promise<SecretVersion> {
      reads.push(name);
      return { versionId: 'v', stages: [stage.current], createdAt: 0, value: await answer(name) };
    },
  };
}

function turnable(): Clock & { at: number } {
  return {
    ...systemClock(),
    at: 0,
    monotonic(): number {
      return this.at;
    },
  };
}

const good = JSON.stringify({
  client_id: 'id-1',
  client_secret: 'canary-secret',
  previous_client_secret: 'canary-old',
});
const clients: Record<string, ClientSource> = {
  main: { secret: 'clients/main' },
  open: { secret: 'clients/open', publicClient: true },
  env: { clientId: 'id-env', clientSecret: new Secret('from-env') },
};

function registry(answer: string | SecretValue | (() => SecretValue | Promise<SecretValue>) = good) {
  const value = typeof answer === 'string' ? text(answer) : answer;
  const store = fakeStore(typeof value === 'function' ? value : () => value);
  const clock = turnable();
  return { store, clock, clients: createClientRegistry({ store, clients, clock }) };
}

async function failureOf(call: Promise<unknown>): Promise<PilotlightError> {
  return call.then(
    () => expect.unreachable('it should fail'),
    (error: PilotlightError) => error,
  );
}

describe('credentials', () => {
  test('come from the secret, with the previous one where there is one', async () => {
    const found = await registry().clients.credentials('main');
    expect(found.clientId).toBe('id-1');
    expect(found.clientSecret?.reveal()).toBe('canary-secret');
    expect(found.previousClientSecret?.reveal()).toBe('canary-old');
    expect(JSON.stringify(found)).not.toMatch(/canary/);
  });

  test('come from the configuration without asking the store', async () => {
    const { store, clients: made } = registry();
    expect((await made.credentials('env')).clientSecret?.reveal()).toBe('from-env');
    expect(store.reads).toEqual([]);
  });

  test('may be bytes, may begin with a byte order mark, and may hold other fields', async () => {
    const bytes = { binary: Buffer.from(`\uFEFF${good}\r\n`) };
    expect((await registry(bytes).clients.credentials('main')).clientId).toBe('id-1');
    const more = JSON.stringify({ client_id: 'id-2', client_secret: 's', note: 'ours', previous_client_secret: null });
    expect(await registry(more).clients.credentials('main')).toEqual({
      clientId: 'id-2',
      clientSecret: new Secret('s'),
    });
  });

  test('of a public client need no secret', async () => {
    expect(await registry('{"client_id":"id-3"}').clients.credentials('open')).toEqual({ clientId: 'id-3' });
  });
});

describe('keeping', () => {
  test('asks the store once a minute of monotonic time', async () => {
    const { store, clock, clients: made } = registry();
    await made.credentials('main');
    clock.at = 59_999;
    await made.credentials('main');
    expect(store.reads).toHaveLength(1);
    clock.at = 60_000;
    await made.credentials('main');
    expect(store.reads).toHaveLength(2);
  });

  test('asks once for many that wait', async () => {
    const { store, clients: made } = registry();
    await Promise.all(Array.from({ length: 50 }, () => made.credentials('main')));
    expect(store.reads).toHaveLength(1);
  });

  test('reads again at once after a rejection, and does not keep a read that began before it', async () => {
    const answers = [Promise.withResolvers<SecretValue>(), Promise.withResolvers<SecretValue>()];
    let asked = 0;
    const { store, clients: made } = registry(() => answers[asked++]?.promise ?? text(good));
    const early = made.credentials('main');
    made.forget('main');
    const late = made.credentials('main');
    answers[0]?.resolve(text('{"client_id":"old","client_secret":"s"}'));
    answers[1]?.resolve(text('{"client_id":"new","client_secret":"s"}'));
    expect([(await early).clientId, (await late).clientId]).toEqual(['old', 'new']);
    expect((await made.credentials('main')).clientId).toBe('new');
    expect(store.reads).toHaveLength(2);
  });

  test('goes on with what is known while the store is out of reach, but not after a rejection', async () => {
    let down = false;
    const { clock, clients: made } = registry(() => {
      if (down) throw new PilotlightError('store_unavailable', 'GetSecretValue of clients/main failed');
      return text(good);
    });
    await made.credentials('main');
    down = true;
    clock.at = 120_000;
    expect((await made.credentials('main')).clientId).toBe('id-1');
    made.forget('main');
    expect(await failureOf(made.credentials('main'))).toMatchObject({ code: 'client_unavailable' });
  });

  test('does not go on with them when they were taken away', async () => {
    let code: 'store_denied' | 'store_not_found' | undefined;
    const { clock, clients: made } = registry(() => {
      if (code !== undefined) throw new PilotlightError(code, 'gone');
      return text(good);
    });
    await made.credentials('main');
    for (code of ['store_denied', 'store_not_found'] as const) {
      clock.at += 60_000;
      expect((await failureOf(made.credentials('main'))).code).toBe('client_unavailable');
    }
  });

  test('does not keep a failure', async () => {
    let content = 'not json';
    const { clients: made } = registry(() => text(content));
    await failureOf(made.credentials('main'));
    content = good;
    expect((await made.credentials('main')).clientId).toBe('id-1');
  });
});

describe('what is wrong is said by client, secret and field, and never quoted', () => {
  test.each([
    ['canary not json', /is not JSON/],
    ['"canary"', /no JSON object/],
    ['["canary"]', /no JSON object/],
    ['null', /no JSON object/],
    ['{"client_secret":"canary"}', /has no client_id/],
    ['{"client_id":"canary"}', /has no client_secret/],
    ['{"client_id":"","client_secret":"canary"}', /has no client_id/],
    ['{"client_id":12345,"client_secret":"canary"}', /client_id that is no text/],
    ['{"client_id":"canary","client_secret":{"a":"canary"}}', /client_secret that is no text/],
    ['{"client_id":"canary","client_secret":"canary\\n"}', /client_secret with white space/],
    [
      '{"client_id":"canary","client_secret":"canary","previous_client_secret":" canary"}',
      /previous_client_secret with white/,
    ],
    ['{"__proto__":{"client_id":"canary","client_secret":"canary"}}', /has no client_id/],
  ])('%s', async (content, problem) => {
    const failure = await failureOf(registry(content).clients.credentials('main'));
    expect(failure.code).toBe('client_unavailable');
    expect(failure.message).toMatch(problem);
    expect(failure.message).toContain('client main');
    expect(failure.message).toContain('clients/main');
    expect(printed(failure)).not.toMatch(/canary/);
  });

  test('bytes that are no text', async () => {
    const failure = await failureOf(registry({ binary: Buffer.from([255, 254, 0]) }).clients.credentials('main'));
    expect(failure.message).toMatch(/bytes that are no text/);
  });

  test('a client nobody configured, even one named like a built-in', async () => {
    for (const name of ['unknown', '__proto__', 'constructor']) {
      const failure = await failureOf(registry().clients.credentials(name));
      expect(failure).toMatchObject({ code: 'client_unavailable', message: expect.stringContaining(name) });
    }
  });

  test('the store’s own error, and nothing of an error that is not ours', async () => {
    const denied = registry(() => {
      throw new PilotlightError('store_denied', 'GetSecretValue of clients/main failed: allow it');
    });
    expect((await failureOf(denied.clients.credentials('main'))).message).toMatch(/allow it/);
    const strange = registry(() => {
      throw new TypeError('canary');
    });
    expect((await failureOf(strange.clients.credentials('main'))).message).not.toMatch(/canary/);
  });
});
