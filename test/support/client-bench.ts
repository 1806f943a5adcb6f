/**
 * Several connections of one client on the rotation bench: for tests of whose fault a refusal is, the client's or the
 * connection's.
 */
import { expect } from 'vitest';
import type { ClientHealth } from '../../src/rotation/ports.ts';
import { extended } from './acme-bench.ts';
import { day, type RotationBench } from './rotation-bench.ts';

/** What is known of a client; undefined where nothing is. */
export async function clientHealth(bench: RotationBench, client = 'rig'): Promise<ClientHealth | undefined> {
  return (await bench.services.clients.list()).find(({ at }) => at.client === client)?.health;
}

/** Connects them all at one provider and turns the calendar until they are due. */
export async function connectAll(bench: RotationBench, provider: string, ...connections: string[]): Promise<void> {
  for (const connection of connections) bench.connect({ provider, connection, scope: 'signature extended' });
  await bench.inventory();
  bench.clock.turn(25 * day);
}

/** Each holds its live token and no flag; nothing was spent twice and nothing is left open. */
export async function expectAlive(bench: RotationBench, ...connections: string[]): Promise<void> {
  for (const connection of connections) {
    expect(bench.document(connection).refresh_token).toBe(bench.sandbox.oracle.liveToken(connection));
    expect(bench.double.secrets.tags(connection)).toEqual({ 'pilotlight:managed': 'true' });
  }
  expect(bench.sandbox.oracle.doubleSpends()).toEqual([]);
  expect(await bench.spoolFiles()).toEqual([]);
}

/** `acme` has been revoked by its customer; `canary` lives, with the same client. Both are due. */
export async function revokeAcme(bench: RotationBench): Promise<void> {
  for (const connection of ['acme', 'canary']) bench.connect({ ...extended, connection });
  await bench.inventory();
  bench.clock.turn(12 * day);
  bench.sandbox.grants.revoke('acme');
}

/** How often a token of this connection was shown to its provider. */
export function presented(bench: RotationBench, connection: string): number {
  return bench.sandbox.oracle.presentations(connection).length;
}
