/**
 * Values of many secrets at once through BatchGetSecretValue. What goes wrong with one secret stays its own error; what
 * goes wrong with a call becomes the error of each secret it was for. Never throws.
 */
import { BatchGetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { SecretVersion } from '../rotation/ports.ts';
import { version } from './aws-answers.ts';
import { storeError } from './aws-errors.ts';

/** Secrets one call may ask for (API reference, BatchGetSecretValue). */
const perCall = 20;
/** Calls in flight at once: well under the 100 calls per second AWS allows, and memory stays flat. */
const callsAtOnce = 4;

const operation = 'BatchGetSecretValue';
type Read = SecretVersion | Error;

export interface Batch {
  readonly client: SecretsManagerClient;
  /** Repeats a read that is throttled, and maps errors. */
  call<T>(what: { operation: string; secret?: string }, run: () => Promise<T>): Promise<T>;
  /** Reads one secret's current version by itself. */
  readOne(name: string): Promise<SecretVersion>;
}

async function alone(batch: Batch, name: string): Promise<Read> {
  try {
    return await batch.readOne(name);
  } catch (error) {
    return storeError({ operation: 'GetSecretValue', secret: name }, error);
  }
}

async function chunk(batch: Batch, names: readonly string[], into: Map<string, Read>): Promise<void> {
  const [only] = names;
  if (names.length === 1 && only !== undefined) {
    into.set(only, await alone(batch, only));
    return;
  }
  try {
    const request = () => batch.client.send(new BatchGetSecretValueCommand({ SecretIdList: [...names] }));
    const answer = await batch.call({ operation }, request);
    for (const found of answer.SecretValues ?? []) {
      for (const id of [found.Name, found.ARN]) if (id !== undefined) into.set(id, version(found, id));
    }
    for (const failed of answer.Errors ?? []) {
      const id = failed.SecretId ?? '';
      into.set(id, storeError({ operation, secret: id }, { name: failed.ErrorCode, message: failed.Message }));
    }
  } catch (error) {
    for (const name of names) into.set(name, storeError({ operation, secret: name }, error));
  }
  // AWS may answer for fewer than asked; those are read one by one.
  for (const name of names) if (!into.has(name)) into.set(name, await alone(batch, name));
}

export async function readBatch(batch: Batch, names: readonly string[]): Promise<readonly Read[]> {
  const wanted = [...new Set(names)];
  const found = new Map<string, Read>();
  let next = 0;
  async function lane(): Promise<void> {
    while (next < wanted.length) {
      const start = next;
      next += perCall;
      await chunk(batch, wanted.slice(start, start + perCall), found);
    }
  }
  await Promise.all(Array.from({ length: callsAtOnce }, lane));
  return names.map((name) => found.get(name) ?? storeError({ operation, secret: name }, undefined));
}
