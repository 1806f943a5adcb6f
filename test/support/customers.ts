/** Two dozen due connections on a rig: for tests of several processes, or of a Redis that goes away, under a little load. */
import { expect } from 'vitest';
import { day, type Rig } from './rig.ts';

export const customers = Array.from({ length: 24 }, (_, number) => `customer-${number}`);

/** Connects them all and turns the calendar until they are due. */
export function connectCustomers(rig: Rig): void {
  for (const connection of customers) rig.connect({ provider: 'docusign', connection, scope: 'signature extended' });
  rig.clock.turn(15 * day);
}

/** Each was refreshed exactly once, holds its live token and has no flag. */
export function expectEachOnce(rig: Rig): void {
  for (const connection of customers) {
    expect(rig.sandbox.oracle.presentations(connection)).toHaveLength(1);
    expect(rig.document(connection).refresh_token).toBe(rig.sandbox.oracle.liveToken(connection));
    expect(rig.double.secrets.tags(connection)).toEqual({ 'pilotlight:managed': 'true' });
  }
  expect(rig.sandbox.oracle.doubleSpends()).toEqual([]);
}
