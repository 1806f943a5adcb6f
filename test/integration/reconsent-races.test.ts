/** A new grant on its way to the store while others write and the store fails: it is never dropped, and overwrites nothing newer. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Secret } from '../../src/runtime/secret.ts';
import {
  deadToken,
  fingerprint,
  pathOf,
  type ReconsentBench,
  startReconsentBench,
  storedDocument,
} from '../support/reconsent-bench.ts';

let bench: ReconsentBench;
let link: string;
beforeEach(async () => {
  bench = await startReconsentBench();
  link = bench.flagged();
});
afterEach(async () => {
  expect(bench.aws.double.faults.unfired()).toEqual([]);
  await bench.stop();
});

const secrets = () => bench.aws.double.secrets;
const save = (change: Record<string, unknown>) =>
  secrets().put('acme', JSON.stringify({ ...bench.document('acme'), ...change }));
const beforeSwap = (call: () => void, times = 1) =>
  bench.aws.double.faults.add({ op: 'UpdateSecretVersionStage', times, what: { call } });
const ourToken = () => bench.authorization.given[1];
const spent = () => (bench.document('acme').pilotlight as { spent: string[] }).spent;
const outcome = () => bench.audited.at(-1)?.outcome;

describe('a lost swap', () => {
  test('to an application that saved another field: the grant goes into their document', async () => {
    beforeSwap(() => save({ note: 'theirs' }));
    expect((await bench.browser().authorise(link)).status).toBe(200);
    expect(bench.document('acme')).toMatchObject({ note: 'theirs', refresh_token: ourToken() });
    expect(spent()).toContain(fingerprint(new Secret(deadToken)));
  });

  test('to a rotation that came through after all: the grant is newer, and their token is known to be spent', async () => {
    beforeSwap(() => save({ refresh_token: 'PLTOKEN-rotated-e84b067f3a9c51d2' }));
    expect((await bench.browser().authorise(link)).status).toBe(200);
    expect(bench.document('acme').refresh_token).toBe(ourToken());
    expect(spent()).toContain(fingerprint(new Secret('PLTOKEN-rotated-e84b067f3a9c51d2')));
  });

  test('to a consent that is newer than ours: theirs stays', async () => {
    const later = new Date(bench.clock.now() + 5_000).toISOString();
    beforeSwap(() => save({ refresh_token: 'PLTOKEN-newer-e84b067f3a9c51d2', consented_at: later }));
    const page = await bench.browser().authorise(link);
    expect([page.status, outcome()]).toEqual([200, 'already_done']);
    expect(bench.document('acme').refresh_token).toBe('PLTOKEN-newer-e84b067f3a9c51d2');
  });

  test('to a document of another account: that one is not taken over', async () => {
    beforeSwap(() => save({ account_id: 'moved' }));
    expect((await bench.browser().authorise(link)).status).toBe(422);
    expect(bench.document('acme').refresh_token).toBe(deadToken);
  });

  test('four times over is won the fifth time', async () => {
    let count = 0;
    const fault = beforeSwap(() => void save({ note: ++count }), 4);
    expect((await bench.browser().authorise(link)).status).toBe(200);
    expect([fault.fired(), bench.document('acme').note, bench.document('acme').refresh_token]).toEqual([
      4,
      4,
      ourToken(),
    ]);
  });

  test('every time is said to have failed', async () => {
    let count = 0;
    const fault = beforeSwap(() => void save({ note: ++count }), 5);
    const page = await bench.browser().authorise(link);
    expect([page.status, outcome(), fault.fired()]).toEqual([500, 'store_failed', 5]);
    expect(page.body).toContain('Your permission could not be stored');
    expect(bench.document('acme')).toMatchObject({ note: 5, refresh_token: deadToken });
  });
});

describe('a store that fails after the code was exchanged', () => {
  test.each([
    'GetSecretValue',
    'DescribeSecret',
    'PutSecretValue',
    'UpdateSecretVersionStage',
  ] as const)('with %s is asked again until it takes the grant', async (op) => {
    const browser = bench.browser();
    const back = bench.authorization.consent(await browser.press(link));
    const add = () => void bench.aws.double.faults.add({ op, what: { error: 'InternalServiceError', status: 500 } });
    bench.authorization.before = add;
    expect((await browser.get(pathOf(back))).status).toBe(200);
    expect(bench.document('acme').refresh_token).toBe(ourToken());
  });

  test.each([
    'PutSecretValue',
    'UpdateSecretVersionStage',
  ] as const)('whose answer to %s is lost has stored it once', async (op) => {
    const fault = bench.aws.double.faults.add({ op, applied: true, what: 'drop' });
    expect((await bench.browser().authorise(link)).status).toBe(200);
    expect(fault.fired()).toBe(1);
    expect(bench.document('acme').refresh_token).toBe(ourToken());
    // The first one, ours, and none between.
    expect(secrets().versions('acme')).toHaveLength(2);
  });

  test('whose swap counted though its answer was lost, and over which the application wrote at once, holds the grant', async () => {
    bench.aws.double.faults.add({ op: 'UpdateSecretVersionStage', applied: true, what: 'drop' });
    bench.aws.double.faults.add({
      op: 'UpdateSecretVersionStage',
      what: { call: () => void save({ note: 'at once' }) },
    });
    expect((await bench.browser().authorise(link)).status).toBe(200);
    expect(bench.document('acme')).toMatchObject({ note: 'at once', refresh_token: ourToken() });
    expect(secrets().versions('acme')).toHaveLength(3);
  });

  test('and goes on failing is said to have failed within the limit; a later try succeeds', async () => {
    const fault = bench.aws.double.faults.add({
      op: 'PutSecretValue',
      times: Number.POSITIVE_INFINITY,
      what: { error: 'AccessDeniedException', status: 400 },
    });
    const page = await bench.browser().authorise(link);
    expect([page.status, outcome()]).toEqual([500, 'store_failed']);
    expect(fault.fired()).toBeGreaterThan(1);
    expect(bench.document('acme')).toMatchObject({ refresh_token: deadToken });
    expect(secrets().tags('acme')).toHaveProperty('pilotlight:state');
    expect(page.body + bench.logText()).not.toContain(ourToken());
    fault.remove();
    expect((await bench.browser().authorise(link)).status).toBe(200);
    expect(bench.document('acme').refresh_token).toBe(bench.authorization.given.at(-2));
  });

  test('before it, nothing is spent: the page says to wait', async () => {
    const browser = bench.browser();
    const back = bench.authorization.consent(await browser.press(link));
    const fault = bench.aws.double.faults.add({
      op: 'DescribeSecret',
      what: { error: 'InternalServiceError', status: 500 },
    });
    expect((await browser.get(pathOf(back))).status).toBe(503);
    expect([fault.fired(), outcome(), bench.authorization.exchanges.length]).toEqual([1, 'not_now', 0]);
  });

  test('only at clearing the flag has stored the grant all the same', async () => {
    const fault = bench.aws.double.faults.add({
      op: 'UntagResource',
      what: { error: 'AccessDeniedException', status: 400 },
    });
    expect((await bench.browser().authorise(link)).status).toBe(200);
    expect([fault.fired(), outcome(), bench.changed]).toEqual([1, 'done', ['acme']]);
    // Void: it names the version before.
    expect(secrets().tags('acme')['pilotlight:version']).not.toBe(secrets().current('acme')?.versionId);
  });
});

test('two tabs that end in the same moment leave one whole grant, and both are told well', async () => {
  const browser = bench.browser();
  const backs = [await browser.press(link), await browser.press(link)].map((page) => bench.authorization.consent(page));
  const both = Promise.withResolvers<void>();
  bench.authorization.before = () => {
    if (bench.authorization.exchanges.length === 2) both.resolve();
    return both.promise;
  };
  const pages = await Promise.all(backs.map((back) => browser.get(pathOf(back))));
  expect(pages.map(({ status }) => status)).toEqual([200, 200]);
  const tokens = bench.authorization.given.filter((text) => text.startsWith('PLTOKEN-new'));
  const kept = String(bench.document('acme').refresh_token);
  expect(tokens).toHaveLength(2);
  expect(tokens).toContain(kept);
  expect(spent()).not.toContain(fingerprint(new Secret(kept)));
});

test('bytes stay bytes, with every byte of the customer around the grant', async () => {
  const text = `\ufeff${JSON.stringify({ ...storedDocument, consented_at: 1_756_684_800 }, null, 4)}\n`;
  secrets().put('acme', Buffer.from(text));
  expect((await bench.browser().authorise(bench.linkOf('acme'))).status).toBe(200);
  const value = secrets().current('acme')?.value;
  expect(Buffer.isBuffer(value)).toBe(true);
  const stored = String(value);
  expect(stored.startsWith('\ufeff{\n    "provider": "docusign",\n')).toBe(true);
  expect(stored.endsWith('}\n')).toBe(true);
  expect(stored).toContain(`"consented_at": ${bench.clock.now() / 1_000}`);
});

test('stopping waits for a callback under way', async () => {
  const browser = bench.browser();
  const back = bench.authorization.consent(await browser.press(link));
  const held = Promise.withResolvers<void>();
  const reached = Promise.withResolvers<void>();
  bench.authorization.before = () => {
    reached.resolve();
    return held.promise;
  };
  const page = browser.get(pathOf(back));
  await reached.promise;
  const settled = bench.reconsent.settled().then(() => outcome());
  held.resolve();
  expect(await settled).toBe('done');
  expect((await page).status).toBe(200);
});
