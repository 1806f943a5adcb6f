/** What follows from an outcome, decided in one place; and that nothing about a report can stop the service. */
import { describe, expect, it } from 'vitest';
import type { IndexEntry } from '../../src/connection/entry.ts';
import { account } from '../../src/rotation/account.ts';
import { consequenceOf, outcomes, type RotationReport } from '../../src/rotation/outcome.ts';
import { createStoreTrust } from '../../src/rotation/store-trust.ts';
import { PilotlightError } from '../../src/runtime/errors.ts';
import type { LogFields, Logger } from '../../src/runtime/logger.ts';
import { entryFor, memoryIndex } from '../support/fakes/index.ts';

function noted() {
  const lines: { level: string; event: string; fields: LogFields }[] = [];
  const at =
    (level: string) =>
    (event: string, fields: LogFields = {}) =>
      void lines.push({ level, event, fields });
  const log: Logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  return { lines, log };
}

const report = (change: Partial<RotationReport>): RotationReport => ({
  connection: 'c/1',
  asked: 'due',
  outcome: 'rotated',
  reason: 'none',
  at: undefined,
  totalMs: 12.4,
  ...change,
});

describe('an outcome', () => {
  it('concerns the customer only when consent is needed, and is an error only where somebody must act', () => {
    expect(outcomes.filter((outcome) => consequenceOf(outcome).concerns === 'customer')).toEqual(['needsConsent']);
    expect(outcomes.filter((outcome) => consequenceOf(outcome).level === 'error')).toEqual([
      'needsConsent',
      'misconfigured',
      'quarantined',
      'sealed',
    ]);
    for (const outcome of outcomes)
      if (consequenceOf(outcome).level === 'error') expect(consequenceOf(outcome).concerns).not.toBe('nobody');
  });

  it('counts as a failure where it is ours or the provider’s, never the customer’s', () => {
    expect(outcomes.filter((outcome) => consequenceOf(outcome).countsAsFailure)).toEqual([
      'retryLater',
      'throttled',
      'unknown',
      'misconfigured',
      'quarantined',
      'sealed',
    ]);
  });
});

describe('a report', () => {
  it('reaches the index, the log once, and whoever listens', async () => {
    const { lines, log } = noted();
    const index = memoryIndex();
    const seen: RotationReport[] = [];
    const made = report({ entry: entryFor('c/1', { nextAt: 1_800_000_000_000 }) });
    await account(made, { index, log, observe: (one) => seen.push(one) });
    expect(await index.get('c/1')).toEqual(made.entry);
    expect(lines).toMatchObject([
      {
        level: 'info',
        event: 'rotation.rotated',
        fields: { connection: 'c/1', nextAt: '2027-01-15T08:00:00.000Z', totalMs: 12, reason: undefined },
      },
    ]);
    expect(seen).toEqual([made]);
  });

  it('of a connection that is gone takes it out of the index', async () => {
    const index = memoryIndex([entryFor('c/1'), entryFor('c/2')]);
    await account(report({ outcome: 'gone' }), { index, log: noted().log, observe: () => {} });
    expect(await index.get('c/1')).toBeUndefined();
    expect(await index.count()).toBe(1);
  });

  it('without an entry leaves the index as it is', async () => {
    const index = memoryIndex([entryFor('c/1')]);
    await account(report({ outcome: 'busy' }), { index, log: noted().log, observe: () => {} });
    expect(await index.get('c/1')).toEqual(entryFor('c/1'));
  });

  it('is logged and listened to although Redis is gone, without a word of the error’s own', async () => {
    const { lines, log } = noted();
    const failing = {
      ...memoryIndex(),
      put: (_: readonly IndexEntry[]) => Promise.reject(new PilotlightError('redis_unavailable', 'canary text')),
    };
    let observed = 0;
    await account(report({ entry: entryFor('c/1') }), { index: failing, log, observe: () => observed++ });
    expect(lines.map(({ event }) => event)).toEqual(['index.write_failed', 'rotation.rotated']);
    expect(observed).toBe(1);
    expect(JSON.stringify(lines)).not.toContain('canary');
  });
});

it('the store is trusted only after a proof, and no longer after a doubt', () => {
  const trust = createStoreTrust();
  expect(trust.believed()).toBe(false);
  trust.prove();
  expect(trust.believed()).toBe(true);
  trust.doubt();
  expect(trust.believed()).toBe(false);
});
