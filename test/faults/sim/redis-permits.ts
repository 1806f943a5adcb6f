/** The lines of src/queue/permits.ts: slots reserved by Redis's clock, waited for by the caller's own. */
import type { Permits } from '../../../src/rotation/ports.ts';
import type { Clock } from '../../../src/runtime/clock.ts';
import type { Calls } from './call.ts';
import { askingRedis, type RedisServer } from './redis-server.ts';

export interface PermitState {
  bind(calls: Calls, clock: Clock): Permits;
  clear(): void;
}

export interface PermitRates {
  /** Store writes per second over all workers; Infinity asks nobody. */
  readonly writesPerSecond: number;
  /** Part of the writes left to recovery while it waits. */
  readonly recoveryShare: number;
  /** False: nobody asks and nobody waits, at a provider neither. */
  readonly paced: boolean;
}

interface Line {
  main: number;
  recovery: number;
  askedAt: number;
}

/** While recovery waits (asked within this long) new spends leave it its share. */
const recoveryWaitsMs = 2_000;

export function permitState(
  server: RedisServer,
  { writesPerSecond, recoveryShare: share, paced }: PermitRates,
): PermitState {
  const lines = new Map<string, Line>();

  /** Reserves the next slots; answers how long to wait for the first of them. */
  function reserve(name: string, count: number, perSecond: number, recovery: boolean): number {
    const now = server.now();
    const apart = 1_000 / perSecond;
    const line = lines.get(name) ?? { main: 0, recovery: 0, askedAt: Number.NEGATIVE_INFINITY };
    lines.set(name, line);
    if (recovery) line.askedAt = now;
    const main = Math.max(line.main, now);
    const own = Math.max(line.recovery, now);
    if (recovery && own < main) {
      line.recovery = own + (count * apart) / share;
      return own - now;
    }
    const waiting = name === 'writes' && share > 0 && now - line.askedAt < recoveryWaitsMs;
    line.main = main + (count * apart) / (waiting ? 1 - share : 1);
    return main - now;
  }

  return {
    clear: () => lines.clear(),
    bind(calls, clock) {
      const ask = askingRedis(server, calls);
      const wait = async (name: string, count: number, perSecond: number, recovery: boolean, signal: AbortSignal) => {
        signal.throwIfAborted();
        if (!paced || count <= 0 || perSecond === Number.POSITIVE_INFINITY) return;
        const ms = await ask('permits.reserve', name, () => reserve(name, count, perSecond, recovery));
        signal.throwIfAborted();
        if (ms > 0) await clock.sleep(ms, signal);
      };
      return {
        request: (provider, perSecond, signal) => wait(`provider:${provider}`, 1, perSecond, false, signal),
        writes: (count, which, signal) =>
          wait('writes', count, writesPerSecond, which === 'recovery' && share > 0, signal),
      };
    },
  };
}
