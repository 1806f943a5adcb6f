/** Says open incidents again to receivers that forget what is not repeated. Harmless when two processes do. */
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Channel } from './channel.ts';
import type { Incident } from './incident.ts';
import type { MadeNotice } from './ports.ts';
import { type AlertRoute, channelsFor } from './routes.ts';

export interface RepeatPorts {
  readonly channels: ReadonlyMap<string, Channel>;
  readonly notice: MadeNotice;
  readonly routes: readonly AlertRoute[];
  readonly clock: Clock;
  readonly log: Logger;
}

/** A function that is called after every look with what is open, and repeats what it is time to repeat. Never throws. */
export function createRepeater({ channels, notice, routes, clock, log }: RepeatPorts) {
  const lastMs = new Map<string, number>();
  return async (open: readonly Incident[]): Promise<void> => {
    for (const [name, { repeat }] of channels) {
      if (repeat === undefined || clock.monotonic() - (lastMs.get(name) ?? Number.NEGATIVE_INFINITY) < repeat.everyMs)
        continue;
      const now = clock.now();
      const told = open.filter(
        (incident) =>
          channelsFor(incident, [...channels.keys()], routes).includes(name) && (incident.snoozedUntil ?? 0) <= now,
      );
      if (told.length === 0) continue;
      lastMs.set(name, clock.monotonic());
      const notices = await Promise.all(told.map((incident) => notice(incident, 'reminder')));
      const delivery = await repeat.deliver(notices, new AbortController().signal);
      if (delivery.kind !== 'accepted') log.warn('alert.not_repeated', { channel: name, why: delivery.why });
    }
  };
}
