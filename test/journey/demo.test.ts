/**
 * The demo, shortened: the real service in all roles on a real Redis, the real SDK and real HTTP, three weeks in some
 * twenty-five seconds. Everything that can go wrong does, and nothing is lost.
 */
import { expect, test } from 'vitest';
import { startService } from '../../src/run-demo.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import type { DemoPorts } from '../../src/sandbox/demo/ports.ts';
import { runDemo } from '../../src/sandbox/demo/run.ts';

function demoPorts(signal = new AbortController().signal) {
  const out: string[] = [];
  const shown: string[] = [];
  const ports: DemoPorts = {
    clock: systemClock(),
    signal,
    out: (text) => void out.push(text),
    screen: { write: (text) => void shown.push(text), terminal: false, colour: false, columns: () => 80 },
    start: (request) => startService(request, 0),
  };
  return { ports, out, shown };
}

interface Result {
  readonly refreshed: Record<string, number>;
  readonly flagged: readonly { readonly reason: string }[];
  readonly happened: Record<string, number>;
  readonly met: Record<string, number>;
  readonly invariants: readonly { readonly name: string; readonly broken: readonly string[] }[];
}

test('keeps forty connections alive through all that can go wrong, and says so in one JSON object', {
  timeout: 120_000,
}, async () => {
  const { ports, out, shown } = demoPorts();
  const code = await runDemo({ seed: 3, days: 20, json: true, once: true }, ports);

  expect(out).toHaveLength(1);
  const result = JSON.parse(out.join('')) as Result;
  expect(result.invariants.filter(({ broken }) => broken.length > 0)).toEqual([]);
  expect(code).toBe(0);
  expect(result).toMatchObject({
    seed: 3,
    days: 20,
    wronglyFlagged: 0,
    lostTokens: 0,
    doubleSpends: 0,
    diedUnnoticed: 0,
  });
  expect(Object.values(result.refreshed).every((count) => count > 0)).toBe(true);
  expect(Object.entries({ ...result.happened, ...result.met }).filter(([, times]) => times === 0)).toEqual([]);
  expect(new Set(result.flagged.map(({ reason }) => reason))).toEqual(new Set(['invalid_grant', 'expired']));
  expect(shown.join('')).toContain('Every invariant held.');
  expect(shown.join('')).not.toContain('\u001b');
});

test('ends at once when it is told to, with nothing left behind', async () => {
  const stop = new AbortController();
  const { ports, out } = demoPorts(stop.signal);
  const running = runDemo(
    { seed: 1, days: 20, json: true, once: false },
    {
      ...ports,
      async start(request) {
        const service = await ports.start(request);
        stop.abort();
        return service;
      },
    },
  );
  expect(await running).toBe(130);
  expect(out).toEqual([]);
});
