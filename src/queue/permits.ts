/**
 * Permits: the pace that all workers keep together. One line per provider, and one for the writes to the store, whose
 * quota belongs to the whole account. A rate without limit asks nobody.
 */
import type { Permits } from '../rotation/ports.ts';
import type { Clock } from '../runtime/clock.ts';
import { PilotlightError } from '../runtime/errors.ts';
import { checkedPrefix, defaultPrefix } from './keys.ts';
import { createRateLine, type RateLine } from './rate-line.ts';
import type { RedisClient } from './redis-client.ts';
import { scriptRunner } from './script.ts';

export interface PermitOptions {
  readonly redis: RedisClient;
  readonly prefix?: string;
  readonly clock: Clock;
  /**
   * Store writes per second over all workers; Infinity for no limit. Secrets Manager allows 50/s for PutSecretValue,
   * UpdateSecret and UpdateSecretVersionStage together, per account and Region. Default 40.
   */
  readonly writesPerSecond?: number;
  /** Part of the writes that new spends leave to recovery while it waits, 0 to 0.9. Default 0.2. */
  readonly recoveryShare?: number;
}

/** Throws config_invalid when the rate or the share cannot be kept. */
export function createPermits(options: PermitOptions): Permits {
  const { clock, writesPerSecond = 40, recoveryShare = 0.2 } = options;
  if (!(writesPerSecond > 0) || !(recoveryShare >= 0 && recoveryShare <= 0.9)) {
    throw new PilotlightError('config_invalid', 'writes per second must be above 0 and the recovery share 0 to 0.9');
  }
  const run = scriptRunner(options.redis, checkedPrefix(options.prefix ?? defaultPrefix));
  const providers = new Map<string, RateLine>();
  const rotation = createRateLine({ run, clock, name: 'writes', recovery: false, recoveryShare });
  const recovery = createRateLine({ run, clock, name: 'writes', recovery: true, recoveryShare });

  function providerLine(provider: string): RateLine {
    const known = providers.get(provider);
    if (known !== undefined) return known;
    const line = createRateLine({ run, clock, name: `provider:${provider}`, recovery: false, recoveryShare: 0 });
    providers.set(provider, line);
    return line;
  }

  return {
    async request(provider, perSecond, signal) {
      signal.throwIfAborted();
      if (perSecond === Number.POSITIVE_INFINITY) return;
      await providerLine(provider).wait(1, perSecond, signal);
    },
    async writes(count, share, signal) {
      signal.throwIfAborted();
      if (count <= 0 || writesPerSecond === Number.POSITIVE_INFINITY) return;
      await (share === 'recovery' ? recovery : rotation).wait(count, writesPerSecond, signal);
    },
  };
}
