/**
 * The AWS adapter on a double with two secrets, `a` (which holds the canary) and `b`: fresh for each test. Its random
 * fractions are all 0, so that it waits as shortly as it can before it asks again.
 */
import { afterEach, beforeEach, expect } from 'vitest';
import { type SecretVersion, stage } from '../../src/rotation/ports.ts';
import { type Random, systemRandom } from '../../src/runtime/random.ts';
import type { Fault, FaultSpec } from '../../src/sandbox/secrets-manager/faults.ts';
import { type AwsOnDouble, managedTags, startAwsOnDouble, text } from './store-fixture.ts';

/** What `a` holds, and what may never be printed. */
export const canary = '{"refresh_token":"canary-0123456789"}';

export interface AwsBench {
  readonly random: Random;
  /** The running test's: read through the bench, never kept. */
  readonly aws: AwsOnDouble;
  /** Called after the test, in this order; a test adds what it opened. */
  readonly closing: (() => unknown)[];
  fail(spec: FaultSpec): Fault;
  /** Puts a pending version of `a`. */
  put(versionId?: string): Promise<void>;
  /** Reads the current version of `a`. */
  read(): Promise<SecretVersion>;
}

/** Called once at the top of a test file: sets up and clears away around its tests. */
export function awsBench(): AwsBench {
  const random: Random = { ...systemRandom(), fraction: () => 0 };
  const closing: (() => unknown)[] = [];
  let aws: AwsOnDouble;

  beforeEach(async () => {
    aws = await startAwsOnDouble({ store: { random } });
    closing.push(aws.stop);
    aws.double.secrets.seed([
      { name: 'a', value: canary, tags: managedTags },
      { name: 'b', value: 'other', tags: managedTags },
    ]);
  });
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });

  return {
    random,
    get aws() {
      return aws;
    },
    closing,
    fail: (spec) => aws.double.faults.add(spec),
    put: (versionId = random.uuid()) => aws.store.put('a', { versionId, value: text(canary), stages: [stage.pending] }),
    read: () => aws.store.read('a', { stage: stage.current }),
  };
}

/** The error of a call that must fail. */
export async function failureOf(call: Promise<unknown>): Promise<Error> {
  return call.then(
    () => expect.unreachable('the call should have failed'),
    (error: Error) => error,
  );
}
