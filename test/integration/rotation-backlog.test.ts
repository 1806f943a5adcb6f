/** More connections in line at a provider, or for the store, than the pace serves while a lease lasts. */
import { afterEach, expect, test } from 'vitest';
import type { Permits } from '../../src/rotation/ports.ts';
import { rotate } from '../../src/rotation/rotate.ts';
import { extended, startAcmeBench } from '../support/acme-bench.ts';
import { day, type RotationBench, startRotationBench } from '../support/rotation-bench.ts';

let bench: RotationBench;
afterEach(() => bench.stop());

const connections = 60;
const concurrency = 32;
const never = new AbortController().signal;

test('a backlog is worked off at the provider’s pace, however long the line is', async () => {
  // The line takes 1.6 s and a lease has one to spare: without a bound everybody's turn would come too late, for ever.
  bench = await startRotationBench({
    change: (config) => {
      const { docusign } = config.providers;
      if (docusign === undefined) throw new Error('docusign is not configured');
      return {
        ...config,
        rotation: { ...config.rotation, lease: 6_000 },
        providers: { ...config.providers, docusign: { ...docusign, limits: { ...docusign.limits, perSecond: 20 } } },
      };
    },
  });
  const waiting = Array.from({ length: connections }, (_, n) => `c${n}`);
  for (const connection of waiting) bench.connect({ ...extended, connection });
  await bench.inventory();
  bench.clock.turn(12 * day);
  const worker = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { outcome } = await bench.rotate(next);
      if (outcome === 'busy') waiting.push(next);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  const came = (to: string) => bench.reports.filter(({ outcome }) => outcome === to);
  expect(came('rotated')).toHaveLength(connections);
  expect(came('busy').length).toBeGreaterThan(0);
  expect(bench.sandbox.oracle.presentations()).toHaveLength(connections);
}, 20_000);

/** A line in which nobody's turn comes. */
function standing(signal: AbortSignal): Promise<void> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
}

/** A job with little time to spare, and the lines it stood in. */
async function late(lines: Partial<Permits>, spareMs = 600) {
  const ports = bench.ports();
  const stood: string[] = [];
  const permits: Permits = {
    request(...asked) {
      stood.push('request');
      return (lines.request ?? ports.permits.request)(...asked);
    },
    writes(...asked) {
      stood.push('writes');
      return (lines.writes ?? ports.permits.writes)(...asked);
    },
  };
  const { requestLimitMs, writeLimitMs } = bench.settings;
  const settings = { ...bench.settings, leaseMs: requestLimitMs + writeLimitMs + spareMs };
  const report = await rotate({ connection: 'acme', reason: 'due' }, { ...ports, permits }, settings, never);
  return { report, stood };
}

test('whose turn comes too late gives the lease back, does not stand in the next line, and is due at once', async () => {
  bench = await startAcmeBench();
  const { report, stood } = await late({ request: (_provider, _pace, signal) => standing(signal) });
  expect(report).toMatchObject({ outcome: 'busy', reason: 'busy', entry: { state: 'active', failures: 0 } });
  expect(report.entry?.nextAt).toBe(bench.clock.now());
  expect(stood).toEqual(['request']);
  expect(await bench.redis.redis.keys('*:lease:acme')).toEqual([]);
  expect(bench.sandbox.oracle.presentations()).toEqual([]);
  expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
});

test('a long wait at the provider leaves time enough to wait for the store', async () => {
  bench = await startAcmeBench();
  const { clock } = bench;
  const lines: Partial<Permits> = {
    request: (_provider, _pace, signal) => clock.sleep(800, signal),
    writes: (_count, _share, signal) => clock.sleep(800, signal),
  };
  const { report, stood } = await late(lines, 3_000);
  expect(stood).toEqual(['request', 'writes']);
  expect(report).toMatchObject({ outcome: 'rotated' });
});

test('what earlier attempts came to is not forgotten in the line', async () => {
  bench = await startAcmeBench();
  const entry = await bench.entry('acme');
  if (entry === undefined) throw new Error('acme is not indexed');
  const since = bench.clock.now() - day;
  const suspect = { state: 'suspect', reason: 'invalid_grant', failures: 3, since } as const;
  await bench.services.index.put([{ ...entry, ...suspect, nextAt: since }]);
  const { report } = await late({ writes: (_count, _share, signal) => standing(signal) });
  expect(report).toMatchObject({ outcome: 'busy', entry: suspect });
});
