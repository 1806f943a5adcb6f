/**
 * `acme` on the rotation bench while Secrets Manager fails: short limits in which it must answer, faults that last, and what
 * must hold when it is mended.
 */
import { expect } from 'vitest';
import { expectWell, startAcmeBench } from './acme-bench.ts';
import type { RotationBench } from './rotation-bench.ts';

/** Whatever is asked about `acme`, until the fault is taken away. */
export const always = { times: 1_000, secret: 'acme' };
export const accessDenied = { error: 'AccessDeniedException' };

export function startStoreFaultBench(): Promise<RotationBench> {
  return startAcmeBench(
    {},
    {
      change: (config) => ({
        ...config,
        rotation: { ...config.rotation, writeLimit: 400 },
        store: { ...config.store, aws: { ...config.store.aws, requestLimit: 300 } },
      }),
    },
  );
}

/** Stops the bench of a test that injected faults into the store; fails where one of them never happened. */
export async function stopWithAllFired(bench: RotationBench): Promise<void> {
  const unfired = bench.double.faults.unfired().map((fault) => fault.spec);
  await bench.stop();
  expect(unfired).toEqual([]);
}

/** Well, and no token was even tried a second time, as the provider's answer was never in doubt. */
export async function expectSpentOnce(bench: RotationBench, connection = 'acme'): Promise<void> {
  await expectWell(bench, connection);
  expect(bench.sandbox.oracle.secondTries()).toEqual([]);
}

/** No token was shown to a provider. */
export function expectUnspent(bench: RotationBench): void {
  expect(bench.sandbox.oracle.presentations()).toEqual([]);
}
