/**
 * Delivers what a channel is owed of one incident: the newest state, whatever was missed between. At least once: a notice
 * keeps its id on every try, and what was not accepted is owed still.
 */
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Channel, Delivery } from './channel.ts';
import { isIncidentKind } from './kinds.ts';
import type { DeliveryState, IncidentMemory, MadeNotice, TellJob } from './ports.ts';
import { owedTo } from './routes.ts';

export interface TellPorts {
  readonly memory: Pick<IncidentMemory, 'get' | 'delivery' | 'noteDelivery' | 'noteChannel'>;
  readonly channels: ReadonlyMap<string, Channel>;
  readonly notice: MadeNotice;
  readonly clock: Clock;
  readonly log: Logger;
  /** For metrics. */
  readonly told?: (channel: string, outcome: Delivery['kind']) => void;
}

const firstRetryMs = 5_000;
const maxRetryMs = 15 * 60_000;
/** What will not pass by itself is still tried: somebody may have mended it. */
const refusedRetryMs = 3_600_000;

export async function tell({ key, channel: name }: TellJob, ports: TellPorts, signal: AbortSignal): Promise<void> {
  const { memory, clock, log } = ports;
  const [incident, channel] = [await memory.get(key), ports.channels.get(name)];
  if (incident === undefined || channel === undefined || !isIncidentKind(incident.kind)) return;
  const had = await memory.delivery(key, name);
  const owed = owedTo(incident, had, clock.now());
  if (owed === undefined) return;
  const notice = await ports.notice(incident, owed.event);
  // What the channel showed of the time before is over, and stays as it is.
  const before = owed.event === 'opened' ? undefined : had?.reference;
  const delivery = await channel.deliver(notice, before, signal);
  const now = clock.now();
  ports.told?.(name, delivery.kind);
  if (delivery.kind === 'accepted') {
    const reference = delivery.reference ?? before;
    await memory.noteDelivery(incident, name, {
      sequence: incident.sequence,
      ...(owed.event === 'resolved' ? { over: true } : {}),
      at: now,
      tries: 0,
      ...(reference === undefined ? {} : { reference }),
    });
    await memory.noteChannel(name, undefined);
    log.info('alert.told', { incident: key, channel: name, notice: owed.event, kind: incident.kind });
    return;
  }
  const state = after(had, delivery, now);
  await memory.noteDelivery(incident, name, state);
  // One busy moment is no failure: the receiver asked to wait.
  const isFailing = delivery.kind !== 'retry' || state.tries >= 3;
  if (isFailing)
    await memory.noteChannel(name, { failingSince: now, why: delivery.why, final: delivery.kind !== 'retry' });
  log.warn('alert.not_told', {
    incident: key,
    channel: name,
    notice: owed.event,
    kind: delivery.kind,
    why: delivery.why,
  });
}

function after(
  had: DeliveryState | undefined,
  delivery: Exclude<Delivery, { kind: 'accepted' }>,
  now: number,
): DeliveryState {
  const tries = (had?.tries ?? 0) + 1;
  const backoffMs = Math.min(firstRetryMs * 2 ** Math.min(tries - 1, 20), maxRetryMs);
  const waitMs = delivery.kind === 'retry' ? Math.max(backoffMs, delivery.afterMs ?? 0) : refusedRetryMs;
  return {
    sequence: had?.sequence ?? 0,
    ...(had?.over === true ? { over: true } : {}),
    at: now,
    tries,
    why: delivery.why,
    notBefore: now + waitMs,
    ...(had?.reference === undefined ? {} : { reference: had.reference }),
  };
}
