/** Faults in the sandbox, what the token endpoint makes of each, and what the judge says afterwards. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Secret } from '../../src/runtime/secret.ts';
import type { FaultKind } from '../../src/sandbox/providers/faults.ts';
import { newTokenOf, startProviderBench } from '../support/provider-bench.ts';
import { providerFile } from '../support/provider-files.ts';

let bench: Awaited<ReturnType<typeof startProviderBench>>;
beforeEach(async () => {
  bench = await startProviderBench();
});
afterEach(() => bench.stop());

const consent = () => bench.consent('docusign', { scope: 'signature extended' });

test.each<[string, FaultKind, boolean, string]>([
  ['reset before the request is read', { kind: 'refuse' }, false, 'unanswered connection_reset'],
  ['reset before the commit', { kind: 'drop', when: 'before' }, false, 'unanswered connection_reset'],
  ['reset after the commit', { kind: 'drop', when: 'after' }, true, 'unanswered connection_reset'],
  ['500 before the commit', { kind: 'answer', when: 'before', status: 500 }, false, 'refused unknown'],
  ['500 after the commit', { kind: 'answer', when: 'after', status: 500 }, true, 'refused unknown'],
  ['503 before the commit', { kind: 'answer', when: 'before', status: 503 }, false, 'refused unavailable'],
  ['an answer cut inside the token', { kind: 'truncate', keepBytes: 900 }, true, 'refused unknown'],
  [
    'bytes that are no HTTP',
    { kind: 'raw', when: 'after', bytes: Buffer.from('HELLO\r\n\r\n') },
    true,
    'unanswered http_malformed',
  ],
])('%s', async (_title, fault, committed, seen) => {
  const held = consent();
  const injected = bench.sandbox.faults.inject(fault, { provider: 'docusign', times: 1 });
  const exchange = await bench.exchange('docusign', held, held.refreshToken);
  const sent = { refreshToken: new Secret(held.refreshToken) };
  const answer =
    exchange.kind === 'answered' ? bench.endpoint.read(providerFile('docusign'), exchange.answer, sent) : undefined;
  const words =
    exchange.kind === 'answered'
      ? `${answer?.kind} ${answer?.kind === 'refused' && answer.means}`
      : `${exchange.kind} ${exchange.label}`;
  expect(words).toBe(seen);
  expect(injected.fired()).toBe(1);
  expect(bench.sandbox.oracle.isLive(held.refreshToken)).toBe(!committed);
  expect(bench.sandbox.oracle.refreshes()).toBe(committed ? 1 : 0);
});

test('an answer cut behind the token still brings it', async () => {
  const held = consent();
  bench.sandbox.faults.inject({ kind: 'truncate', keepBytes: 1_445 }, { times: 1 });
  const answer = await bench.refresh('docusign', held, held.refreshToken);
  expect(answer).toMatchObject({ kind: 'granted', oddities: ['salvaged'] });
  expect(newTokenOf(answer)).toBe(bench.sandbox.oracle.liveToken('c1'));
});

test('a slow answer is waited for', async () => {
  const held = consent();
  const slow = bench.sandbox.faults.inject({ kind: 'slow', ms: 30 }, { connection: 'c1' });
  expect(await bench.refresh('docusign', held, held.refreshToken)).toMatchObject({ kind: 'granted' });
  expect(slow.fired()).toBe(1);
});

test('faults keep to their connection, their window and their number', async () => {
  const a = bench.consent('docusign', { connection: 'a' });
  const b = bench.consent('docusign', { connection: 'b' });
  const until = bench.clock.now() + 1_000;
  const fault = bench.sandbox.faults.inject(
    { kind: 'answer', when: 'before', status: 503 },
    { connection: 'a', until },
  );
  expect(await bench.refresh('docusign', b, b.refreshToken)).toMatchObject({ kind: 'granted' });
  expect(await bench.refresh('docusign', a, a.refreshToken)).toMatchObject({ means: 'unavailable' });
  bench.clock.turn(1_000);
  expect(await bench.refresh('docusign', a, a.refreshToken)).toMatchObject({ kind: 'granted' });
  expect(fault.fired()).toBe(1);
});

describe('the judge', () => {
  test('tells a second try after a lost answer from a double spend', async () => {
    const held = consent();
    bench.sandbox.faults.inject({ kind: 'drop', when: 'after' }, { times: 1 });
    await bench.exchange('docusign', held, held.refreshToken);
    expect(await bench.refresh('docusign', held, held.refreshToken)).toMatchObject({ means: 'grant' });
    expect(bench.sandbox.oracle.doubleSpends('c1')).toEqual([]);
    expect(bench.sandbox.oracle.secondTries('c1')).toHaveLength(1);
  });

  test('counts a token shown again after its answer was delivered', async () => {
    const held = consent();
    await bench.refresh('docusign', held, held.refreshToken);
    await bench.refresh('docusign', held, held.refreshToken);
    expect(bench.sandbox.oracle.doubleSpends('c1')).toMatchObject([
      { generation: 0, by: 'service', committed: false, status: 400 },
    ]);
    expect(bench.sandbox.oracle.secondTries('c1')).toEqual([]);
  });

  test('lets an application refresh by itself and keeps its spends apart', async () => {
    const held = consent();
    const { refreshToken } = bench.sandbox.oracle.applicationRefresh('c1');
    expect(bench.sandbox.oracle.liveToken('c1')).toBe(refreshToken);
    await bench.refresh('docusign', held, held.refreshToken);
    expect(bench.sandbox.oracle.doubleSpends()).toEqual([]);
    expect(bench.sandbox.oracle.crossedSpends()).toHaveLength(1);
    expect(bench.sandbox.oracle.refreshes()).toBe(0);
  });

  test('remembers every token, and knows when a connection will die', async () => {
    const held = consent();
    await bench.refresh('docusign', held, held.refreshToken);
    expect(bench.sandbox.oracle.tokens('c1')).toMatchObject([
      { generation: 0, value: held.refreshToken, supersededAt: bench.clock.now() },
      { generation: 1, issuedAt: bench.clock.now() },
    ]);
    expect(bench.sandbox.oracle.diesAt('c1')).toBe(bench.clock.now() + 30 * 86_400_000);
    expect(bench.sandbox.oracle.presentations('c1')).toMatchObject([{ committed: true, status: 200 }]);
  });

  test('follows a new consent of the same connection', async () => {
    consent();
    bench.sandbox.grants.revoke('c1');
    const again = consent();
    expect(bench.sandbox.oracle.diedAt('c1')).toBeUndefined();
    expect(bench.sandbox.oracle.liveToken('c1')).toBe(again.refreshToken);
  });
});
