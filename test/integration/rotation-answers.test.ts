/**
 * What may come with a 2xx (bad-inputs 4a, 1 to 40): the token is kept whatever else is odd; a token that cannot be believed
 * is quarantined with its answer sealed, nothing is written, and nobody is asked to consent.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startAcmeBench } from '../support/acme-bench.ts';
import { day, hour, type RotationBench, rigClient, startRotationBench } from '../support/rotation-bench.ts';

let bench: RotationBench;
beforeEach(async () => {
  bench = await startAcmeBench();
});
afterEach(() => bench.stop());

const answer = (body: unknown, status = 200, headers: Record<string, string> = {}) =>
  bench.sandbox.faults.inject(
    { kind: 'answer', when: 'before', status, body, headers },
    { times: 1, connection: 'acme' },
  );
const next = 'PLTOKEN-the-next-refresh-token';
const good = { access_token: 'PLTOKEN-access', token_type: 'Bearer', refresh_token: next, expires_in: 28_800 };
const clientHealth = async () => (await bench.services.clients.list())[0]?.health;

describe('odd, and kept', () => {
  test.each([
    ['no access token', { refresh_token: next }, {}, ['access_token_missing']],
    ['an unusual token type', { ...good, token_type: 'mac' }, {}, ['token_type_unusual']],
    ['no token type', { ...good, token_type: undefined }, {}, []],
    ['expires_in as text', { ...good, expires_in: '28800' }, {}, []],
    ['a negative expires_in', { ...good, expires_in: -1 }, {}, ['expires_in_unusable']],
    ['an expires_in of milliseconds since 1970', { ...good, expires_in: '1596346168704' }, {}, undefined],
    ['an expires_in beyond every number', JSON.stringify(good).replace('28800', '1e999'), {}, undefined],
    ['a content type of a page', JSON.stringify(good), { 'content-type': 'text/html' }, ['content_type_unusual']],
    ['no content type', JSON.stringify(good), { 'content-type': '' }, undefined],
    ['a byte order mark', `\ufeff${JSON.stringify(good)}`, {}, undefined],
    [
      'a form instead of JSON',
      new URLSearchParams({ access_token: 'PLTOKEN-a', refresh_token: next }).toString(),
      { 'content-type': 'application/x-www-form-urlencoded' },
      ['form_encoded'],
    ],
    [
      'members that every object has by nature',
      `{"__proto__":{"x":1},"constructor":1,${JSON.stringify(good).slice(1)}`,
      {},
      undefined,
    ],
    ['an error beside the tokens', { ...good, error: 'warning' }, {}, ['error_in_success']],
  ] as const)('%s', async (_, body, headers, oddities) => {
    const fault = answer(body, 200, headers);
    const report = await bench.rotate('acme');
    expect(fault.fired()).toBe(1);
    expect(report).toMatchObject({ outcome: 'rotated' });
    if (oddities !== undefined) expect(report.oddities).toEqual(oddities);
    expect(bench.document('acme').refresh_token).toBe(next);
    const entry = await bench.entry('acme');
    expect(entry?.nextAt).toBeGreaterThan(bench.clock.now() + 8 * day);
    expect(entry?.nextAt).toBeLessThan(bench.clock.now() + 12 * day);
    expect(Date.parse(String(bench.document('acme').expires_at ?? '2026-12-02T16:00:00Z'))).toBeLessThan(
      bench.clock.now() + 366 * day,
    );
    expect(await bench.spoolFiles()).toEqual([]);
  });

  test('a token with blanks around it is kept verbatim', async () => {
    answer({ ...good, refresh_token: ` ${next} ` });
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated', oddities: ['refresh_token_padded'] });
    expect(bench.document('acme').refresh_token).toBe(` ${next} `);
  });

  test.each([
    ['none', undefined, 'refresh_token_missing'],
    ['null', null, 'refresh_token_missing'],
    ['an empty one', '', 'refresh_token_empty'],
  ])('%s for a new refresh token: the old one stays, and the operator hears', async (_, refresh_token, oddity) => {
    const old = bench.document('acme').refresh_token;
    answer({ ...good, refresh_token });
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated', oddities: [oddity] });
    expect(bench.document('acme')).toMatchObject({ refresh_token: old, access_token: good.access_token });
    bench.clock.turn(12 * day);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
  });

  test('the same token again is kept and never counted as spent', async () => {
    const old = bench.document('acme').refresh_token;
    answer({ ...good, refresh_token: old });
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated', oddities: ['refresh_token_same'] });
    bench.clock.turn(12 * day);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
    expect(bench.document('acme').refresh_token).toBe(bench.sandbox.oracle.liveToken('acme'));
  });
});

const hold = 'held because it cannot be believed';

describe(hold, () => {
  async function expectQuarantined(reason: string, before: unknown) {
    expect(bench.double.secrets.current('acme')).toEqual(before);
    expect(bench.double.secrets.tags('acme')).toEqual({ 'pilotlight:managed': 'true' });
    expect(await bench.entry('acme')).toMatchObject({ state: 'quarantined', reason, nextAt: null });
    expect(await bench.spoolFiles()).toHaveLength(1);
    const seen = bench.sandbox.oracle.presentations('acme').length;
    bench.clock.turn(2 * day);
    await bench.inventory();
    for (const one of await bench.recover()) expect(one.outcome).not.toBe('rotated');
    expect(await bench.rotate('acme', 'manual')).toMatchObject({ outcome: 'quarantined', reason });
    expect(bench.sandbox.oracle.presentations('acme')).toHaveLength(seen);
    expect(await bench.spoolFiles()).toHaveLength(1);
    expect(await bench.entry('acme')).toMatchObject({ state: 'quarantined', reason });
  }

  test.each([
    ['a number for a refresh token', { ...good, refresh_token: 12_345 }],
    ['an object for a refresh token', { ...good, refresh_token: { value: next } }],
    ['a list of refresh tokens', { ...good, refresh_token: [next] }],
    ['a refresh token with control characters', { ...good, refresh_token: `${next}\u0000` }],
    ['a refresh token with half a surrogate', `{"access_token":"a","refresh_token":"${next}\\ud800"}`],
    ['two refresh tokens', `{"access_token":"a","refresh_token":"${next}","refresh_token":"another"}`],
    ['a refresh token of 9 KB', { ...good, refresh_token: 'x'.repeat(9_000) }],
    ['JSON with comments', `/* hello */ ${JSON.stringify(good)},`],
    ['two documents in one', JSON.stringify(good) + JSON.stringify(good)],
    ['UTF-16', Buffer.from(JSON.stringify(good), 'utf16le')],
    [
      'bytes that are no text',
      Buffer.concat([
        Buffer.from('{"access_token":"a","refresh_token":"'),
        Buffer.from([0xff, 0xfe]),
        Buffer.from('"}'),
      ]),
    ],
    ['XML', `<token><refresh_token>${next}</refresh_token></token>`],
    ['JSON without a token', { hello: 'world' }],
  ])('%s', async (_, body) => {
    const before = bench.double.secrets.current('acme');
    answer(body);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'quarantined', reason: 'answer_not_understood' });
    await expectQuarantined('answer_not_understood', before);
  });

  test("another connection's token", async () => {
    const other = bench.connect({ provider: 'docusign', connection: 'other', scope: 'signature extended' });
    await bench.inventory();
    const before = bench.double.secrets.current('acme');
    answer({ ...good, refresh_token: other.refreshToken });
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'quarantined', reason: 'token_of_another_connection' });
    await expectQuarantined('token_of_another_connection', before);
    expect(bench.document('other').refresh_token).toBe(other.refreshToken);
  });

  test('a token of this connection that is spent', async () => {
    const spent = bench.document('acme').refresh_token;
    for (let round = 0; round < 2; round++) {
      expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
      bench.clock.turn(12 * day);
    }
    const before = bench.double.secrets.current('acme');
    answer({ ...good, refresh_token: spent });
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'quarantined', reason: 'token_replayed' });
    await expectQuarantined('token_replayed', before);
  });

  test('from several connections of one client: its breaker opens', async () => {
    for (const connection of ['b', 'c'])
      bench.connect({ provider: 'docusign', connection, scope: 'signature extended' });
    await bench.inventory();
    bench.clock.turn(12 * day);
    bench.sandbox.faults.inject(
      { kind: 'answer', when: 'before', status: 200, body: { hello: 'world' } },
      { times: 3 },
    );
    const opened = [];
    for (const id of ['acme', 'b', 'c']) opened.push((await bench.rotate(id)).breakerOpened);
    expect(opened).toEqual([false, false, true]);
    expect(await clientHealth()).toMatchObject({ breaker: 'open' });
  });

  test('ends with a new consent: the connection lives on, and the held answer stays for a person to look at until then', async () => {
    answer({ hello: 'world' });
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'quarantined' });
    const { refreshToken } = bench.sandbox.grants.create({
      provider: 'docusign',
      connection: 'acme',
      scope: 'signature extended',
      client: rigClient,
    });
    bench.clock.turn(hour);
    bench.save('acme', { refresh_token: refreshToken, consented_at: new Date(bench.clock.now()).toISOString() });
    await bench.inventory();
    expect(await bench.entry('acme')).toMatchObject({ state: 'active' });
    await bench.recover();
    expect(await bench.entry('acme')).toMatchObject({ state: 'active' });
    bench.clock.turn(12 * day);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
    expect(bench.document('acme').refresh_token).toBe(bench.sandbox.oracle.liveToken('acme'));
  });

  test('is told once, and does not keep the client under suspicion once it succeeds', async () => {
    bench.connect({ provider: 'docusign', connection: 'other', scope: 'signature extended' });
    await bench.inventory();
    answer({ hello: 'world' });
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'quarantined' });
    expect((await clientHealth())?.suspects).toBe(1);
    bench.clock.turn(12 * day);
    expect(await bench.rotate('other')).toMatchObject({ outcome: 'rotated' });
    const told = () =>
      bench.reports.filter(({ outcome, toldBefore }) => outcome === 'quarantined' && toldBefore !== true).length;
    expect(told()).toBe(1);
    for (let pass = 0; pass < 3; pass++) await bench.recover();
    expect((await clientHealth())?.suspects).toBe(0);
    expect(told()).toBe(1);
  });

  test('is read again by a process whose provider file understands it', async () => {
    await bench.stop();
    bench = await startRotationBench({
      change: (config) => ({
        ...config,
        providers: {
          ...config.providers,
          ...(config.providers.docusign && {
            docusign: {
              ...config.providers.docusign,
              answer: { ...config.providers.docusign.answer, wrappedIn: 'data' },
            },
          }),
        },
      }),
    });
    bench.connect({ provider: 'docusign', connection: 'acme', scope: 'signature extended' });
    await bench.inventory();
    bench.clock.turn(12 * day);
    answer({ code: 0, data: good });
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
    expect(bench.document('acme').refresh_token).toBe(next);
  });
});
