/**
 * Signs of life of the loops a process runs. A loop says how long it may be silent and beats whenever it comes round; the
 * liveness probe fails once one is silent for longer. Monotonic time: turning the calendar kills no process.
 */
import type { Clock } from '../runtime/clock.ts';
import type { Heartbeat } from './ports.ts';

export interface Heartbeats {
  /** Registers a loop and returns its beat. `ageMsMax` covers its period and its longest run. */
  expect(name: string, ageMsMax: number): () => void;
  /** The loop has ended on purpose and is no longer expected. */
  forget(name: string): void;
  read(): readonly Heartbeat[];
}

export function createHeartbeats(clock: Pick<Clock, 'monotonic'>): Heartbeats {
  const beats = new Map<string, { at: number; ageMsMax: number }>();
  return {
    expect(name, ageMsMax) {
      beats.set(name, { at: clock.monotonic(), ageMsMax });
      return () => {
        const beat = beats.get(name);
        if (beat !== undefined) beat.at = clock.monotonic();
      };
    },
    forget: (name) => void beats.delete(name),
    read: () => [...beats].map(([name, { at, ageMsMax }]) => ({ name, ageMs: clock.monotonic() - at, ageMsMax })),
  };
}
