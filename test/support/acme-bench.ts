/**
 * The rotation bench with the connection most of its tests are about: `acme` at DocuSign, with `extended`, consented twelve
 * days ago and so due. And how things must stand when such a test ends.
 */
import { expect } from 'vitest';
import type { Config } from '../../config/derive.ts';
import { stage } from '../../src/rotation/ports.ts';
import { day, type RotationBench, startRotationBench } from './rotation-bench.ts';
import type { WorldOptions } from './world.ts';

export const extended = { provider: 'docusign', scope: 'signature extended' } as const;

/** `more` are further fields of the document of `acme`. */
export async function startAcmeBench(
  more: Record<string, unknown> = {},
  options: WorldOptions = {},
): Promise<RotationBench> {
  const bench = await startRotationBench(options);
  await connectAcme(bench, {}, more);
  return bench;
}

/** Connects `acme` and turns the calendar until it is due; `more` are further fields of its document. */
export async function connectAcme(
  bench: RotationBench,
  rules: { graceMs?: number } = {},
  more: Record<string, unknown> = {},
): Promise<void> {
  bench.connect({ ...extended, connection: 'acme', rules }, more);
  await bench.inventory();
  bench.clock.turn(12 * day);
}

/** With a short limit in which a provider must answer: for tests in which it does not. Nothing is connected yet. */
export function startHastyBench(change: (config: Config) => Config = (same) => same): Promise<RotationBench> {
  return startRotationBench({
    change: (config) => change({ ...config, rotation: { ...config.rotation, requestLimit: 700 } }),
  });
}

/** The current document holds the live token, and nothing is left open. */
export async function expectSettled(bench: RotationBench, connection = 'acme'): Promise<void> {
  expect(bench.document(connection).refresh_token).toBe(bench.sandbox.oracle.liveToken(connection));
  expect(await bench.spoolFiles()).toEqual([]);
}

/** Settled, and nothing was spent twice. */
export async function expectWell(bench: RotationBench, connection = 'acme'): Promise<void> {
  await expectSettled(bench, connection);
  expect(bench.sandbox.oracle.doubleSpends()).toEqual([]);
}

/** Well; the application's own field `note` survived, and nobody's token had to be kept as an orphan. */
export async function expectFinished(bench: RotationBench): Promise<void> {
  const { oracle } = bench.sandbox;
  expect(bench.document('acme')).toMatchObject({ note: 'ours', refresh_token: oracle.liveToken('acme') });
  await expectWell(bench);
  const labels = bench.double.secrets.versions('acme').flatMap(({ stages }) => stages);
  expect(labels.filter((label) => label.startsWith(stage.orphanPrefix))).toEqual([]);
}

/** The service's own requests with tokens of a connection. */
export function presentedByService(bench: RotationBench, connection = 'acme') {
  return bench.sandbox.oracle.presentations(connection).filter(({ by }) => by === 'service');
}
